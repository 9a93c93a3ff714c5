"""Through: a measure of changed frames, beside or in place of the one of frames as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mdmkit.core.errors import InputError, NoTargetError
from mdmkit.core.number import Number
from mdmkit.core.transforms import Band, FrameChange
from mdmkit.metrics.measures import Measure, Unresolved, as_number
from mdmkit.statistics.kinds import PixelStatistic, Statistic, changed, of_images
from mdmkit.statistics.target_bins import TargetBin

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals


def seen_through(
    totals: NormalizedTotals, change: FrameChange, of: Iterable[Statistic] = (PixelStatistic(),)
) -> NormalizedTotals:
    """Totals of changed frames under the names `of` those of frames as they are."""
    names = {changed(change, statistic): statistic for statistic in of}

    def own(by_statistic: dict[Statistic, Any]) -> dict[Statistic, Any]:
        return {names[s]: counts for s, counts in by_statistic.items() if s in names}

    raw = totals.totals
    bins = raw.bins and replace(
        raw.bins,
        resolved=own(raw.bins.resolved),
        by_statistic=own(raw.bins.by_statistic),
    )
    return replace(totals, totals=replace(raw, by_statistic=own(raw.by_statistic), bins=bins))


def of_changed(change: FrameChange, unresolved: Unresolved) -> Unresolved:
    """Scores to be looked at, of changed frames."""
    return {changed(change, statistic): found for statistic, found in unresolved.items()}


@dataclass(frozen=True)
class Through(Measure):
    """A measure of changed frames.

    Parameters
    ----------
    change : FrameChange
    measure : Measure
        One of pixels and components; a normaliser keeps the constants of the unchanged frames.
    key : str
        The measure's own where it takes its place.
    """

    change: FrameChange
    measure: Measure
    key: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.measure.key)
        for trait in ("higher_is_better", "needs_anomalies", "on_scale", "rates"):
            object.__setattr__(self, trait, getattr(self.measure, trait))

    @property
    def sizes_used(self) -> str:
        return self.measure.sizes_used

    @property
    def in_bins(self) -> Measure:
        return replace(self, measure=self.measure.in_bins)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return tuple(changed(self.change, statistic) for statistic in self.measure.statistics)

    def compute(self, totals: NormalizedTotals) -> Number:
        seen = self._seen(totals)
        try:
            return as_number(self.measure.compute(seen), seen)
        except NoTargetError:
            if not self.change.selects:
                raise
            return self.empty()

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        return of_changed(self.change, self.measure.unresolved(self._seen(totals)))

    def _seen(self, totals: NormalizedTotals) -> NormalizedTotals:
        return seen_through(totals, self.change, self.measure.statistics)

    def empty(self) -> Number:
        return self.measure.empty()


def in_band(measure: Measure, width: float) -> Through:
    """`NAME@band=W`: a measure of pixels, restricted to a band around ground-truth borders.

    Raises
    ------
    InputError
        If the measure is not one of pixels alone, or the width is unfit.
    """
    band = Band(width)
    if set(measure.statistics) != {PixelStatistic()}:
        raise InputError(
            "expected a measure of pixels such as ap, auroc, fpr95, best_f1, f1@z=0.5 or "
            f"mdm_f1@0.5, found {measure.key!r}, whose components a band would cut",
            argument="band",
        )
    return Through(band, measure, f"{measure.key}@band={band.width:g}")


def in_bin(measure: Measure, selected: TargetBin) -> Through:
    """`NAME@size=A:B` and its like: a measure of the components of some size or place.

    Raises
    ------
    InputError
        If the measure is one of images, which components outside the bin would turn normal.
    """
    if any(of_images(statistic) for statistic in measure.statistics):
        raise InputError(
            "expected a measure of pixels, components or borders, found "
            f"{measure.key!r}, which is one of images",
            argument=selected.by,
        )
    return Through(selected, measure, f"{measure.key}@{selected.name}")
