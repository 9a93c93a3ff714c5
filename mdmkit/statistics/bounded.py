"""Exact margins of monotone count metrics from a histogram: most scores need not be sorted.

Scores are counted in 4,096 equal bins. While z falls through a bin, TP and FP grow from the counts
above the bin to those with it, so that a metric which never falls with TP and never rises with FP
lies between its values at (least TP, most FP) and (most TP, least FP). Where both are on one side
of every T asked for, every score of the bin is: none of them can start or end a run, and one score
may stand for all. Only the pixels of the other bins, a few thousand as a rule, are gathered and
stepped through. What follows from the resulting counts are the margins of all scores to the last
bit, since a run starts and ends at gathered scores only: the values on both sides of such a place
lie within the bounds of its bin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.labels import ANOMALOUS, NORMAL
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.levels import Counts
from mdmkit.statistics.pixels import PixelCounts, count_by_class
from mdmkit.statistics.score_bins import BracketedPixels, PixelBins, merged_pixels

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: Bounds of d from least and most (TP, FP), shape (n, 2), and all pixels of each class.
Between = Callable[[Counts, Counts, Counts], tuple[NDArray[np.float64], NDArray[np.float64]]]

#: dtypes whose scores are binned; those of up to 16 bits are counted one by one anyway.
BINNED = (np.dtype(np.float32), np.dtype(np.float64))
#: Plateaus that are looked for at most: each costs a look at every score.
MOST_PLATEAUS = 6
#: Bins with more pixels may hold a plateau, a single score: it is worth a look.
PLATEAU = 2**14


def deciding_counts(
    frames: Callable[[], Iterable[Frame]], between: Between, t_margins: Sequence[float]
) -> PixelCounts | None:
    """Counts that have the same margins at `t_margins` as those of every score.

    Parameters
    ----------
    frames : callable
        Gives the frames, again each time; they may be deferred (`Frame.deferred`).
    between : callable
        As `CountMetric.between`, of a metric that is declared monotone.
    t_margins : sequence of float

    Returns
    -------
    PixelCounts or None
        None where it takes every score: scores of more and of fewer than 16 bits together, and
        everything that is to be refused (labels and scores that are invalid or out of range,
        nothing to detect).

    Notes
    -----
    O(P) for P pixels and a sort of the gathered ones; two passes over the frames.
    """
    bins = _counted(frames())
    if bins is None or not bins.anomalous:
        return None
    if isinstance(bins, PixelCounts):
        return bins
    intervals = unresolved(bins.as_groups(), between, t_margins)
    with_plateaus = _with_plateaus(bins, intervals, frames)
    if with_plateaus is not bins:
        bins = with_plateaus
        intervals = unresolved(bins.as_groups(), between, t_margins)
    if not len(intervals):
        return bins.as_groups().rows()
    parts = [PixelCounts.between(frame, intervals) for frame in frames()]
    return bins.bracketed(bins.meeting(intervals), PixelCounts.merged(parts)).rows()


@lru_cache(maxsize=1)
def regular_edges() -> Edges:
    """Edges of bins of the score 0, of [0, 1/4096) but 0, of [1/4096, 2/4096), ..., and of 1."""
    from mdmkit.statistics.kernels.histograms import BINS

    upper = np.nextafter(np.arange(1, BINS + 1) / BINS, 0.0)  # bins hold their upper edges
    return np.concatenate([[0.0], upper, [1.0]])


def binned(frame: Frame) -> PixelBins | None:
    """Pixels of a frame in bins of `regular_edges`; None where that cannot be, or is to be refused.

    The fastest look at scores there is; their least and greatest in each bin are its ends.
    """
    from mdmkit.statistics.kernels.histograms import OUTSIDE, ROW, count_bins

    if frame.scores.dtype not in BINNED:
        return None
    by_class = count_by_class(count_bins, frame.scores.ravel(), frame, ROW)
    counts = np.stack([by_class[ANOMALOUS], by_class[NORMAL]], axis=1)
    if counts[OUTSIDE].any():
        return None
    edges = regular_edges()
    some = counts.any(axis=1)
    least = np.where(some, np.append(0.0, np.nextafter(edges, np.inf)), np.inf)
    return PixelBins(edges, counts, least, np.where(some, np.append(edges, np.inf), -np.inf))


def _counted(frames: Iterable[Frame]) -> PixelBins | PixelCounts | None:
    """Pixels of all frames in bins, or one by one where scores have up to 16 bits."""
    parts: list[PixelBins | PixelCounts] = []
    for frame in frames:
        few = frame.scores.dtype.itemsize <= 2
        known = PixelCounts.of(frame) if few else binned(frame)
        if known is None or (parts and type(known) is not type(parts[0])):
            return None
        parts = [merged_pixels([*parts, known])]
    total = parts[0] if parts else None
    outside = (
        isinstance(total, PixelCounts) and not 0 <= total.extremes[0] <= total.extremes[1] <= 1
    )
    return None if outside else total


def unresolved(
    pixels: BracketedPixels, between: Between, t_margins: Sequence[float]
) -> NDArray[np.float64]:
    """Intervals of scores in which d may both pass and fail some T, shape (k, 2)."""
    totals = pixels.totals
    low, high = between(totals[1:], totals[:-1], totals[0])
    uncertain = np.zeros(low.size, bool)
    for t in t_margins:
        uncertain |= ~((high <= t) | (low > t))
    return pixels.intervals(uncertain & pixels.unresolved)


def _with_plateaus(
    bins: PixelBins, intervals: NDArray[np.float64], frames: Callable[[], Iterable[Frame]]
) -> PixelBins:
    """Bins with the single score of unresolved ones with many pixels, where they have only one."""
    from mdmkit.statistics.kernels.sorting import range_between

    pixels = bins.counts.sum(axis=1)
    large = np.flatnonzero(bins.meeting(intervals) & (pixels > PLATEAU))
    if large.size == 0:
        return bins
    least, greatest = bins.least.copy(), bins.greatest.copy()
    for c in large[np.argsort(-pixels[large], kind="stable")[:MOST_PLATEAUS]]:
        found = np.inf, -np.inf
        ends = least[c], np.nextafter(greatest[c], np.inf)
        for frame in frames():
            found = range_between(frame.scores.ravel(), *frame.flat_labels(), *ends, *found)
        if found[0] == found[1]:
            least[c] = greatest[c] = found[0]
    return replace(bins, least=least, greatest=greatest)
