"""Normalisers: explicit, order-preserving maps of a method's raw scores to [0, 1], in float64."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, RangeError
from mdmkit.core.foreign import leaving_arguments, read_only

if TYPE_CHECKING:
    from mdmkit.statistics.pixels import PixelCounts

Scores = NDArray[np.float64]


def _guarded(call: Callable[[Any, Scores], Scores]) -> Callable[[Any, Scores], Scores]:
    @wraps(call)
    def guarded(self: Normalizer, scores: Scores) -> Scores:
        with leaving_arguments(f"normalize: {type(self).__name__}"):
            mapped = np.asarray(call(self, read_only(scores)))
        if mapped.shape != scores.shape or mapped.dtype.kind != "f":
            raise InputError(
                f"normalize: expected {type(self).__name__} to return a float for each score, "
                f"found {mapped.dtype} of shape {mapped.shape} for {scores.shape}"
            )
        return mapped

    return guarded


class Normalizer(ABC):
    """A map whose constants come from the valid pixels of all frames of a method."""

    name: ClassVar[str]
    #: Whether `fitted` looks at the scores.
    needs_fit: ClassVar[bool] = True

    def __init_subclass__(cls, **options: Any) -> None:
        """Hand every subclass scores that it cannot write to."""
        super().__init_subclass__(**options)
        if "__call__" in vars(cls):
            cls.__call__ = _guarded(cls.__call__)  # type: ignore[method-assign, assignment]

    @classmethod
    @abstractmethod
    def fitted(cls, pixels: PixelCounts) -> Normalizer:
        """With the constants of these pixels."""

    @abstractmethod
    def __call__(self, scores: Scores) -> Scores:
        """Map scores elementwise."""


@dataclass(frozen=True)
class Unchanged(Normalizer):
    """No map: scores must lie in [0, 1] already."""

    name: ClassVar[str] = "none"
    needs_fit: ClassVar[bool] = False

    @classmethod
    def fitted(cls, pixels: PixelCounts) -> Unchanged:
        return cls()

    def __call__(self, scores: Scores) -> Scores:
        if scores.size:
            low, high = scores.min(), scores.max()
            if low < 0 or high > 1:
                raise RangeError(
                    f"scores: expected values in [0, 1] or a normaliser, found {float(low)!r} to "
                    f"{float(high)!r}; name a normaliser (minmax, sigmoid or rank)"
                )
        return scores


@dataclass(frozen=True)
class MinMax(Normalizer):
    """(a - min) / (max - min)."""

    low: float
    high: float
    name: ClassVar[str] = "minmax"

    @classmethod
    def fitted(cls, pixels: PixelCounts) -> MinMax:
        low, high = float(pixels.scores[0]), float(pixels.scores[-1])
        if not high > low:
            raise InputError(
                f"normalize: minmax expects at least two distinct scores, found only {low:g}"
            )
        if not np.isfinite(high - low):
            raise InputError(
                f"normalize: minmax expects a finite range of scores, found {low:g} to {high:g}"
            )
        return cls(low, high)

    def __call__(self, scores: Scores) -> Scores:
        return (scores - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Sigmoid(Normalizer):
    """1 / (1 + e^-a); saturates to 0 and 1 for large scores, which then become equal."""

    name: ClassVar[str] = "sigmoid"
    needs_fit: ClassVar[bool] = False

    @classmethod
    def fitted(cls, pixels: PixelCounts) -> Sigmoid:
        return cls()

    def __call__(self, scores: Scores) -> Scores:
        with np.errstate(over="ignore"):  # e^-a beyond the largest number: its inverse is 0
            return np.asarray(1 / (1 + np.exp(-scores)))


@dataclass(frozen=True, eq=False)
class Rank(Normalizer):
    """Share of valid pixels with a strictly smaller score."""

    scores: Scores
    shares: Scores
    name: ClassVar[str] = "rank"

    @classmethod
    def fitted(cls, pixels: PixelCounts) -> Rank:
        counts = pixels.changes.sum(axis=1)
        smaller = np.cumsum(counts) - counts
        return cls(pixels.scores, np.append(smaller, counts.sum()) / counts.sum())

    def __call__(self, scores: Scores) -> Scores:
        return np.asarray(self.shares[np.searchsorted(self.scores, scores, side="left")])


NORMALIZERS: dict[str, type[Normalizer]] = {n.name: n for n in (Unchanged, MinMax, Sigmoid, Rank)}


def as_normalizer(name: Any) -> type[Normalizer]:
    """The normaliser of that name; None means "none"."""
    if name is None:
        return Unchanged
    if not isinstance(name, str) or name not in NORMALIZERS:
        raise InputError(f"normalize: expected one of {', '.join(NORMALIZERS)}, found {name!r}")
    return NORMALIZERS[name]
