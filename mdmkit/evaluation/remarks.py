"""Remarks: results that are right by the numbers, and look as if something else was meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

from mdmkit.core.distribution import mean_where_defined
from mdmkit.core.transforms import FrameGroup
from mdmkit.datasets.suspicion import SIGMOID_OF_UNIT
from mdmkit.metrics.measures import BestF1Measure, FprAtTpr, MarginAt, Measure, Ranking
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.transformed import Through
from mdmkit.statistics.normalizers import Sigmoid
from mdmkit.statistics.ranking import auroc

#: Below it scores tell anomalies from normal pixels worse than they would the other way round.
LEAST_AUROC = 0.4

Values = Mapping[str, "float | None"]


@dataclass(frozen=True)
class Look:
    """What shows of frames whether their scores are meant as they are taken.

    Attributes
    ----------
    auroc : float
        NaN where it is undefined, or not known without further work.
    least, greatest : float
        Of the scores before a sigmoid; without one NaN.
    """

    auroc: float = nan
    least: float = nan
    greatest: float = nan

    @classmethod
    def at(cls, totals: NormalizedTotals, known: float | None = None, ranked: bool = True) -> Look:
        """At everything counted; `known` is its AUROC, `ranked` asks for it where it is None."""
        value = nan if known is None else known
        if known is None and ranked:
            value = auroc(totals.pixels)
        ends = (nan, nan)
        pixels = totals.pixels
        if isinstance(totals.normalizer, Sigmoid) and pixels.anomalous + pixels.normal:
            ends = pixels.extremes
        return cls(value, *ends)

    @classmethod
    def of_images(cls, looks: Iterable[Look]) -> Look:
        """The mean AUROC of images, and the extremes of all."""
        several = list(looks)
        seen = [look for look in several if not isnan(look.least)]
        least, greatest = (look.least for look in seen), (look.greatest for look in seen)
        mean = mean_where_defined(look.auroc for look in several)
        return cls(mean, min(least, default=nan), max(greatest, default=nan))

    def remarks(self) -> Iterator[str]:
        """What to look at before the numbers are believed."""
        if self.auroc < LEAST_AUROC:
            yield _upside_down(f"AUROC {100 * self.auroc:.1f} is")
        if 0 <= self.least <= self.greatest <= 1:
            yield SIGMOID_OF_UNIT


def is_ranked(measures: Iterable[Measure]) -> bool:
    """Whether something needs all pixels in the order of their scores, as AUROC does."""
    ranking = (Ranking, FprAtTpr, BestF1Measure)
    return any(isinstance(measure, ranking) for measure in measures)


def remarks_on(look: Look, measures: Sequence[Measure], values: Values) -> Iterator[str]:
    """What to look at before the numbers of a method are believed."""
    yield from look.remarks()
    if not look.auroc < LEAST_AUROC:
        yield from _of_parts(measures, values)
    margins = [measure for measure in measures if isinstance(measure, MarginAt)]
    if margins and all(values.get(measure.key) == 0 for measure in margins):
        yield _never_above(margins, values.get("best_f1"))


def _never_above(margins: Sequence[MarginAt], best: float | None) -> str:
    """What to do where every margin is 0; no normaliser raises F1 above the best."""
    known = "" if best is None else f" (its best F1, at one threshold, is {100 * best:.1f})"
    advice = ["ask for a lower T that still exceeds the trivial level (`mdmkit inspect` prints it)"]
    if best is None or any(best > margin.t_margin for margin in margins):
        advice.append("name a normaliser, as `normalize='minmax'`")
    said = f"every margin is 0: no threshold in [0, 1] gives more than T{known}"
    return f"{said}; {', or '.join(advice)}"


def _of_parts(measures: Iterable[Measure], values: Values) -> Iterator[str]:
    """Groups of frames, and images as a whole, that are ranked upside down."""
    found = {measure.key: values.get(measure.key) for measure in measures if _is_part(measure)}
    low = [f"{key} {100 * v:.1f}" for key, v in found.items() if v is not None and v < LEAST_AUROC]
    if low:
        shown = ", ".join(low[:4]) + (f" and {len(low) - 4} more" if len(low) > 4 else "")
        yield _upside_down(f"{shown} {'is' if len(low) == 1 else 'are'}")


def _is_part(measure: Measure) -> bool:
    if measure.key.startswith("image_auroc") and not measure.key.endswith("=mean"):
        return True
    of_group = isinstance(measure, Through) and isinstance(measure.change, FrameGroup)
    return of_group and measure.key.startswith("auroc@")


def _upside_down(found: str) -> str:
    return f"{found} below {100 * LEAST_AUROC:g}: are its scores higher where all is normal?"
