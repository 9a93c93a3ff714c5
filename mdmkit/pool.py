"""Pool: the sum of the sweeps of many frames within a budget of memory, in one pass or two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.cells import FrameCells
from mdmkit.errors import InputError
from mdmkit.grid import Edges, quantile_edges, unit_edges, with_edges
from mdmkit.normalize import Normalizer
from mdmkit.pixels import PixelSweep
from mdmkit.recipes import MaskRecipe, PixelRecipe, Recipe, merged, of_components
from mdmkit.sweeps import Grid, Sweeps, check_valid

if TYPE_CHECKING:
    from mdmkit.frames import Frame

#: Bytes that the sweeps of one method may take before they fall on a grid.
DEFAULT_MEMORY = 2 * 2**30


class Pool:
    """Sum of many sweeps, exact while it fits into memory, on a grid beyond.

    Exact sweeps merge in pairs of like size, as a binary counter is carried.

    Parameters
    ----------
    memory : int
        Bytes.
    thresholds : sequence of float
        Raw scores at which totals must stay exact on a grid.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY, thresholds: Sequence[float] = ()) -> None:
        self.memory = memory
        self.thresholds = thresholds
        self.edges: Edges | None = None
        self.rows: Edges | None = None
        self.over_budget = False
        self._parts: list[Sweeps] = []
        self._refined: NDArray[np.bool_] | None = None
        self._refined_rows: NDArray[np.bool_] | None = None
        self._within: dict[Recipe, Any] = {}

    def add(self, part: Sweeps) -> None:
        """Count one more."""
        if self.over_budget:
            part = self._on_grid(part)
        self._parts.append(part)
        while len(self._parts) > 1 and self._parts[-1].frames >= self._parts[-2].frames:
            last = self._parts.pop()
            self._parts[-1] = Sweeps.merged([self._parts[-1], last])
        if not self.over_budget and sum(part.nbytes for part in self._parts) > self.memory:
            total = Sweeps.merged(self._parts)
            if self.edges is None:
                self.choose_edges(total.pixels)
            self.over_budget = True
            self._parts = [self._on_grid(total)]

    def _on_grid(self, part: Sweeps) -> Sweeps:
        assert self.edges is not None
        assert self.rows is not None
        on_grid = {
            recipe: sweep
            if isinstance(recipe, MaskRecipe) or _is_grid(sweep)
            else recipe.at_edges(sweep, self.rows if of_components(recipe) else self.edges)
            for recipe, sweep in part.by_recipe.items()
        }
        return replace(part, by_recipe=on_grid)

    def choose_edges(self, pixels: PixelSweep, every: int = 1) -> tuple[Edges, Edges]:
        """Lay a grid over scores like these: regular on [0, 1], else about as many in each cell.

        Returns all edges, and those for components: one of `every` so many.
        """
        scores = pixels.scores
        in_unit = scores.size > 0 and scores[0] >= 0 and scores[-1] <= 1
        edges = unit_edges() if in_unit else quantile_edges(pixels)
        self.rows = with_edges(edges[::every], self.thresholds)
        self.edges = with_edges(edges, self.thresholds)
        return self.edges, self.rows

    def refine(self, cells: NDArray[np.bool_]) -> None:
        """Begin a second pass over the same frames, to know every score within these cells.

        A cell of components is refined as a whole.
        """
        assert self.edges is not None
        assert self.rows is not None
        row = np.append(0, np.searchsorted(self.rows, self.edges, side="right"))
        self._refined_rows = np.bincount(row, cells) > 0
        self._refined = self._refined_rows[row]
        self._within = {}

    def inside(self, frame: Frame, recipes: Sequence[Recipe]) -> Sweeps:
        """What of a frame's sweeps lies within the cells of the second pass."""
        assert self.edges is not None
        assert self.rows is not None
        assert self._refined is not None
        assert self._refined_rows is not None
        known = self._parts[0].by_recipe
        cells = FrameCells.of(frame, self.edges)
        by_recipe: dict[Recipe, Any] = {}
        for recipe in recipes:
            if isinstance(recipe, MaskRecipe) or not _is_grid(known[recipe]):
                continue
            if of_components(recipe):
                by_recipe[recipe] = recipe.inside(cells, self.rows, self._refined_rows)
            else:
                by_recipe[recipe] = recipe.inside(cells, self.edges, self._refined)
        return Sweeps(1, by_recipe)

    def add_inside(self, part: Sweeps) -> None:
        """Count what `inside` gave."""
        for recipe, sweep in part.by_recipe.items():
            before = self._within.get(recipe)
            self._within[recipe] = sweep if before is None else merged([before, sweep])

    def total(self) -> Sweeps:
        """The sum so far."""
        if not self._parts:
            raise InputError("frames: expected at least one frame, found none")
        self._parts = [Sweeps.merged(self._parts)]
        total = self._parts[0]
        grids = {r: sweep for r, sweep in total.by_recipe.items() if _is_grid(sweep)}
        if self.edges is None or self.rows is None or not grids:
            return total
        refined = self._refined
        if refined is None:
            refined = np.zeros(self.edges.size + 1, bool)
        grid = Grid(self.edges, refined, grids, self.rows)
        exact = {
            recipe: known.as_sweep(grid.edges_of(recipe), self._within.get(recipe))
            for recipe, known in grids.items()
        }
        return Sweeps(total.frames, {**total.by_recipe, **exact}, grid=grid)


def _is_grid(sweep: Any) -> bool:
    return hasattr(sweep, "as_sweep")


def sweep_frames(
    frames: Iterable[Frame],
    recipes: Sequence[Recipe],
    kind: type[Normalizer],
    memory: int = DEFAULT_MEMORY,
) -> Sweeps:
    """Sweep frames one after the other, and normalise what was counted.

    Callables on masks need the normaliser's constants beforehand: the frames are then held.
    """
    fitted = None if kind.needs_fit else kind.fitted(PixelSweep.none())
    if fitted is None and any(isinstance(recipe, MaskRecipe) for recipe in recipes):
        frames = list(frames)
        fitted = sweep_frames(frames, [PixelRecipe()], kind).normalizer
    pool = Pool(memory)
    for frame in frames:
        pool.add(Sweeps.of(frame, recipes, fitted))
    total = pool.total()
    check_valid(total.pixels)
    return total.with_normalizer(fitted or kind)
