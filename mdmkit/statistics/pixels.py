"""PixelCounts: counts of anomalous and normal pixels per distinct score."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL, UNKNOWN
from mdmkit.core.types import Array
from mdmkit.statistics.edges import meeting
from mdmkit.statistics.levels import Levels
from mdmkit.statistics.pixel_order import score_keys, scores_of_keys
from mdmkit.statistics.score_keys import Keys, floats_of, split_keys, split_keys_between
from mdmkit.statistics.steps import Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: Pixels which are counted at once: what 32-bit counters hold, with room to spare.
CHUNK = 2**31
#: The bits of 1 as float16: those of scores in [0, 1] are integers up to it.
HALF_ONE = 0x3C00


class PixelCounts(Steps):
    """Counts (anomalous, normal) of the pixels with each score.

    The totals over A > z are the true and false positives at z, from which every pixel metric
    follows. One counting pass for scores of up to 16 bits; for others a sort of the scores
    alone, without their places.
    """

    @classmethod
    def of(cls, frame: Frame) -> PixelCounts:
        """Count one frame; a deferred frame is validated in the same pass."""
        if frame.scores.dtype.itemsize <= 2:
            return cls(*_count_keys(frame))
        return cls.of_classes(*split_keys(frame))

    @classmethod
    def of_classes(cls, normal: Keys, anomalous: Keys) -> PixelCounts:
        """Count the sorted keys of the pixels of each class."""
        from mdmkit.statistics.kernels.sorting import merge_classes

        scores = np.empty(normal.size + anomalous.size)
        changes = np.empty((scores.size, 2), np.int64)
        n = merge_classes(floats_of(normal), floats_of(anomalous), scores, changes)
        return cls(scores[:n], changes[:n])

    @classmethod
    def none(cls) -> PixelCounts:
        """Counts of no pixels."""
        return cls.empty(2)

    @classmethod
    def between(cls, frame: Frame, intervals: NDArray[np.float64]) -> PixelCounts:
        """Count the pixels of a frame in any of the closed intervals of scores, shape (k, 2)."""
        if frame.scores.dtype.itemsize > 2:
            return cls.of_classes(*split_keys_between(frame, intervals))
        known = cls.of(frame)
        inside = meeting(known.scores, known.scores, intervals)
        return cls(known.scores[inside], known.changes[inside])

    def rows(self) -> PixelCounts:
        """Counts at every distinct score, as these are."""
        return self

    @cached_property
    def anomalous(self) -> int:
        """Number of anomalous pixels."""
        return int(self.totals[0, 0])

    @cached_property
    def normal(self) -> int:
        """Number of normal pixels."""
        return int(self.totals[0, 1])

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and greatest score; infinite where there are none."""
        some = self.scores.size > 0
        return (float(self.scores[0]), float(self.scores[-1])) if some else (np.inf, -np.inf)

    def levels(self) -> Iterator[Levels]:
        """All scores in descending order, in one piece."""
        yield self._levels

    @cached_property
    def _levels(self) -> Levels:
        changes = self.changes[::-1]
        between = np.zeros(len(changes), np.int64)
        levels = Levels(self.scores[::-1], changes[:, 0], changes[:, 1], between, (0, 0))
        true, false = self.totals[-2::-1].T
        vars(levels).update(true=true, false=false)  # which would be summed up again
        return levels

    def score_of(self, key: Any) -> float:
        """The score of a level, which is its key."""
        return float(key)

    def below(self, key: Any) -> float | None:
        """The greatest score below a key; None where there is none."""
        place = int(np.searchsorted(self.scores, key))
        return float(self.scores[place - 1]) if place else None

    def confusion(self, totals: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """(TP, FP, FN, TN), each of shape (...), from totals of shape (..., 2)."""
        true, false = totals[..., 0], totals[..., 1]
        return true, false, self.anomalous - true, self.normal - false


def count_by_class(kernel: Any, scores: Array, frame: Frame, row: int) -> NDArray[np.int64]:
    """Run a kernel of `mdmkit.statistics.kernels.histograms` over a frame.

    Returns
    -------
    ndarray of int64, shape (3, row)
        Pixels by class (normal, anomalous, ignored) and place.

    Raises
    ------
    InputError
        If a label has no meaning.
    """
    labels, table = frame.flat_labels()
    codes = np.flatnonzero(table != UNKNOWN).astype(np.uint8)
    counts = np.zeros((4, row), np.int64)
    for start in range(0, scores.size, CHUNK):
        chunk = slice(start, start + CHUNK)
        even, odd = np.zeros((2, 4 * row + 1), np.uint32)
        kernel(scores[chunk], labels[chunk], codes, table[codes], even, odd)
        for part in (even, odd):
            counts += part[:-1].reshape(4, row)
    if counts[UNKNOWN].any():
        frame.check()
        return count_by_class(kernel, scores, frame, row)  # by its classes, which are all known
    return counts[:UNKNOWN]


def _count_keys(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from mdmkit.statistics.kernels.histograms import count_keys

    keys = score_keys(frame.scores.ravel())
    row = 256**keys.dtype.itemsize
    if frame.scores.dtype == np.float16:  # those in [0, 1] are a quarter, if there are no others
        row = HALF_ONE + 2
    counts = count_by_class(count_keys, keys, frame, row)
    if counts[:IGNORED, HALF_ONE + 1 :].any() and row == HALF_ONE + 2:
        counts = count_by_class(count_keys, keys, frame, 2**16)
    present = np.flatnonzero(counts[ANOMALOUS] + counts[NORMAL])
    scores = scores_of_keys(present, frame.scores.dtype)
    if not np.isfinite(scores).all():
        frame.check()
    changes = np.stack([counts[ANOMALOUS, present], counts[NORMAL, present]], axis=1)
    if not (scores[1:] > scores[:-1]).all():  # negative floats
        ordered = Steps.from_unsorted(scores, changes)
        return ordered.scores, ordered.changes
    return scores, changes
