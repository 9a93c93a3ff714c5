"""Histogram: pixels counted in bins of [0, 1], and the sweeps that follow from them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.binned_steps import BinnedSteps
from mdmkit.statistics.edges import COARSER, Edges, fixed_edges, unit_edges
from mdmkit.statistics.kinds import ComponentStatistic, PixelStatistic, Statistic
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.stepped_counts import BinnedCounts, SteppedCounts
from mdmkit.statistics.steps import Steps
from mdmkit.statistics.totals import StatisticBins, Totals

if TYPE_CHECKING:
    from mdmkit.statistics.binned_components import BinnedComponents
    from mdmkit.statistics.regions import RegionCoverage

_FIXED = fixed_edges()
_SMALLEST = np.finfo(np.float32).smallest_normal
#: Thresholds at which pixels are known: 0, 1 / 65536, ..., 1 and, towards either end, so many more
#: that a power of the scores makes no bracket wider. All are float32.
EDGES: Edges = np.union1d(unit_edges(), _FIXED[(_FIXED >= _SMALLEST) & (_FIXED <= 1)])
#: Those of them at which components are known: 0, 1 / 4096, ..., 1.
ROWS: Edges = unit_edges()[::COARSER]


def keys_at(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Keys of scores in [0, 1], as in `Histogram`, by search."""
    bins = np.searchsorted(EDGES, scores)
    return np.asarray(2 * bins + (EDGES[bins] == scores))


@dataclass(frozen=True, eq=False)
class Histogram:
    """Valid pixels with scores in [0, 1] by their place between `EDGES`.

    Attributes
    ----------
    counts : ndarray of int64, shape (2 (m + 1), 2)
        Anomalous and normal pixels of each key, as in `BinnedFrame`: 2 c strictly within
        (EDGES[c - 1], EDGES[c]), 2 c + 1 at EDGES[c].
    lowest, highest : ndarray of float64, shape (m + 1,)
        Scores that occur strictly inside each bin; inf and -inf where none does.
    """

    counts: NDArray[np.int64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    @cached_property
    def bins(self) -> PixelBins:
        """The pixels in bins that hold their upper edge."""
        within, at_edge = self.counts[::2], self.counts[1::2]
        ends = np.append(EDGES, np.inf)
        some = at_edge.any(axis=1)
        least = np.minimum(self.lowest, np.where(some, ends, np.inf))
        greatest = np.maximum(self.highest, np.where(some, ends, -np.inf))
        return PixelBins(EDGES, within + at_edge, least, greatest)

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and greatest score; infinite where there are none."""
        return float(self.bins.least.min()), float(self.bins.greatest.max())

    def sweeps(self, frames: int) -> NormalizedTotals:
        """The totals of pixels, for any measure of pixels."""
        return self._with({}, None, frames)

    def sweeps_with(self, components: BinnedComponents, frames: int) -> NormalizedTotals:
        """The totals with components, which are counted in bins between `ROWS`."""
        statistic = ComponentStatistic(components.sizes)
        row = np.searchsorted(ROWS, np.append(EDGES, np.inf), side="left")
        beside = self.counts[1::2].copy()
        beside[np.isin(np.append(EDGES, np.inf), ROWS)] = 0  # those at the end of a row
        inside = (self.counts[::2] + beside).sum(axis=1)
        empty = np.bincount(row, inside, ROWS.size + 1) == 0
        bounds = StatisticBins(ROWS, {statistic: empty}, {statistic: components})
        return self._with({statistic: components.as_sweep(ROWS, None)}, bounds, frames)

    def sweeps_with_regions(
        self, covered: NDArray[np.int64], regions: int, statistic: RegionCoverage, frames: int
    ) -> NormalizedTotals:
        """The totals with the coverage of regions, shape (2 (m + 1),), by the keys of `counts`."""
        totals = np.cumsum(covered[::-1])[::-1][::2, None]  # from the bin upwards
        within = covered[::2, None]
        ends = BinnedSteps(totals, within, np.zeros_like(within), *self.extremes)
        anomalous = int(self.counts[:, 0].sum())
        binned = BinnedCounts(ends, np.array([regions]), anomalous, False)
        resolved = self.lowest >= self.highest  # at most one score is strictly within
        some = resolved & (within[:, 0] > 0)
        exact = SteppedCounts(Steps(self.lowest[some], within[some]), binned.sizes, anomalous)
        bounds = StatisticBins(EDGES, {statistic: resolved}, {statistic: binned})
        return self._with({statistic: binned.as_sweep(EDGES, exact)}, bounds, frames)

    def _with(
        self, others: dict[Statistic, Any], bounds: StatisticBins | None, frames: int
    ) -> NormalizedTotals:
        known = {PixelStatistic(): self.bins.as_groups(), **others}
        return NormalizedTotals(Totals(frames, known, bounds))
