"""Normalisers: explicit, order-preserving maps of a method's raw scores to [0, 1], in float64."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_choice
from mdmkit.core.errors import InputError, RangeError
from mdmkit.core.foreign import leaving_arguments, read_only
from mdmkit.core.named_arrays import AsArrays
from mdmkit.statistics.score_bins import AnyPixels
from mdmkit.statistics.score_keys import keys_of, scores_of

Scores = NDArray[np.float64]


def _guarded(call: Callable[[Any, Scores], Scores]) -> Callable[[Any, Scores], Scores]:
    @wraps(call)
    def guarded(self: Normalizer, scores: Scores) -> Scores:
        with leaving_arguments("normalize", type(self).__name__):
            mapped = np.asarray(call(self, read_only(scores)))
        if mapped.shape != scores.shape or mapped.dtype.kind != "f":
            raise InputError(
                f"expected {type(self).__name__} to return a float for each score, "
                f"found {mapped.dtype} of shape {mapped.shape} for {scores.shape}",
                argument="normalize",
            )
        return mapped

    return guarded


class Normalizer(ABC):
    """A map whose constants come from the valid pixels of all frames of a method."""

    name: ClassVar[str]
    #: Whether `fitted` looks at the scores.
    needs_fit: ClassVar[bool] = True

    def __init_subclass__(cls, **options: object) -> None:
        """Hand every subclass scores that it cannot write to."""
        super().__init_subclass__(**options)
        if "__call__" in vars(cls):
            cls.__call__ = _guarded(cls.__call__)  # type: ignore[method-assign, assignment]

    @classmethod
    def fitted(cls, pixels: AnyPixels) -> Normalizer:
        """With the constants of these pixels, where it needs some."""
        return cls()

    @abstractmethod
    def __call__(self, scores: Scores) -> Scores:
        """Map scores elementwise."""


@dataclass(frozen=True)
class Unchanged(Normalizer, AsArrays):
    """No map: scores must lie in [0, 1] already."""

    name: ClassVar[str] = "none"
    needs_fit: ClassVar[bool] = False

    def __call__(self, scores: Scores) -> Scores:
        if scores.size:
            low, high = scores.min(), scores.max()
            if low < 0 or high > 1:
                raise RangeError(
                    f"expected values in [0, 1] or a normaliser, found {float(low)!r} to "
                    f"{float(high)!r}; name a normaliser (minmax, sigmoid or rank)",
                    argument="scores",
                )
        return scores


@dataclass(frozen=True)
class MinMax(Normalizer, AsArrays):
    """(a - min) / (max - min)."""

    low: float
    high: float
    name: ClassVar[str] = "minmax"

    @classmethod
    def fitted(cls, pixels: AnyPixels) -> MinMax:
        low, high = pixels.extremes
        if not high > low:
            raise InputError(
                f"minmax expects at least two distinct scores, found only {low:g}",
                argument="normalize",
            )
        if not np.isfinite(high - low):
            raise InputError(
                f"minmax expects a finite range of scores, found {low:g} to {high:g}",
                argument="normalize",
            )
        return cls(low, high)

    def __call__(self, scores: Scores) -> Scores:
        return (scores - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Sigmoid(Normalizer, AsArrays):
    """1 / (1 + e^-a); saturates to 0 and 1 for large scores, which then become equal."""

    name: ClassVar[str] = "sigmoid"
    needs_fit: ClassVar[bool] = False

    def __call__(self, scores: Scores) -> Scores:
        with np.errstate(over="ignore"):  # e^-a beyond the largest number: its inverse is 0
            return np.asarray(1 / (1 + np.exp(-scores)))


@dataclass(frozen=True, eq=False)
class Rank(Normalizer, AsArrays):
    """Share of valid pixels with a strictly smaller score."""

    scores: Scores
    shares: Scores
    name: ClassVar[str] = "rank"

    @classmethod
    def fitted(cls, pixels: AnyPixels) -> Rank:
        rows = pixels.rows()  # of a group of scores the greatest: ranks within it are its least
        counts = rows.changes.sum(axis=1)
        smaller = np.cumsum(counts) - counts
        return cls(rows.scores, np.append(smaller, counts.sum()) / counts.sum())

    def __call__(self, scores: Scores) -> Scores:
        return np.asarray(self.shares[np.searchsorted(self.scores, scores, side="left")])


#: The largest finite score: nothing is predicted above it, everything above its negative.
HIGHEST = float(np.finfo(np.float64).max)


def raw_threshold(normalizer: Normalizer, z: float) -> float:
    """The largest raw score r that is not predicted at z: A > r predicts as normalised A > z does.

    Exact in float64 for every score, whatever the rounding of the map: found by bisection, as a
    normaliser keeps the order of scores. `HIGHEST` where no score is predicted, `-HIGHEST` where
    every one is.
    """
    if isinstance(normalizer, Unchanged):
        return z

    def mapped(key: int) -> float:
        with np.errstate(over="ignore"):
            return float(normalizer(_score_of(key))[0])

    low, high = map(int, keys_of(np.array([-HIGHEST, HIGHEST])))
    if not mapped(low) <= z:
        return -HIGHEST
    if mapped(high) <= z:
        return HIGHEST
    while high - low > 1:
        middle = (low + high) // 2
        if mapped(middle) <= z:
            low = middle
        else:
            high = middle
    return float(_score_of(low)[0])


def _score_of(key: int) -> Scores:
    return scores_of(np.array([key], np.uint64))


NORMALIZERS: dict[str, type[Normalizer]] = {n.name: n for n in (Unchanged, MinMax, Sigmoid, Rank)}


def as_normalizer(name: object) -> type[Normalizer]:
    """The normaliser of that name; None means "none"."""
    return NORMALIZERS[as_choice("none" if name is None else name, NORMALIZERS, "normalize")]
