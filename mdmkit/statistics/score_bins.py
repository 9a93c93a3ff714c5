"""Pixels in bins of scores, with the least and greatest score of each, and what they bound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.statistics.edges import Edges, meeting
from mdmkit.statistics.levels import Counts
from mdmkit.statistics.merging import SHARED, Joined, Merging
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_keys import floor_keys, scores_of

if TYPE_CHECKING:
    from mdmkit.statistics.pixel_bins import BinnedFrame


@dataclass(frozen=True, eq=False)
class PixelBins(Merging):
    """Anomalous and normal pixels in bins of scores; merges exactly.

    Attributes
    ----------
    edges : ndarray of float64, shape (m,)
        Thresholds, strictly ascending. Bin c holds scores in (edges[c - 1], edges[c]].
    counts : ndarray of int64, shape (m + 1, 2)
        Anomalous and normal pixels of each bin.
    least, greatest : ndarray of float64, shape (m + 1,)
        Bounds of the scores of each bin; where it is known that both occur, these scores.
        Infinite in empty bins.

    Notes
    -----
    Counts of the prediction A > z are exact at every edge z. A bin whose least and greatest score
    are equal is *resolved*: it holds one score.
    """

    edges: Edges
    counts: Counts
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]

    @classmethod
    def empty(cls, edges: Edges) -> PixelBins:
        """No pixels."""
        n = edges.size + 1
        return cls(edges, np.zeros((n, 2), np.int64), np.full(n, np.inf), np.full(n, -np.inf))

    @classmethod
    def of(cls, pixels: PixelScores | PixelCounts | PixelBins, edges: Edges) -> PixelBins:
        """Count pixels whose scores are known; bins stay what they are."""
        if isinstance(pixels, PixelBins):
            return pixels
        if isinstance(pixels, PixelCounts):
            return cls._of_rows(pixels, edges)
        return cls._of_keys(pixels, edges)

    @classmethod
    def _of_keys(cls, pixels: PixelScores, edges: Edges) -> PixelBins:
        from mdmkit.statistics.kernels.split_scores import count_in_bins

        bins = cls.empty(edges)
        for column, arrays in enumerate((pixels.anomalous_keys, pixels.normal_keys)):
            for keys in arrays:
                tops = floor_keys(edges, keys.dtype)
                least, greatest = np.empty((2, edges.size + 1), keys.dtype)
                count_in_bins(keys, tops, bins.counts[:, column], least, greatest)
                met = np.flatnonzero(least <= greatest)
                bins.least[met] = np.minimum(bins.least[met], scores_of(least[met]))
                bins.greatest[met] = np.maximum(bins.greatest[met], scores_of(greatest[met]))
        return bins

    @classmethod
    def _of_rows(cls, rows: PixelCounts, edges: Edges) -> PixelBins:
        bins = cls.empty(edges)
        place = np.searchsorted(edges, rows.scores)
        np.add.at(bins.counts, place, rows.changes)
        np.minimum.at(bins.least, place, rows.scores)
        np.maximum.at(bins.greatest, place, rows.scores)
        return bins

    @classmethod
    def of_frame(cls, binned: BinnedFrame) -> PixelBins:
        """Take over the bins of a frame; no bin knows its scores."""
        inside_bins, at_edge = binned.counts[::2], binned.counts[1::2]
        counts = inside_bins + at_edge
        some, inside = counts.any(axis=1), inside_bins.any(axis=1)
        smallest, largest = binned.extremes
        upper = np.append(binned.edges, np.inf).clip(smallest, largest)
        with np.errstate(over="ignore"):
            lower = np.nextafter(np.append(-np.inf, binned.edges), np.inf).clip(smallest)
        least = np.where(inside, lower, upper)
        return cls(
            binned.edges, counts, np.where(some, least, np.inf), np.where(some, upper, -np.inf)
        )

    joined: ClassVar[Joined] = {
        "edges": SHARED,
        "least": partial(reduce, np.minimum),
        "greatest": partial(reduce, np.maximum),
    }

    @property
    def anomalous(self) -> int:
        """Number of anomalous pixels."""
        return int(self.counts[:, 0].sum())

    @property
    def normal(self) -> int:
        """Number of normal pixels."""
        return int(self.counts[:, 1].sum())

    @property
    def totals(self) -> Counts:
        """(TP, FP) of everything, then of A > z at each edge, shape (m + 1, 2)."""
        return np.cumsum(self.counts[::-1], axis=0)[::-1]

    @property
    def in_bins(self) -> tuple[Counts, Counts]:
        """Least and most (TP, FP) of A > z for all z from one edge to the next, shape (m + 1, 2).

        Bin 0 holds all z below the edges, the last one those from the last edge on.
        """
        most = self.totals
        least = np.append(most[1:], np.zeros((1, 2), np.int64), axis=0)
        upper = np.append(self.edges, np.inf)
        at_edge = (self.least == self.greatest) & (self.greatest == upper)
        return np.where(at_edge[:, None], most, least), most

    def meeting(self, intervals: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Bins that share scores with any of the closed intervals, shape (m + 1,)."""
        return meeting(self.least, self.greatest, intervals)

    def intervals(self, bins: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Least and greatest score of some bins, shape (k, 2)."""
        return np.stack([self.least[bins], self.greatest[bins]], axis=1)

    def as_groups(self) -> BracketedPixels:
        """Group the pixels by bin, where none were looked at again."""
        kept = np.flatnonzero(self.counts.any(axis=1))
        return BracketedPixels(self.greatest[kept], self.counts[kept], self.least[kept])

    def bracketed(self, looked_into: NDArray[np.bool_], inside: PixelCounts) -> BracketedPixels:
        """Group the pixels by bin, and by score where the pixels of some bins were looked at again.

        Parameters
        ----------
        looked_into : ndarray of bool, shape (m + 1,)
        inside : PixelCounts
            Every score of these bins.
        """
        kept = np.flatnonzero(self.counts.any(axis=1) & ~looked_into)
        scores = np.concatenate([self.greatest[kept], inside.scores])
        order = np.argsort(scores, kind="stable")
        least = np.concatenate([self.least[kept], inside.scores])[order]
        changes = np.concatenate([self.counts[kept], inside.changes])[order]
        return BracketedPixels(scores[order], changes, least)


@dataclass(frozen=True, eq=False)
class BracketedPixels(PixelCounts):
    """Pixels in groups, whose scores lie between a least and a greatest one.

    Counted as if every group had one score, its greatest.

    Attributes
    ----------
    least : ndarray of float64, shape (n,)
        Least score of each group; above the greatest one of the group before.
    """

    least: NDArray[np.float64]

    @cached_property
    def unresolved(self) -> NDArray[np.bool_]:
        """Groups with more than one score, shape (n,)."""
        return np.asarray(self.least < self.scores)

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and greatest score; infinite where there are none."""
        least, greatest = super().extremes
        return (float(self.least[0]) if self.least.size else least), greatest

    def rows(self) -> PixelCounts:
        """Groups as if each had one score."""
        return PixelCounts(self.scores, self.changes)

    def intervals(self, groups: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Least and greatest score of some groups, shape (k, 2)."""
        return np.stack([self.least[groups], self.scores[groups]], axis=1)

    def bounds_above(self, z: float) -> tuple[Counts, Counts]:
        """Least and most (TP, FP) that the prediction A > z can have, shape (2,) each."""
        least, most = (
            self.totals[np.searchsorted(scores, z, side="right")]
            for scores in (self.least, self.scores)
        )
        return least, most


AnyPixels = PixelScores | PixelCounts


def merged_pixels(parts: Iterable[Any]) -> Any:
    """Pixels of all parts, in the narrowest form that all of them have.

    Bins if some are in bins, with the same edges; rows if some are in rows.
    """
    several = list(parts)
    binned = [part for part in several if isinstance(part, PixelBins)]
    if binned:
        return PixelBins.merged(PixelBins.of(part, binned[0].edges) for part in several)
    if all(isinstance(part, PixelScores) for part in several):
        return PixelScores.merged(several)
    return PixelCounts.merged(part.rows() for part in several)
