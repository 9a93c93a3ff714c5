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

from mdmkit.core.transforms import HalfPrecision, QuantileBins
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.measures import (
    AtBestF1,
    AtThreshold,
    BestF1Measure,
    FprAtTpr,
    Measure,
    Ranking,
    Values,
)
from mdmkit.metrics.transformed import Through, seen_through
from mdmkit.statistics.edges import Edges
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

    def compute(self, sweeps: NormalizedTotals) -> Values:
        binned = seen_through(sweeps, BINS)
        values = BestF1Measure().compute(binned)
        if not isnan(values["best_f1"]):
            values |= {"best_f1_threshold": best_threshold(binned), "all_predicted": False}
        return values

    def undecided(self, sweeps: NormalizedTotals) -> NDArray[np.bool_] | None:
        return BestF1Measure().undecided(seen_through(sweeps, BINS))


def _rounded(cells: NDArray[np.bool_], edges: Edges) -> NDArray[np.bool_]:
    """Cells of a grid in which thresholds of some cells lie once they are in float16."""
    ends = np.concatenate([[-np.inf], edges, [np.inf]])
    with np.errstate(over="ignore"):
        ends = ends.astype(np.float16).astype(np.float64)
    places = np.searchsorted(edges, ends, side="right")
    reached = np.zeros(cells.size + 1, np.int64)
    np.add.at(reached, places[:-1][cells], 1)
    np.add.at(reached, places[1:][cells] + 1, -1)
    return np.asarray(np.cumsum(reached)[:-1] > 0)


@dataclass(frozen=True)
class AtBinnedBestF1(Measure):
    """`siou_gt`, `ppv`, `mean_f1` of the prediction A > z, z the best edge of the binned curve."""

    key: str
    metric: ComponentMetric
    needs_anomalies = True

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return (changed(BINS, PixelStatistic()), changed(HALF, self.metric.statistic))

    def compute(self, sweeps: NormalizedTotals) -> Values:
        binned, raw = seen_through(sweeps, BINS), self._raw(sweeps)
        self.metric.check(raw.raw(self.metric.statistic))
        if isnan(binned.best_f1.value):
            return {self.key: float("nan")}
        values = self._at(best_threshold(binned)).compute(raw)
        cells = BestF1Measure().undecided(binned)
        open_cells = binned.on_grid(PixelStatistic()) and cells is not None
        if open_cells and binned.grid is not None and not binned.grid.refined[cells].all():
            values[f"{self.key}_bracket"] = (0.0, 1.0)  # the threshold itself is not known
        return values

    def undecided(self, sweeps: NormalizedTotals) -> NDArray[np.bool_] | None:
        binned = seen_through(sweeps, BINS)
        if isnan(binned.best_f1.value):
            return None
        candidates = BestF1Measure().undecided(binned)
        if candidates is None or binned.grid is None:  # the threshold is known
            return self._at(best_threshold(binned)).undecided(self._raw(sweeps))
        return candidates | _rounded(candidates, binned.grid.edges)

    def _at(self, z: float) -> AtThreshold:
        return AtThreshold(self.key, self.metric, z)

    def _raw(self, sweeps: NormalizedTotals) -> NormalizedTotals:
        return seen_through(replace(sweeps, normalizer=Unchanged()), HALF, (self.metric.statistic,))
