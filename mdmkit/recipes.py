"""Recipes: which sweep of a frame a number needs. Equal recipes share one sweep."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mdmkit.components import ComponentSizes, ComponentSweep
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


@dataclass(frozen=True)
class ComponentRecipe:
    """Component statistics at every distinct score, for given component sizes."""

    sizes: ComponentSizes

    def of(self, frame: Frame) -> ComponentSweep:
        """Sweep one frame."""
        return ComponentSweep.of(frame, self.sizes)


@dataclass(frozen=True)
class MaskRecipe:
    """Values of a callable on masks; needs scores in [0, 1] when it sweeps."""

    function: MaskFunction

    def of(self, frame: Frame) -> MaskSamples:
        """Sweep one frame."""
        return MaskSamples.of(frame, self.function)


Recipe = PixelRecipe | ComponentRecipe | MaskRecipe


def merged(parts: Iterable[Any]) -> Any:
    """Sum of sweeps of one recipe."""
    several = list(parts)
    return several[0] if len(several) == 1 else type(several[0]).merged(several)
