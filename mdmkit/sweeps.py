"""Sweeps: everything counted in a set of frames, raw and normalised; merges exactly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mdmkit.curves import ThresholdCurve
from mdmkit.errors import InputError, NoTargetError
from mdmkit.normalize import Normalizer, Unchanged
from mdmkit.pixels import PixelSweep
from mdmkit.recipes import MaskRecipe, PixelRecipe, Recipe, merged

if TYPE_CHECKING:
    from mdmkit.frames import Frame
    from mdmkit.metrics import Metric


@dataclass(frozen=True, eq=False)
class Sweeps:
    """One sweep a recipe, of one or more frames.

    Attributes
    ----------
    frames : int
        Number of frames.
    by_recipe : dict
        The sweep of each recipe, on raw scores.
    normalizer : Normalizer
        Maps raw scores to the scale on which thresholds are meant.
    """

    frames: int
    by_recipe: dict[Recipe, Any]
    normalizer: Normalizer = field(default_factory=Unchanged)

    @classmethod
    def of(
        cls, frame: Frame, recipes: Sequence[Recipe], fitted: Normalizer | None = None
    ) -> Sweeps:
        """Sweep one frame. Callables on masks see scores mapped by `fitted`."""
        return cls(1, {recipe: _sweep(frame, recipe, fitted) for recipe in recipes})

    @classmethod
    def merged(cls, parts: Iterable[Sweeps]) -> Sweeps:
        """Those of several sets of frames, in any order with the same result."""
        several = list(parts)
        recipes = several[0].by_recipe
        return cls(
            sum(part.frames for part in several),
            {recipe: merged(part.by_recipe[recipe] for part in several) for recipe in recipes},
        )

    def with_normalizer(self, kind: type[Normalizer] | Normalizer) -> Sweeps:
        """The same counts, with a normaliser; a kind is fitted to these very scores."""
        fitted = kind if isinstance(kind, Normalizer) else kind.fitted(self.pixels)
        return Sweeps(self.frames, self.by_recipe, fitted)

    @property
    def pixels(self) -> PixelSweep:
        """The pixel sweep on raw scores."""
        return self.raw(PixelRecipe())  # type: ignore[no-any-return]

    def raw(self, recipe: Recipe) -> Any:
        """A sweep on raw scores."""
        return self.by_recipe[recipe]

    @cached_property
    def _normalized(self) -> dict[Recipe, Any]:
        return {}

    def normalized(self, recipe: Recipe) -> Any:
        """A sweep on normalised scores; on the raw ones where no normaliser is named."""
        if isinstance(self.normalizer, Unchanged) or isinstance(recipe, MaskRecipe):
            return self.raw(recipe)
        if recipe not in self._normalized:
            self._normalized[recipe] = self.raw(recipe).rescaled(self.normalizer)
        return self._normalized[recipe]

    def curve(self, metric: Metric) -> ThresholdCurve:
        """d(z) on [0, 1].

        Raises
        ------
        RangeError
            If the scores leave [0, 1] and no normaliser is named.
        NoTargetError
            If there is nothing to detect.
        """
        check_valid(self.pixels)
        if isinstance(self.normalizer, Unchanged):
            self.normalizer(self.pixels.scores)  # refuses scores outside [0, 1]
        return metric.curve(self.normalized(metric.recipe))


class Pool:
    """Sum of many sweeps, merged in pairs of like size as a binary counter is carried."""

    def __init__(self) -> None:
        self._parts: list[Sweeps] = []

    def add(self, part: Sweeps) -> None:
        """Count one more."""
        self._parts.append(part)
        while len(self._parts) > 1 and self._parts[-1].frames >= self._parts[-2].frames:
            last = self._parts.pop()
            self._parts[-1] = Sweeps.merged([self._parts[-1], last])

    def total(self) -> Sweeps:
        """The sum so far."""
        if not self._parts:
            raise InputError("frames: expected at least one frame, found none")
        self._parts = [Sweeps.merged(self._parts)]
        return self._parts[0]


def check_valid(pixels: PixelSweep) -> None:
    """Refuse frames whose every pixel is ignored."""
    if pixels.scores.size == 0:
        raise NoTargetError("target: expected at least one valid pixel, found all pixels ignored")


def sweep_frames(
    frames: Iterable[Frame], recipes: Sequence[Recipe], kind: type[Normalizer]
) -> Sweeps:
    """Sweep frames one after the other, and normalise what was counted.

    Callables on masks need the normaliser's constants beforehand: the frames are then held.
    """
    fitted = None if kind.needs_fit else kind.fitted(PixelSweep.none())
    if fitted is None and any(isinstance(recipe, MaskRecipe) for recipe in recipes):
        frames = list(frames)
        fitted = sweep_frames(frames, [PixelRecipe()], kind).normalizer
    pool = Pool()
    for frame in frames:
        pool.add(Sweeps.of(frame, recipes, fitted))
    total = pool.total()
    check_valid(total.pixels)
    return total.with_normalizer(fitted or kind)


def _sweep(frame: Frame, recipe: Recipe, fitted: Normalizer | None) -> Any:
    if isinstance(recipe, MaskRecipe) and fitted is not None:
        frame = frame.rescaled(fitted)
    return recipe.of(frame)
