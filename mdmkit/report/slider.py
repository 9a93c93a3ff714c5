"""Data of a slider: thresholds to offer, and maps of 8 bits that are exact at each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import add

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import Frame, as_unit
from mdmkit.core.labels import ANOMALOUS, NORMAL

Floats = NDArray[np.float64]
Rescale = Callable[[Floats], Floats]

#: Levels of 8 bits separate as many thresholds, the last of which lets nothing pass.
MOST = 256
_BINS = 4096  # a power of two: scores fall into bins without rounding
_EVEN = np.arange(201) / 200


@dataclass(frozen=True, eq=False)
class Thresholds:
    """The thresholds that a slider offers.

    Attributes
    ----------
    values : ndarray of float64, shape (n,)
        Ascending from 0 to 1, n <= `MOST`.
    complete : bool
        Whether all scores of all methods are among them: then a threshold between two of them
        predicts what the lower one does, and no threshold is missing.
    """

    values: Floats
    complete: bool

    def at_or_below(self, z: float) -> int:
        """Index of the largest offered threshold <= z."""
        return int(np.searchsorted(self.values, z, side="right")) - 1

    @cached_property
    def _in_bins(self) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Of each bin [k, k + 1) / `_BINS`: thresholds below it, and whether one lies in it."""
        edges = np.arange(_BINS + 2) / _BINS
        below = np.searchsorted(self.values, edges, side="left")
        return below[:-1].astype(np.uint8), below[1:] > below[:-1]

    def levels(
        self, frame: Frame, rescale: Rescale, extremes: tuple[float, float]
    ) -> NDArray[np.uint8]:
        """For each pixel, how many of the thresholds its score exceeds; 0 where ignored.

        `rescale` maps scores between `extremes` to [0, 1]; `levels > i` is exactly the prediction
        at `values[i]`.
        """
        width = frame.scores.dtype.itemsize
        if width > 2:
            return self._exceeded(frame.rescaled(rescale).scores)
        keys = frame.scores.view(f"u{width}")  # there are fewer scores of 16 bits than pixels
        every = as_unit(np.arange(256**width).astype(keys.dtype).view(frame.scores.dtype))
        met = (every >= extremes[0]) & (every <= extremes[1])
        by_key = np.zeros(every.size, np.uint8)
        by_key[met] = self._exceeded(rescale(every[met]))
        return by_key.take(keys) * frame.valid

    def _exceeded(self, scores: Floats) -> NDArray[np.uint8]:
        """For each score, how many of the thresholds are below it."""
        # a search among 256 thresholds for every pixel takes five times as long
        bins = (scores * _BINS).astype(np.int32)
        below, divided = self._in_bins
        levels = below[bins]
        near = divided[bins]
        levels[near] = np.searchsorted(self.values, scores[near], side="left")
        return levels


def offer_thresholds(scores: Iterable[Floats], wanted: Sequence[float]) -> Thresholds:
    """Every score where 8 bits can hold them all; else 0, 0.005, ..., 1 and those wanted.

    Parameters
    ----------
    scores : iterable of ndarray
        The distinct scores of each method, in [0, 1].
    wanted : sequence of float
        Further thresholds, the most important first; those beyond `MOST` are left out.
    """
    every: Floats | None = np.array([0.0, 1.0])
    for distinct in scores:
        if distinct.size > MOST or every is None:
            every = None
            break
        every = np.unique(np.concatenate([every, distinct]))
    if every is not None and every.size <= MOST:
        return Thresholds(every, True)
    room = MOST - _EVEN.size
    extra = [z for z in dict.fromkeys(map(float, wanted)) if z not in _EVEN][:room]
    return Thresholds(np.unique(np.concatenate([_EVEN, extra])), False)


@dataclass(frozen=True, eq=False)
class Counts:
    """Confusion counts of one frame at each offered threshold, over all its pixels.

    Attributes
    ----------
    tp, fp : ndarray of int64, shape (n,)
    anomalous, normal : int
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]
    anomalous: int
    normal: int

    @classmethod
    def of(cls, levels: NDArray[np.uint8], classes: NDArray[np.uint8], n: int) -> Counts:
        """Count a map of levels by the class of each pixel."""
        places = levels + classes.astype(np.uint16) * (n + 1)
        by_class = np.bincount(places.ravel(), minlength=3 * (n + 1)).reshape(3, n + 1)
        true, false = by_class[ANOMALOUS], by_class[NORMAL]
        # predicted at threshold i are the levels above i
        tp, fp = (np.cumsum(part[::-1])[::-1][1:] for part in (true, false))
        return cls(tp, fp, int(true.sum()), int(false.sum()))

    def __add__(self, other: Counts) -> Counts:
        """Add the counts of two frames."""
        return Counts(*map(add, vars(self).values(), vars(other).values()))

    def f1(self, index: int) -> float | None:
        """Pixel F1 at a threshold; None in a frame without anomalies where nothing is predicted."""
        predicted = int(self.tp[index] + self.fp[index])
        whole = predicted + self.anomalous
        return 2 * int(self.tp[index]) / whole if whole else None
