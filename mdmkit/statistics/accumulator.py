"""Accumulator: the sum of many frames' statistics within a memory budget, in one pass or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_bytes
from mdmkit.core.errors import InputError
from mdmkit.statistics.binned_steps import quantile_edges
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.edges import Edges, line_edges, unit_edges, with_edges
from mdmkit.statistics.kinds import Statistic, has_bins, merged, of_components
from mdmkit.statistics.packing import Packed
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.totals import Grid, Totals

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: Bytes that the sweeps of one method may take before they fall on a grid.
DEFAULT_MEMORY = 2 * 2**30


@dataclass(frozen=True, eq=False)
class Refined:
    """The cells that a second pass looks into, of all edges and of those for components."""

    cells: NDArray[np.bool_]
    rows: NDArray[np.bool_]
    statistics: frozenset[Statistic]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Refined)
            and self.statistics == other.statistics
            and np.array_equal(self.cells, other.cells)
            and np.array_equal(self.rows, other.rows)
        )


class Accumulator:
    """Sum of many sweeps, exact while it fits into memory, on a grid beyond.

    What it holds is a function of the frames and of the grid that was laid, if one was: neither
    their order nor a cut of them into several pools, which `merge` joins, changes a bit.

    Parameters
    ----------
    memory : int
        Bytes that the exact sum may take.
    thresholds : sequence of float
        Raw scores at which totals must stay exact on a grid.

    Notes
    -----
    Exact sweeps merge in pairs of like size, as a binary counter is carried. Those that come
    after the sum has left for the grid wait together, as reducing a sweep costs as much as the
    grid is large.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY, thresholds: Sequence[float] = ()) -> None:
        self.memory = as_bytes(memory)
        self.thresholds = thresholds
        self.over_budget = False
        self.laid: tuple[Edges, Edges] | None = None
        self._parts: list[Totals] = []
        self._grid: Totals | None = None
        self._refined: Refined | None = None
        self._within: dict[Statistic, Any] = {}

    def empty(self) -> Accumulator:
        """One for a share of the frames: on the same grid, in the same pass, without frames."""
        pool = Accumulator(self.memory, self.thresholds)
        pool.laid, pool.over_budget = self.laid, self.over_budget
        pool._refined = self._refined
        return pool

    def lay(self, pixels: PixelCounts, every: int = 1) -> tuple[Edges, Edges]:
        """Lay a grid over scores like these: regular on [0, 1], else about as many in each cell.

        Returns all edges, and those for components: one of `every` so many. Without a call the
        grid is `line_edges`, which knows no scores.
        """
        scores = pixels.scores
        in_unit = scores.size > 0 and scores[0] >= 0 and scores[-1] <= 1
        edges = unit_edges() if in_unit else quantile_edges(pixels)
        rows = with_edges(edges[::every], self.thresholds)
        self.laid = with_edges(edges, self.thresholds), rows
        return self.laid

    @cached_property
    def _line(self) -> Edges:
        return with_edges(line_edges(), self.thresholds)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_line"}

    @property
    def edges(self) -> Edges:
        """Thresholds of the grid."""
        return self.laid[0] if self.laid else self._line

    @property
    def rows(self) -> Edges:
        """Those of them at which components are known."""
        return self.laid[1] if self.laid else self._line

    def add(self, part: Totals) -> None:
        """Count one frame."""
        waiting = [
            statistic
            for statistic, sweep in part.by_statistic.items()
            if has_bins(statistic) and not _is_grid(sweep)
        ]
        if self.over_budget and not waiting:
            self._grid = part if self._grid is None else Totals.merged([self._grid, part])
            return
        by_statistic = dict(part.by_statistic)
        for statistic in waiting:
            by_statistic[statistic] = self._with_spreads(by_statistic[statistic])
        self._take(replace(part, by_statistic=by_statistic))

    def _with_spreads(self, sweep: Any) -> Any:
        """What bounds it between the edges, which is lost once frames are summed."""
        return sweep.with_spreads(self.rows) if isinstance(sweep, ComponentCounts) else sweep

    def _take(self, part: Totals) -> None:
        self._parts.append(part)
        while len(self._parts) > 1 and self._parts[-1].frames >= self._parts[-2].frames:
            last = self._parts.pop()
            self._parts[-1] = Totals.merged([self._parts[-1], last])
        limit = self.memory // 4 if self.over_budget else self.memory
        if sum(part.nbytes for part in self._parts) > limit:
            self._settle()

    def _settle(self) -> None:
        """Sum up; beyond the budget, on the grid."""
        if not self._parts:
            return
        total = Totals.merged(self._parts)
        self.over_budget = self.over_budget or total.nbytes > self.memory
        self._parts = [] if self.over_budget else [total]
        if self.over_budget:
            reduced = self._on_grid(total)
            self._grid = reduced if self._grid is None else Totals.merged([self._grid, reduced])

    def _on_grid(self, part: Totals) -> Totals:
        on_grid = {
            statistic: sweep
            if _is_grid(sweep) or not has_bins(statistic)
            else statistic.at_edges(sweep, self.rows if of_components(statistic) else self.edges)
            for statistic, sweep in part.by_statistic.items()
        }
        return replace(part, by_statistic=on_grid)

    def merge(self, other: Accumulator) -> None:
        """Count the frames of another pool with the same memory, thresholds and grid.

        What a second pass found is kept where both looked at the same cells, and only there.
        """
        if self._refined is not None and self._refined == other._refined:
            for statistic, sweep in other._within.items():
                self._look(statistic, sweep)
        elif other._parts or other._grid:
            self.forget()
        if other.over_budget:
            self.over_budget = True
            self._settle()
        if other._grid is not None:
            self._grid = (
                other._grid if self._grid is None else Totals.merged([self._grid, other._grid])
            )
        for part in other._parts:
            self._take(part)

    def refine(self, cells: NDArray[np.bool_]) -> None:
        """Begin a second pass over the same frames, to know every score within these cells.

        A cell of components is refined as a whole.
        """
        known = self._sum().by_statistic
        row = np.append(0, np.searchsorted(self.rows, self.edges, side="right"))
        rows = np.bincount(row, cells) > 0
        statistics = frozenset(statistic for statistic, sweep in known.items() if _is_grid(sweep))
        self._refined, self._within = Refined(rows[row], rows, statistics), {}

    @property
    def cells_looked_into(self) -> NDArray[np.bool_] | None:
        """The cells of the second pass, if one has begun."""
        return self._refined.cells if self._refined else None

    @property
    def looking_again(self) -> bool:
        """Whether a second pass has begun."""
        return self._refined is not None

    def forget(self) -> None:
        """End the second pass, and with it what it found."""
        self._refined, self._within = None, {}

    def inside(self, frame: Frame) -> Totals:
        """What of a frame's sweeps lies within the cells of the second pass."""
        assert self._refined is not None
        cells = BinnedFrame.of(frame, self.edges)
        by_statistic: dict[Statistic, Any] = {}
        for statistic in self._refined.statistics:
            assert has_bins(statistic)
            if of_components(statistic):
                by_statistic[statistic] = statistic.inside(cells, self.rows, self._refined.rows)
            else:
                by_statistic[statistic] = statistic.inside(cells, self.edges, self._refined.cells)
        return Totals(1, by_statistic)

    def add_inside(self, part: Totals) -> None:
        """Count what `inside` gave."""
        for statistic, sweep in part.by_statistic.items():
            self._look(statistic, sweep)

    def _look(self, statistic: Statistic, sweep: Any) -> None:
        before = self._within.get(statistic)
        self._within[statistic] = sweep if before is None else merged([before, sweep])

    def pack(self, packed: Packed, statistics: Sequence[Statistic]) -> dict[str, Any]:
        """Store the arrays in `packed`, and return the rest as JSON."""
        self._settle()
        sums = {"exact": self._parts[0] if self._parts else None, "grid": self._grid}
        for name, total in sums.items():
            packed.put(
                name, total and tuple(total.by_statistic[statistic] for statistic in statistics)
            )
        looked = self._refined
        packed.put("laid", self.laid)
        packed.put("refined", looked and (looked.cells, looked.rows))
        packed.put("within", tuple(self._within.get(statistic) for statistic in statistics))
        return {
            "over_budget": self.over_budget,
            "frames": {name: total.frames if total else 0 for name, total in sums.items()},
            "refined": [
                looked is not None and statistic in looked.statistics for statistic in statistics
            ],
        }

    def unpack(
        self, header: dict[str, Any], packed: Packed, statistics: Sequence[Statistic]
    ) -> None:
        """Take what `pack` gave."""

        def by_statistic(name: str) -> dict[Statistic, Any]:
            return dict(zip(statistics, packed.get(name) or (), strict=False))

        self.over_budget, self.laid = header["over_budget"], packed.get("laid")
        frames = header["frames"]
        if frames["exact"]:
            self._parts = [Totals(frames["exact"], by_statistic("exact"))]
        if frames["grid"]:
            self._grid = Totals(frames["grid"], by_statistic("grid"))
        looked = packed.get("refined")
        if looked is not None:
            known = frozenset(compress(statistics, header["refined"]))
            self._refined = Refined(looked[0], looked[1], known)
        self._within = {
            r: sweep for r, sweep in by_statistic("within").items() if sweep is not None
        }

    def _sum(self) -> Totals:
        self._settle()
        if self._grid is not None:
            return self._grid
        if not self._parts:
            raise InputError("frames: expected at least one frame, found none")
        return self._parts[0]

    def total(self) -> Totals:
        """The sum so far."""
        total = self._sum()
        grids = {r: sweep for r, sweep in total.by_statistic.items() if _is_grid(sweep)}
        if not grids:
            return total
        refined = self._refined.cells if self._refined else np.zeros(self.edges.size + 1, bool)
        grid = Grid(self.edges, refined, grids, self.rows)
        exact = {
            statistic: known.as_sweep(grid.edges_of(statistic), self._within.get(statistic))
            for statistic, known in grids.items()
        }
        return Totals(total.frames, {**total.by_statistic, **exact}, grid=grid)


def _is_grid(sweep: Any) -> bool:
    return hasattr(sweep, "as_sweep")
