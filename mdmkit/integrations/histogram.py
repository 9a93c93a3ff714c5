"""Histogram: pixels counted on the regular grid of [0, 1], and the sweeps that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.edges import COARSER, Edges, unit_edges
from mdmkit.statistics.kinds import ComponentStatistic, PixelStatistic, Statistic
from mdmkit.statistics.pixels import BinnedPixels, PixelCounts
from mdmkit.statistics.totals import Grid, Totals

if TYPE_CHECKING:
    from mdmkit.statistics.binned_components import BinnedComponents

#: Thresholds at which pixels are known: 0, 1 / 65536, ..., 1.
EDGES: Edges = unit_edges()
#: Those of them at which components are known: 0, 1 / 4096, ..., 1.
ROWS: Edges = EDGES[::COARSER]


@dataclass(frozen=True, eq=False)
class Histogram:
    """Valid pixels with scores in [0, 1] by their place between `EDGES`.

    Attributes
    ----------
    counts : ndarray of int64, shape (2 (m + 1), 2)
        Anomalous and normal pixels of each key, as in `BinnedFrame`: 2 c strictly within
        (EDGES[c - 1], EDGES[c]), 2 c + 1 at EDGES[c].
    lowest, highest : ndarray of float64, shape (m + 1,)
        Scores that occur strictly within each cell; inf and -inf where none does.

    Notes
    -----
    A cell within which all pixels have one score is known exactly. The others are known to their
    ends, and what follows from them carries rigorous brackets.
    """

    counts: NDArray[np.int64]
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]

    @cached_property
    def grid(self) -> BinnedPixels:
        """Counts above every edge, with bounds in between."""
        at_edge = EDGES[self.counts[1:-1:2].any(axis=1)]
        smallest = min(self.lowest.min(), at_edge.min(initial=np.inf))
        largest = max(self.highest.max(), at_edge.max(initial=-np.inf))
        return BinnedPixels.of_counts(self.counts, float(smallest), float(largest))

    @cached_property
    def single(self) -> NDArray[np.bool_]:
        """Cells within which there is at most one score, shape (m + 1,)."""
        return ~(self.lowest < self.highest)

    def sweeps(self, frames: int) -> NormalizedTotals:
        """What is known of the pixels, for any measure of pixels."""
        within = self.counts[::2]
        alone = np.flatnonzero(self.single & within.any(axis=1))
        exact = PixelCounts(self.lowest[alone], within[alone])
        return NormalizedTotals(self._sweeps(frames, self.single, exact))

    def sweeps_with(self, components: BinnedComponents, frames: int) -> NormalizedTotals:
        """The same with components, which are known to the cells between `ROWS`."""
        row = np.append(0, np.searchsorted(ROWS, EDGES, side="right"))
        last = np.searchsorted(EDGES, ROWS)  # the cell that ends at a row's end
        pixels = self.grid.totals.sum(axis=1)
        above = np.append(self.grid.low[last].sum(axis=1), 0)
        empty = pixels[np.append(0, last + 1)] == above
        sweeps = self._sweeps(frames, empty[row], None)
        statistic = ComponentStatistic(components.sizes)
        assert sweeps.grid is not None
        by_statistic: dict[Statistic, Any] = {**sweeps.grid.by_statistic, statistic: components}
        grid = replace(sweeps.grid, by_statistic=by_statistic, rows=ROWS)
        known = components.as_sweep(ROWS, None)
        totals = Totals(frames, {**sweeps.by_statistic, statistic: known}, grid)
        return NormalizedTotals(totals)

    def _sweeps(self, frames: int, known: NDArray[np.bool_], exact: PixelCounts | None) -> Totals:
        sweep = self.grid.as_sweep(EDGES, exact)
        # edges without pixels go, but for those where the bounds of an open cell begin
        begins = np.searchsorted(EDGES, sweep.scores, side="right")
        kept = sweep.changes.any(axis=1) | ~known[begins]
        sweep = PixelCounts(sweep.scores[kept], sweep.changes[kept])
        grid = Grid(EDGES, known, {PixelStatistic(): self.grid}, EDGES)
        return Totals(frames, {PixelStatistic(): sweep}, grid)
