"""The conventions of SegmentMeIfYouCan's tools (road-anomaly-benchmark), from their behaviour.

Scores are stored in float16. The pixel curve of a data set has the edges of all frames' quantile
bins as its thresholds and counts pixels with a score >= an edge; AP, FPR95 and best F1 are read
off it. Component metrics are taken at the edge of the best F1, rounded to float16, but of the
prediction strictly above it. Components, their sizes and means are as in mdmkit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.number import Number
from mdmkit.core.transforms import HalfPrecision, QuantileBins
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.measures import (
    AtBestF1,
    AtThreshold,
    BestF1Measure,
    FprAtTpr,
    Measure,
    Ranking,
    Unresolved,
)
from mdmkit.metrics.transformed import Through, of_changed, seen_through
from mdmkit.statistics.kinds import PixelStatistic, Statistic, changed
from mdmkit.statistics.normalizers import Unchanged

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals

BINS = QuantileBins(768)
HALF = HalfPrecision()
FOOTNOTES = (
    "protocol smiyc: scores in float16; AP, AUROC, FPR95 and best F1 from curves over each "
    "frame's quantile bins (768), counted with score >= edge; sIoU gt, PPV and mean F1 of the "
    "prediction score > best-F1 edge; everything else is exact",
)


def adapted(measure: Measure) -> Measure:
    """The measure by these conventions; itself where the tools have none."""
    if isinstance(measure, (Ranking, FprAtTpr)):
        return Through(BINS, measure)
    if isinstance(measure, BestF1Measure):
        return BinnedBestF1()
    if isinstance(measure, AtBestF1):
        return AtBinnedBestF1(measure.key, measure.metric)
    return measure


def best_threshold(binned: NormalizedTotals) -> float:
    """The edge with the largest F1, the highest of several, in float16; NaN where undefined."""
    return float(np.float16(binned.best_f1.lowest))


@dataclass(frozen=True)
class BinnedBestF1(Measure):
    """`best_f1` of the binned curve, with the threshold that the component metrics get.

    The curve counts pixels at the threshold, the prediction A > threshold does not.
    """

    key: str = "best_f1"
    needs_anomalies = True

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (changed(BINS, PixelStatistic()),)

    def compute(self, totals: NormalizedTotals) -> Number:
        binned = seen_through(totals, BINS)
        found = BestF1Measure().compute(binned)
        if found.value is None:
            return found
        return replace(found, threshold=best_threshold(binned), all_predicted=False)

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        return of_changed(BINS, BestF1Measure().unresolved(seen_through(totals, BINS)))


def _rounded(intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intervals with those in which their scores lie once they are in float16."""
    with np.errstate(over="ignore"):
        return np.concatenate([intervals, intervals.astype(np.float16).astype(np.float64)])


@dataclass(frozen=True)
class AtBinnedBestF1(Measure):
    """`siou_gt`, `ppv`, `mean_f1` of the prediction A > z, z the best edge of the binned curve."""

    key: str
    metric: ComponentMetric
    needs_anomalies = True

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (changed(BINS, PixelStatistic()), changed(HALF, self.metric.statistic))

    def compute(self, totals: NormalizedTotals) -> Number:
        binned, raw = seen_through(totals, BINS), self._raw(totals)
        self.metric.check(raw.raw(self.metric.statistic))
        if isnan(binned.best_f1.value):
            return self.empty()
        found = self._at(best_threshold(binned)).compute(raw)
        if binned.bracketed is not None and np.ptp(binned.best_f1_groups) > 0:
            return replace(
                found, bracket=(0.0, 1.0), binned=True
            )  # not even the threshold is known
        return found

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        binned = seen_through(totals, BINS)
        if isnan(binned.best_f1.value):
            return {}
        candidates = BestF1Measure().unresolved(binned)
        if not candidates:  # the threshold is known
            found = self._at(best_threshold(binned)).unresolved(self._raw(totals))
            return of_changed(HALF, found)
        around: Unresolved = {self.metric.statistic: _rounded(binned.best_f1_groups)}
        return of_changed(BINS, candidates) | of_changed(HALF, around)

    def _at(self, z: float) -> AtThreshold:
        return AtThreshold(self.key, self.metric, z)

    def _raw(self, totals: NormalizedTotals) -> NormalizedTotals:
        return seen_through(replace(totals, normalizer=Unchanged()), HALF, (self.metric.statistic,))
