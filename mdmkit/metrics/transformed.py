"""Through: a measure of changed frames, beside or in place of the one of frames as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mdmkit.core.errors import InputError
from mdmkit.core.transforms import Band, FrameChange
from mdmkit.metrics.measures import (
    BestF1Measure,
    FprAtTpr,
    Measure,
    Ranking,
    Unresolved,
    Values,
)
from mdmkit.statistics.kinds import ChangedStatistic, ComponentStatistic, PixelStatistic, Statistic

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals


def seen_through(sweeps: NormalizedTotals, change: FrameChange) -> NormalizedTotals:
    """NormalizedTotals of changed frames under the names of those of frames as they are."""

    def own(by_statistic: dict[Statistic, Any]) -> dict[Statistic, Any]:
        return {
            changed.statistic: sweep
            for changed, sweep in by_statistic.items()
            if isinstance(changed, ChangedStatistic) and changed.change == change
        }

    totals = sweeps.totals
    grid = totals.grid and replace(
        totals.grid,
        refined=own(totals.grid.refined),
        by_statistic=own(totals.grid.by_statistic),
    )
    changed = replace(totals, by_statistic=own(totals.by_statistic), grid=grid)
    return replace(sweeps, totals=changed)


def of_changed(change: FrameChange, unresolved: Unresolved) -> Unresolved:
    """Scores to be looked at, of changed frames."""
    return {
        changed: intervals
        for statistic, intervals in unresolved.items()
        for changed in changed_statistics(change, [statistic])
    }


def changed_statistics(
    change: FrameChange, statistics: Iterable[Statistic]
) -> tuple[Statistic, ...]:
    """The same statistics, of changed frames."""
    return tuple(
        ChangedStatistic(change, statistic)
        for statistic in statistics
        if isinstance(statistic, (PixelStatistic, ComponentStatistic))
    )


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
    higher_is_better: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.key or self.measure.key)
        object.__setattr__(self, "higher_is_better", self.measure.higher_is_better)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return changed_statistics(self.change, self.measure.statistics)

    def compute(self, sweeps: NormalizedTotals) -> Values:
        return self._renamed(self.measure.compute(seen_through(sweeps, self.change)))

    def unresolved(self, sweeps: NormalizedTotals) -> Unresolved:
        return of_changed(self.change, self.measure.unresolved(seen_through(sweeps, self.change)))

    def empty(self) -> Values:
        return self._renamed(self.measure.empty())

    def _renamed(self, values: Values) -> Values:
        inner = self.measure.key
        if self.key == inner:
            return values
        return {
            f"{self.key}{name.removeprefix(inner)}"
            if name.startswith(inner)
            else f"{self.key}_{name}": value
            for name, value in values.items()
        }


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
            "band: expected a measure of pixels such as ap, auroc, fpr95, best_f1, f1@z=0.5 or "
            f"mdm_f1@0.5, found {measure.key!r}, whose components a band would cut"
        )
    return Through(band, measure, f"{measure.key}@band={band.width:g}")


def with_bands(measures: Iterable[Measure], band: Any) -> tuple[Measure, ...]:
    """The measures, and AP, FPR95 and best F1 in bands of one or more widths (None: none)."""
    widths = () if band is None else band if isinstance(band, (list, tuple)) else (band,)
    asked = {measure.key: measure for measure in measures}
    for width in widths:
        for measure in (Ranking("ap"), FprAtTpr("fpr95", 0.95), BestF1Measure()):
            banded = in_band(measure, width)
            asked.setdefault(banded.key, banded)
    return tuple(asked.values())
