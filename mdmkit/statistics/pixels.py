"""PixelCounts: counts of anomalous and normal pixels per distinct score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL, UNKNOWN
from mdmkit.statistics.binned_steps import BinnedSteps, within
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.pixel_order import score_keys, scores_of_keys
from mdmkit.statistics.steps import Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.statistics.pixel_bins import BinnedFrame

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
        """Sweep one frame; a deferred frame is validated in the same pass."""
        if frame.scores.dtype.itemsize <= 2:
            return cls(*_count_keys(frame))
        return cls(*_count_sorted(frame))

    @classmethod
    def none(cls) -> PixelCounts:
        """The sweep of no pixels."""
        return cls.empty(2)

    @classmethod
    def inside(cls, cells: BinnedFrame, edges: Edges, refined: NDArray[np.bool_]) -> PixelCounts:
        """`of(frame).within(edges, refined)`; `edges` are those of `cells`."""
        if cells.frame.scores.dtype.kind != "f" or cells.frame.scores.itemsize <= 2:
            return cls.of(cells.frame).within(edges, refined)
        from mdmkit.statistics.kernels.pixel_bins import gather_keys

        wanted = np.zeros(2 * refined.size, np.bool_)
        wanted[::2] = refined  # not those at an edge
        scores, classes = cells.frame.scores.ravel(), cells.frame.classes.ravel()
        buffer = np.empty(int(cells.pixels[wanted].sum()), scores.dtype)
        front, back = gather_keys(scores, cells.keys, classes, wanted, buffer)
        return cls(*count_split(buffer[:front], buffer[back:]))

    def within(self, edges: Edges, cells: NDArray[np.bool_]) -> PixelCounts:
        """What lies inside some cells of a grid."""
        return within(self, edges, cells)

    @property
    def anomalous(self) -> int:
        """Number of anomalous pixels."""
        return int(self.totals[0, 0])

    @property
    def normal(self) -> int:
        """Number of normal pixels."""
        return int(self.totals[0, 1])

    def confusion(self, totals: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """(TP, FP, FN, TN), each of shape (...), from totals of shape (..., 2)."""
        true, false = totals[..., 0], totals[..., 1]
        return true, false, self.anomalous - true, self.normal - false


class BinnedPixels(BinnedSteps):
    """A `PixelCounts` on a grid; its bounds are on TP and FP."""

    kind = PixelCounts

    @classmethod
    def of_cells(cls, cells: BinnedFrame) -> BinnedPixels:
        """`PixelCounts.of(frame).on_grid(edges)` by counting alone."""
        return cls.of_counts(cells.counts, cells.smallest, cells.largest)

    @classmethod
    def of_counts(cls, counts: NDArray[np.int64], smallest: float, largest: float) -> BinnedPixels:
        """From pixels by key, shape (2 (m + 1), 2); see `BinnedFrame`."""
        above = np.cumsum(counts[::-1], axis=0)[::-1]
        totals = np.ascontiguousarray(above[::2])  # with those strictly within the cell
        inside = totals - above[1::2]
        return cls(totals, inside, np.zeros_like(inside), smallest, largest)

    def as_sweep(self, edges: Edges, refined: PixelCounts | None) -> PixelCounts:
        """Scores moved up to the next edge, but for those within refined cells."""
        return self.as_steps(edges, refined)  # type: ignore[return-value]


def count_by_class(kernel: Any, scores: NDArray[Any], frame: Frame, row: int) -> NDArray[np.int64]:
    """Run a kernel of `mdmkit.statistics.kernels.histograms` over a frame.

    Returns
    -------
    ndarray of int64, shape (3, n)
        Pixels by class (normal, anomalous, ignored) and place, n <= row with all that were met.

    Raises
    ------
    InputError
        If a label has no meaning.
    """
    labels, table = frame.flat_labels()
    codes = np.flatnonzero(table != UNKNOWN).astype(np.uint8)
    counts = np.zeros((4, row), np.int64)
    n = 0
    for start in range(0, scores.size, CHUNK):
        chunk = slice(start, start + CHUNK)
        even, odd = np.zeros((2, 4 * row + 1), np.uint32)
        used = int(kernel(scores[chunk], labels[chunk], codes, table[codes], even, odd)) + 1
        for part in (even, odd):
            counts[:, :used] += part[:-1].reshape(4, row)[:, :used]
        n = max(n, used)
    if counts[UNKNOWN, :n].any():
        frame.check()
        return count_by_class(kernel, scores, frame, row)  # by its classes, which are all known
    return counts[:UNKNOWN, :n]


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


def _count_sorted(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from mdmkit.statistics.kernels.sorting import split_classes

    scores = frame.scores.ravel()
    if scores.dtype.kind == "u":  # more than 16 bits
        scores = as_unit(scores)
    buffer = np.empty_like(scores)
    front, back, flagged = split_classes(scores, *frame.flat_labels(), buffer)
    if flagged:
        frame.check()
        front, back, _ = split_classes(scores, *frame.flat_labels(), buffer)
    return count_split(buffer[:front], buffer[back:])


def count_split(
    normal: NDArray[Any], anomalous: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Distinct scores and (anomalous, normal) pixels of each, from the scores of each class.

    Sorts its arguments in place.
    """
    from mdmkit.statistics.kernels.sorting import merge_classes

    normal.sort()
    anomalous.sort()
    scores = np.empty(normal.size + anomalous.size)
    changes = np.empty((scores.size, 2), np.int64)
    n = merge_classes(normal, anomalous, scores, changes)
    return scores[:n], changes[:n]
