"""Recipes: which sweep of a frame a number needs. Equal recipes share one sweep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.cells import FrameCells
from mdmkit.changes import FrameChange
from mdmkit.component_grid import ComponentGrid
from mdmkit.components import ComponentSizes, ComponentSweep
from mdmkit.grid import Edges
from mdmkit.pixels import PixelGrid, PixelSweep
from mdmkit.samples import MaskFunction, MaskSamples

if TYPE_CHECKING:
    from mdmkit.frames import Frame

Sweep = PixelSweep | ComponentSweep | MaskSamples


@dataclass(frozen=True)
class PixelRecipe:
    """Counts of pixels at every distinct score."""

    def of(self, frame: Frame) -> PixelSweep:
        """Sweep one frame."""
        return PixelSweep.of(frame)

    def at_edges(self, sweep: PixelSweep, edges: Edges) -> PixelGrid:
        """A sweep reduced to the edges of a grid."""
        return PixelGrid.of(sweep, edges)

    def on_grid(self, cells: FrameCells, edges: Edges) -> PixelGrid:
        """Count one frame at the edges of a grid."""
        return PixelGrid.of_cells(cells)

    def inside(self, cells: FrameCells, edges: Edges, refined: NDArray[np.bool_]) -> PixelSweep:
        """Sweep one frame within some cells of a grid."""
        return PixelSweep.inside(cells, edges, refined)


@dataclass(frozen=True)
class ComponentRecipe:
    """Component statistics at every distinct score, for given component sizes."""

    sizes: ComponentSizes

    def of(self, frame: Frame) -> ComponentSweep:
        """Sweep one frame."""
        return ComponentSweep.of(frame, self.sizes)

    def at_edges(self, sweep: ComponentSweep, edges: Edges) -> ComponentGrid:
        """A sweep reduced to the edges of a grid."""
        return ComponentGrid.of_sweep(sweep, edges)

    def on_grid(self, cells: FrameCells, edges: Edges) -> ComponentGrid:
        """Sweep one frame at the edges of a grid."""
        return ComponentGrid.of(cells, self.sizes, edges)

    def inside(self, cells: FrameCells, edges: Edges, refined: NDArray[np.bool_]) -> ComponentSweep:
        """Sweep one frame within some cells of a grid."""
        return ComponentSweep.inside(cells, self.sizes, edges, refined)


@dataclass(frozen=True)
class MaskRecipe:
    """Values of a callable on masks; needs scores in [0, 1] when it sweeps."""

    function: MaskFunction

    def of(self, frame: Frame) -> MaskSamples:
        """Sweep one frame."""
        return MaskSamples.of(frame, self.function)


@dataclass(frozen=True)
class ChangedRecipe:
    """The sweep of each frame after a change of it."""

    change: FrameChange
    recipe: PixelRecipe | ComponentRecipe

    def of(self, frame: Frame) -> PixelSweep | ComponentSweep:
        """Change and sweep one frame."""
        return self.recipe.of(self.change(frame))

    def at_edges(self, sweep: Any, edges: Edges) -> PixelGrid | ComponentGrid:
        """A sweep reduced to the edges of a grid."""
        return self.recipe.at_edges(sweep, edges)

    def on_grid(self, cells: FrameCells, edges: Edges) -> PixelGrid | ComponentGrid:
        """Change one frame, given as it was, and count it at the edges of a grid."""
        return self.recipe.on_grid(self._changed(cells), edges)

    def inside(
        self, cells: FrameCells, edges: Edges, refined: NDArray[np.bool_]
    ) -> PixelSweep | ComponentSweep:
        """Change one frame, given as it was, and sweep it within some cells of a grid."""
        return self.recipe.inside(self._changed(cells), edges, refined)

    def _changed(self, cells: FrameCells) -> FrameCells:
        return FrameCells.of(self.change(cells.frame), cells.edges)


Recipe = PixelRecipe | ComponentRecipe | MaskRecipe | ChangedRecipe


def of_components(recipe: Recipe) -> bool:
    """Whether a recipe counts components, of frames as they are or of changed ones."""
    return isinstance(
        recipe.recipe if isinstance(recipe, ChangedRecipe) else recipe, ComponentRecipe
    )


def merged(parts: Iterable[Any]) -> Any:
    """Sum of sweeps of one recipe."""
    several = list(parts)
    return several[0] if len(several) == 1 else type(several[0]).merged(several)
