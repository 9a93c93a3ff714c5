"""BinnedComponents: component statistics at fixed thresholds, with rigorous bounds in between."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.exact_sums import LIMBS
from mdmkit.statistics.binned_steps import BinnedRatios, BinnedSteps
from mdmkit.statistics.components import (
    QUALITIES,
    RECORD,
    RESTART,
    ComponentCounts,
    Components,
    Ranking,
    Swept,
    bins_of_keys,
)
from mdmkit.statistics.edges import Edges, with_edges

if TYPE_CHECKING:
    from mdmkit.statistics.pixel_bins import BinnedFrame

Table = NDArray[np.int64]
PARTS = 4  # of a bin, at whose ends numbers of components are looked at


class BinnedComponents(Components):
    """Component statistics at fixed thresholds, with bounds in between; merges exactly.

    Its parts are `BinnedSteps`; sums of sIoU and PPV are bounded in units of 2^-34.

    Notes
    -----
    Pixels are counted by bin, not sorted: within a bin they join in the order of the frame, and
    the bounds hold for any order (see `mdmkit.statistics.kernels.bounds`).
    """

    siou: BinnedRatios
    ppv: BinnedRatios
    hits: BinnedSteps

    @classmethod
    def of(cls, binned: BinnedFrame, sizes: ComponentSizes, edges: Edges) -> BinnedComponents:
        """Count one frame.

        Parameters
        ----------
        binned : BinnedFrame
            The frame in bins with these edges at least; further edges make bounds closer.
        sizes : ComponentSizes
        edges : ndarray of float64, shape (m,)
            Thresholds at which statistics are exact, strictly ascending.
        """
        from mdmkit.statistics.kernels.rows import fill_bins

        plan = BinPlan.of(binned.edges, edges)
        ranking = Ranking.by_key(binned, plan.ranks, plan.flags)
        swept = Swept.of(binned.frame, sizes, ranking, bins=True)
        siou, ppv = _tables(edges, LIMBS, 1), _tables(edges, LIMBS + 1, 2)
        hits = _tables(edges, 2 * QUALITIES.size, 2 * QUALITIES.size)
        bins = plan.bins[swept.sums[:, 0]]
        fill_bins(bins, swept.sums, swept.hits, swept.bounds, swept.hit_bounds, siou, ppv, hits)
        return cls(
            sizes,
            swept.targets,
            swept.largest,
            BinnedRatios(*siou, *binned.extremes),
            BinnedRatios(*ppv, *binned.extremes),
            BinnedSteps(*hits, *binned.extremes),
        )

    @classmethod
    def of_sweep(cls, sweep: ComponentCounts, edges: Edges) -> BinnedComponents:
        """Reduce exact counts; those of several frames must know their spreads at these edges."""
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

    def as_sweep(self, edges: Edges, resolved: ComponentCounts | None) -> ComponentCounts:
        """Changes moved up to the next edge, but for those inside resolved bins."""
        parts: Any = (
            part.as_steps(edges, None if resolved is None else getattr(resolved, name))
            for name, part in (("siou", self.siou), ("ppv", self.ppv), ("hits", self.hits))
        )
        return ComponentCounts(self.sizes, self.targets, self.largest, *parts)


def _tables(edges: Edges, totals: int, spread: int) -> tuple[Table, Table, Table]:
    """Totals, dips and rises of each bin, 0 as yet."""
    bins = edges.size + 1
    columns = (bins, totals), (bins, spread), (bins, spread)
    first, second, third = (np.zeros(shape, np.int64) for shape in columns)
    return first, second, third


@dataclass(frozen=True, eq=False)
class BinPlan:
    """Plans how components are counted in bins, each of them in a few parts.

    Attributes
    ----------
    ranks : ndarray of int32
        Of each key between the finer edges: its part, the highest scores first.
    flags : ndarray of uint8
        Of each rank.
    bins : ndarray of intp
        The bin in which each rank lies.

    Notes
    -----
    Bin c has the scores in (edges[c - 1], edges[c]]; its last part gives its lower end. Scores
    at the very edge are a part of their own, behind which bounds start: no threshold of the bin
    lies above them.
    """

    ranks: NDArray[np.int32]
    flags: NDArray[np.uint8]
    bins: NDArray[np.intp]

    @classmethod
    def of(cls, finer: Edges, edges: Edges) -> BinPlan:
        """Plan for bins between `edges`, whose parts lie between the `finer` ones.

        The latest plans are kept: the same edges come with each frame.
        """
        for known_finer, known_edges, plan in tuple(_PLANS):  # another thread may add one
            if np.array_equal(known_finer, finer) and np.array_equal(known_edges, edges):
                return plan
        plan = cls._planned(finer, edges)
        _PLANS.append((finer, edges, plan))
        return plan

    @classmethod
    def _planned(cls, finer: Edges, edges: Edges) -> BinPlan:
        parts = with_edges(edges, finer[:: max(1, finer.size // (PARTS * edges.size))])
        place, part = bins_of_keys(finer, edges), bins_of_keys(finer, parts)
        score = np.repeat(np.append(finer, np.inf), 2)
        at_edge = (np.arange(place.size) % 2 == 1) & (score == np.append(edges, np.inf)[place])
        ranks = np.cumsum((np.diff(2 * part + at_edge, append=0) != 0)[::-1])[::-1]
        ranks = (ranks - ranks[-1]).astype(np.int32)
        bins = np.empty(int(ranks[0]) + 1, np.intp)
        bins[ranks] = place
        flags = np.zeros(bins.size, np.uint8)
        flags[ranks[at_edge]] |= RESTART
        flags[np.diff(bins, append=-1) != 0] |= RECORD
        return cls(ranks, flags, bins)


_PLANS: deque[tuple[Edges, Edges, BinPlan]] = deque(maxlen=8)
