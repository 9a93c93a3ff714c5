"""BinnedComponents: component statistics at fixed thresholds, with rigorous bounds in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.exact_sums import LIMBS, UNIT_BITS
from mdmkit.statistics.binned_steps import BinnedRatios, BinnedSteps
from mdmkit.statistics.components import (
    LAST,
    QUALITIES,
    RECORD,
    ComponentCounts,
    Components,
    Swept,
    cells_of_keys,
)
from mdmkit.statistics.edges import Edges, with_edges

if TYPE_CHECKING:
    from mdmkit.statistics.pixel_bins import BinnedFrame

RESTART, SHUFFLED = 4, 16  # further flags of the kernel
PARTS = 4  # of a cell, at whose ends numbers of components are looked at
_FINER = 40 - UNIT_BITS  # the kernel bounds sums in units of 2^-40


class BinnedComponents(Components):
    """Component statistics at fixed thresholds, with bounds in between; merges exactly.

    Its parts are `BinnedSteps`; sums of sIoU and PPV are bounded in units of 2^-34.

    Notes
    -----
    Pixels are counted by cell, not sorted: within a cell they join in the order of the frame, and
    the bounds hold for any order (see `mdmkit.statistics.kernels.bounds`).
    """

    siou: BinnedRatios
    ppv: BinnedRatios
    hits: BinnedSteps

    @classmethod
    def of(cls, cells: BinnedFrame, sizes: ComponentSizes, edges: Edges) -> BinnedComponents:
        """Sweep one frame.

        Parameters
        ----------
        cells : BinnedFrame
            The frame on a grid with these edges at least; more of them make for closer bounds.
        sizes : ComponentSizes
        edges : ndarray of float64, shape (m,)
            Thresholds at which statistics are exact, strictly ascending.
        """
        ranks, met, flags_of_rank = _parts(cells, edges)
        order, ends = cells.order(ranks)
        flags = np.zeros(order.size, np.uint8)
        some = np.diff(ends, prepend=0) > 0
        flags[ends[some] - 1] = flags_of_rank[some]
        swept = Swept.of(cells.frame, sizes, order, flags, bins=True)
        # the state at the lower end of a cell is that after the last level above it
        row = np.searchsorted(-met, -np.arange(edges.size + 1), side="right")
        sums = np.vstack([np.zeros((1, 2 * LIMBS + 1), np.int64), swept.sums[:, 1:]])[row]
        hit_row = np.append(0, np.searchsorted(swept.hits[:, 0], swept.sums[:, 0], side="right"))
        hits = np.vstack([np.zeros((1, 2 * QUALITIES.size), np.int64), swept.hits[:, 1:]])
        hits = hits[hit_row[row]]

        def on_grid(grid: type[Any], totals: Any, low: Any, high: Any) -> Any:
            lows, highs = grid.kind.bound_columns(totals[met])
            dips, rises = np.zeros((2, totals.shape[0], low.shape[1]), np.int64)
            dips[met], rises[met] = highs - low, high - lows
            return grid(totals, dips, rises, cells.smallest, cells.largest)

        low, high = np.split(swept.bounds, 2, axis=1)  # of sIoU, PPV, their number
        low[:, :2] >>= _FINER
        high[:, :2] = (high[:, :2] >> _FINER) + 1
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            on_grid(BinnedRatios, sums[:, :LIMBS], low[:, :1], high[:, :1]),
            on_grid(BinnedRatios, sums[:, LIMBS:], low[:, 1:], high[:, 1:]),
            on_grid(BinnedSteps, hits, *np.split(swept.hit_bounds, 2, axis=1)),
        )

    @classmethod
    def of_sweep(cls, sweep: ComponentCounts, edges: Edges) -> BinnedComponents:
        """Reduce an exact sweep; one of several frames must know their spreads at these edges."""
        kinds, parts = (
            (BinnedRatios, BinnedRatios, BinnedSteps),
            (sweep.siou, sweep.ppv, sweep.hits),
        )
        spreads = sweep.spreads or (None,) * len(parts)
        reduced: list[Any] = [
            kind.of(part, edges, known)
            for kind, part, known in zip(kinds, parts, spreads, strict=True)
        ]
        return cls(sweep.sizes, sweep.targets, sweep.largest, *reduced)

    def as_sweep(self, edges: Edges, refined: ComponentCounts | None) -> ComponentCounts:
        """Changes moved up to the next edge, but for those within refined cells."""
        inside = refined or ComponentCounts.none(self.sizes)
        return ComponentCounts(
            self.sizes,
            self.targets,
            self.largest,
            self.siou.as_steps(edges, inside.siou),  # type: ignore[arg-type]
            self.ppv.as_steps(edges, inside.ppv),  # type: ignore[arg-type]
            self.hits.as_steps(edges, inside.hits),
        )


def _parts(
    cells: BinnedFrame, edges: Edges
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.uint8]]:
    """How the sweep goes through cells of `edges`, each in a few parts, with one row a cell.

    Returns
    -------
    ranks : ndarray of int32
        Of each key: its part, the highest scores first.
    met : ndarray of intp
        The cells that have scores, descending.
    flags : ndarray of uint8
        Of the last pixel of each rank.

    Notes
    -----
    Cell c has the scores in (edges[c - 1], edges[c]]; its last part gives its lower end. Scores
    at the very edge are a part of their own, behind which bounds start: no threshold of the cell
    lies above them.
    """
    finer = max(1, cells.edges.size // (PARTS * edges.size))
    part_edges = with_edges(edges, cells.edges[::finer])
    cell, part = cells_of_keys(cells, edges), cells_of_keys(cells, part_edges)
    score = np.append(cells.edges, np.inf)[np.arange(cell.size) // 2]
    at_edge = (np.arange(cell.size) % 2 == 1) & (score == np.append(edges, np.inf)[cell])
    ranks = np.cumsum((np.diff(2 * part + at_edge, append=0) != 0)[::-1])[::-1]
    ranks = (ranks - ranks[-1]).astype(np.int32)
    flags = np.full(int(ranks[0]) + 1, LAST | SHUFFLED, np.uint8)
    flags[ranks[at_edge]] |= RESTART
    keys = np.flatnonzero(cells.pixels)[::-1]
    lowest = np.append(np.diff(cell[keys]) != 0, True)[: keys.size]
    flags[ranks[keys[lowest]]] |= RECORD
    return ranks, cell[keys[lowest]], flags
