"""Recipes: which sweep of a frame a number needs. Equal recipes share one sweep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.changes import FrameChange
from mdmkit.components import ComponentGrid, ComponentSizes, ComponentSweep
from mdmkit.grid import Edges
from mdmkit.pixels import PixelSweep
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

    def inside(self, frame: Frame, edges: Edges, cells: NDArray[np.bool_]) -> PixelSweep:
        """Sweep one frame within some cells of a grid."""
        return PixelSweep.of(frame).within(edges, cells)


@dataclass(frozen=True)
class ComponentRecipe:
    """Component statistics at every distinct score, for given component sizes."""

    sizes: ComponentSizes

    def of(self, frame: Frame) -> ComponentSweep:
        """Sweep one frame."""
        return ComponentSweep.of(frame, self.sizes)

    def on_grid(self, frame: Frame, edges: Edges) -> ComponentGrid:
        """Sweep one frame at the edges of a grid."""
        return ComponentGrid.of(frame, self.sizes, edges)

    def inside(self, frame: Frame, edges: Edges, cells: NDArray[np.bool_]) -> ComponentSweep:
        """Sweep one frame within some cells of a grid."""
        return ComponentSweep.inside(frame, self.sizes, edges, cells)


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

    def inside(
        self, frame: Frame, edges: Edges, cells: NDArray[np.bool_]
    ) -> PixelSweep | ComponentSweep:
        """Change one frame and sweep it within some cells of a grid."""
        return self.recipe.inside(self.change(frame), edges, cells)


Recipe = PixelRecipe | ComponentRecipe | MaskRecipe | ChangedRecipe


def merged(parts: Iterable[Any]) -> Any:
    """Sum of sweeps of one recipe."""
    several = list(parts)
    return several[0] if len(several) == 1 else type(several[0]).merged(several)
