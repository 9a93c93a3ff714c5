"""Exact margins of monotone count metrics from a histogram: most scores need not be sorted.

Scores are counted in 4,096 equal bins. While z falls through a bin, TP and FP grow from the counts
above the bin to those with it, so that a metric which never falls with TP and never rises with FP
lies between its values at (least TP, most FP) and (most TP, least FP). Where both are on one side
of every T asked for, every score of the bin is: none of them can start or end a run, and one score
may stand for all. Only the pixels of the other bins, a few thousand as a rule, are gathered and
stepped through. What follows from the resulting sweep is the full sweep's margin to the last bit,
since a run starts and ends at gathered scores only: the states on both sides of such a place lie
within the bounds of its bin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.labels import ANOMALOUS, NORMAL
from mdmkit.statistics.pixels import PixelCounts, count_by_class, count_split

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

Formula = Callable[[Any, Any, Any, Any], NDArray[np.float64]]

#: dtypes whose scores are binned; those of up to 16 bits are counted one by one anyway.
BINNED = (np.dtype(np.float32), np.dtype(np.float64))
#: More intervals than this are gathered as one: each costs a look at every score.
MOST_INTERVALS = 6
#: Bins with more pixels may hold a plateau, a single score: it is worth a look.
PLATEAU = 2**14
#: Bins that are looked at together at first.
GROUP = 16
#: The smallest positive score.
SMALLEST = float(np.nextafter(0.0, 1.0))
#: A formula with TP above and below the line may be out of order by its rounding errors.
ROUNDING = 1e-12


def margin_sweep(
    frames: Callable[[], Iterable[Frame]], metric: Formula, t_margins: Sequence[float]
) -> PixelCounts | None:
    """A sweep that has the same margins at `t_margins` as the sweep of every score.

    Parameters
    ----------
    frames : callable
        Gives the frames, again each time; they may be deferred (`Frame.deferred`).
    metric : callable
        A `CountMetric`, or any formula of TP, FP, FN, TN: declared monotone, and undefined
        (NaN), if anywhere, where a count is 0.
    t_margins : sequence of float

    Returns
    -------
    PixelCounts or None
        None where it takes the full sweep: scores that are not binned, and everything that is to
        be refused (labels and scores that are invalid or out of range, nothing to detect).

    Notes
    -----
    O(P) for P pixels and a sort of the gathered ones; two passes over the frames.
    """
    bins = ScoreBins.of(frames())
    if bins is None or bins.changes[:, 0].sum() == 0:
        return None
    unsure = bins.unsure(metric, t_margins)
    bins.find_plateaus(unsure, frames)
    unsure &= np.isnan(bins.single)
    if not unsure.any():
        return bins.stand_ins(np.empty(0, np.int64), ~unsure)
    first, last = bins.intervals(unsure)
    sure = ~bins.within(first, last)
    pixels = int(bins.changes[~sure].sum())
    parts = [_gathered(frame, first, last, pixels) for frame in frames()]
    return PixelCounts.merged([bins.stand_ins(first, sure), *parts])


@dataclass(frozen=True, eq=False)
class ScoreBins:
    """Counts of pixels in bins of scores.

    Attributes
    ----------
    index : ndarray of int64, shape (n,)
        The bins that hold pixels, ascending; see `mdmkit.statistics.kernels.histograms`.
    changes : ndarray of int64, shape (n, 2)
        Anomalous and normal pixels of each.
    single : ndarray of float64, shape (n,)
        The score of bins that are known to hold only one; NaN for others.
    """

    index: NDArray[np.int64]
    changes: NDArray[np.int64]
    single: NDArray[np.float64]

    @classmethod
    def of(cls, frames: Iterable[Frame]) -> ScoreBins | None:
        """Bin frames; None where a frame cannot be binned, or is to be refused."""
        from mdmkit.statistics.kernels.histograms import ONE, OUTSIDE, ROW, count_bins

        total = np.zeros((3, ROW), np.int64)
        for frame in frames:
            if frame.scores.dtype not in BINNED:
                return None
            total += count_by_class(count_bins, frame.scores.ravel(), frame, ROW)
        changes = np.stack([total[ANOMALOUS], total[NORMAL]], axis=1)
        if changes[OUTSIDE].any():
            return None
        index = np.flatnonzero(changes.any(axis=1))
        single = np.where(index == 0, 0.0, np.where(index == ONE, 1.0, np.nan))
        return cls(index, changes[index], single)

    def find_plateaus(
        self, unsure: NDArray[np.bool_], frames: Callable[[], Iterable[Frame]]
    ) -> None:
        """Look for the single score of unsure bins with many pixels, a few of them at most."""
        from mdmkit.statistics.kernels.histograms import BINS
        from mdmkit.statistics.kernels.sorting import range_between

        pixels = self.changes.sum(axis=1)
        rows = np.flatnonzero(unsure & np.isnan(self.single) & (pixels > PLATEAU))
        for row in rows[np.argsort(-pixels[rows], kind="stable")[:MOST_INTERVALS]]:
            edges = max((self.index[row] - 1) / BINS, SMALLEST), self.index[row] / BINS
            found = np.inf, -np.inf
            for frame in frames():
                labels = frame.flat_labels()
                found = range_between(frame.scores.ravel(), *labels, *edges, *found)
            if found[0] == found[1]:
                self.single[row] = found[0]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Anomalous and normal pixels of each bin and those above it, shape (n, 2)."""
        counts = np.empty_like(self.changes)
        for column in (0, 1):  # faster than along an axis of rows
            np.cumsum(self.changes[::-1, column], out=counts[::-1, column])
        return counts

    def unsure(self, metric: Formula, t_margins: Sequence[float]) -> NDArray[np.bool_]:
        """Bins in which the metric may pass some T at some scores and fail it at others."""
        counts = self.counts
        above = counts - self.changes
        starts = np.arange(0, self.index.size, GROUP)  # first some bins at a time, to be quick
        ends = np.append(starts[1:], self.index.size)
        suspect = _undecided(metric, t_margins, above[ends - 1], counts[starts], counts[0])
        rows = np.flatnonzero(np.repeat(suspect, ends - starts))
        unsure = np.zeros(self.index.size, bool)
        unsure[rows] = _undecided(metric, t_margins, above[rows], counts[rows], counts[0])
        return unsure & np.isnan(self.single)

    def intervals(self, unsure: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last bins of a few disjoint ranges that hold all the unsure ones."""
        padded = np.concatenate([[False], unsure, [False]])
        turns = np.flatnonzero(padded[1:] != padded[:-1])
        first, last = self.index[turns[::2]], self.index[turns[1::2] - 1]
        if first.size > MOST_INTERVALS:
            return first[:1], last[-1:]
        return first, last

    def within(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Bins in any of those ranges."""
        behind = np.searchsorted(first, self.index, side="right")
        return (behind > 0) & (self.index <= last[behind - 1])

    def stand_ins(self, first: NDArray[np.int64], sure: NDArray[np.bool_]) -> PixelCounts:
        """A sweep of sure bins, one score standing for all those between two gathered ranges.

        Single scores stand for themselves. `first` has the first bin of each range.
        """
        from mdmkit.statistics.kernels.histograms import BINS

        rows = np.flatnonzero(sure)
        index = self.index[rows]
        alone = ~np.isnan(self.single[rows])  # a group begins at such a bin, and behind it
        group = np.searchsorted(first, index) + 2 * np.cumsum(alone) - alone
        starts = np.flatnonzero(np.diff(group, prepend=-1))
        ends = np.append(starts[1:], rows.size)[: starts.size] - 1
        single = self.single[rows[starts]]
        scores = np.where(np.isnan(single), (index[starts] - 0.5) / BINS, single)
        above = self.counts[rows[ends]] - self.changes[rows[ends]]
        return PixelCounts(scores, self.counts[rows[starts]] - above)


def _undecided(
    metric: Formula,
    t_margins: Sequence[float],
    least: NDArray[np.int64],
    most: NDArray[np.int64],
    total: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether states from `least` to `most` (TP, FP), shape (n, 2), may lie on both sides of a T.

    Where the metric is undefined at a corner of its box, they may. A metric that is undefined
    where some count is 0 is so at a corner if anywhere in the box.
    """
    tp = np.stack([least[:, 0], most[:, 0], least[:, 0], most[:, 0]])
    fp = np.stack([most[:, 1], least[:, 1], least[:, 1], most[:, 1]])
    values = metric(tp, fp, total[0] - tp, total[1] - fp)
    undecided = np.isnan(values).any(axis=0)
    mixed = most[:, 0] > least[:, 0]
    for t in t_margins:
        slack = np.where(mixed, ROUNDING * t, 0.0)
        undecided |= ~((values[1] <= t - slack) | (values[0] > t + slack))
    return np.asarray(undecided)


def _gathered(
    frame: Frame, first: NDArray[np.int64], last: NDArray[np.int64], pixels: int
) -> PixelCounts:
    """The sweep of a frame's scores in ranges of bins, which hold at most `pixels`."""
    from mdmkit.statistics.kernels.histograms import BINS
    from mdmkit.statistics.kernels.sorting import gather_between

    scores = frame.scores.ravel()
    kind, integer = scores.dtype.type, np.dtype(f"i{scores.itemsize}")
    lows = np.maximum(((first - 1) / BINS).astype(kind), np.nextafter(kind(0), kind(1)))
    highs = (last / BINS).astype(kind)
    edges = lows, highs, lows.view(integer), highs.view(integer) - integer.type(1)
    buffer = np.empty(min(pixels, scores.size), kind)
    front, back = gather_between(scores, scores.view(integer), *frame.flat_labels(), *edges, buffer)
    return PixelCounts(*count_split(buffer[:front], buffer[back:]))
