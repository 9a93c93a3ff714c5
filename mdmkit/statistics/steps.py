"""Steps: integer totals as step functions of the threshold, the statistic behind every metric."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.exact_sums import LIMBS, floor_units
from mdmkit.core.named_arrays import AsArrays
from mdmkit.statistics.edges import Edges

Rescale = Callable[[NDArray[np.float64]], NDArray[np.float64]]
S = TypeVar("S", bound="Steps")


@dataclass(frozen=True, eq=False)
class Steps(AsArrays):
    """Totals over the prediction A > z, known for every z by their changes at the scores.

    Attributes
    ----------
    scores : ndarray of float64, shape (n,)
        Distinct scores at which a total changes, strictly ascending.
    changes : ndarray of int64, shape (n, k)
        What each of k totals gains when the pixels of that score join the prediction.

    Notes
    -----
    Everything is an integer, so merging is exact in any order, and strictly a function of the
    multiset of what was merged.
    """

    scores: NDArray[np.float64]
    changes: NDArray[np.int64]

    @classmethod
    def empty(cls: type[S], columns: int) -> S:
        """No changes at all."""
        return cls(np.empty(0), np.empty((0, columns), np.int64))

    @classmethod
    def from_totals(cls: type[S], scores: NDArray[np.float64], totals: NDArray[np.int64]) -> S:
        """Make steps from totals (n, k) of the predictions A >= scores, which descend strictly."""
        changes = np.diff(totals, axis=0, prepend=np.zeros((1, totals.shape[1]), np.int64))
        kept = changes.any(axis=1)
        return cls(scores[kept][::-1].copy(), changes[kept][::-1].copy())

    @classmethod
    def summed(cls: type[S], scores: NDArray[np.float64], totals: NDArray[np.int64]) -> S:
        """Make steps of what `totals` will be; their changes are computed once they are asked for.

        Parameters
        ----------
        scores : ndarray of float64, shape (n,)
        totals : ndarray of int64, shape (n + 1, k)
        """
        steps = object.__new__(cls)
        vars(steps).update(scores=scores, totals=totals)
        return steps

    if not TYPE_CHECKING:  # else every name would pass for an attribute

        def __getattr__(self, name: str) -> NDArray[np.int64]:
            if name != "changes" or "totals" not in vars(self):
                raise AttributeError(name)
            changes = self.totals[:-1] - self.totals[1:]
            vars(self)["changes"] = changes
            return changes

    @classmethod
    def at_edges(
        cls: type[S],
        edges: Edges,
        totals: NDArray[np.int64],
        smallest: float,
        largest: float,
    ) -> S:
        """Make steps at the smallest score, the edges between it and the largest, and the largest.

        Parameters
        ----------
        edges : ndarray of float64, shape (m,)
        totals : ndarray of int64, shape (m + 1, k)
            Of everything, then of the predictions A > z at each edge.
        smallest, largest : float
            Scores that occur.
        """
        if not smallest < largest:
            nothing = np.zeros((1, totals.shape[1]), np.int64)
            return cls.summed(np.array([largest]), np.concatenate([totals[:1], nothing]))
        first = int(np.searchsorted(edges, smallest, side="right"))
        last = int(np.searchsorted(edges, largest, side="left"))
        scores = np.concatenate([[smallest], edges[first:last], [largest]])
        if first == 0 or last == edges.size:  # else the rows beside them are these two
            nothing = np.zeros((1, totals.shape[1]), np.int64)
            known = np.concatenate([totals[:1], totals[first : last + 1], nothing])
            return cls.summed(scores, known)
        return cls.summed(scores, totals[first - 1 : last + 2])

    @cached_property
    def totals(self) -> NDArray[np.int64]:
        """Shape (n + 1, k): row i belongs to the prediction A >= scores[i]; row n is empty."""
        rows = np.zeros((self.scores.size + 1, self.changes.shape[1]), np.int64)
        if rows.shape[1] > 2:
            np.cumsum(self.changes[::-1], axis=0, out=rows[-2::-1])
        else:  # of two columns, each alone is several times faster
            for column in range(rows.shape[1]):
                np.cumsum(self.changes[::-1, column], out=rows[-2::-1, column])
        return rows

    def above(self, z: float) -> NDArray[np.int64]:
        """Totals of the prediction A > z, shape (k,)."""
        return np.asarray(self.totals[np.searchsorted(self.scores, z, side="right")])

    def from_score(self, score: float) -> NDArray[np.int64]:
        """Totals of the prediction A >= score, shape (k,)."""
        return np.asarray(self.totals[np.searchsorted(self.scores, score, side="left")])

    def on_unit(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Breakpoints 0 = b_0 < b_1 < ... and the totals (m, k) on each [b_i, b_i+1)."""
        first = int(np.searchsorted(self.scores, 0.0, side="right"))
        return np.concatenate([[0.0], self.scores[first:]]), self.totals[first:]

    @staticmethod
    def bound_columns(totals: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns (n, b) that bound the totals from below and from above, each alone."""
        return totals, totals

    def rescaled(self: S, rescale: Rescale) -> S:
        """Map the scores, keeping their order; scores that become equal join."""
        scores = rescale(self.scores)
        if not (scores[1:] > scores[:-1]).all():
            return type(self).from_unsorted(scores, self.changes)
        return type(self).summed(scores, self.totals)

    @classmethod
    def from_unsorted(cls: type[S], scores: NDArray[np.float64], changes: NDArray[np.int64]) -> S:
        """Make steps from scores in any order, some of them equal."""
        order = np.argsort(scores, kind="stable")  # quick where they are sorted already
        scores = scores[order]
        starts = np.flatnonzero(np.append(True, scores[1:] != scores[:-1])[: scores.size])
        if starts.size == 0:
            return cls(scores, changes)
        return cls(scores[starts], np.add.reduceat(changes[order], starts, axis=0))

    @classmethod
    def merged(cls: type[S], parts: Iterable[S]) -> S:
        """Sum of several, in any order with the same result. O(n) for each of log k rounds."""
        several = list(parts)
        while len(several) > 1:
            several.sort(key=lambda part: part.scores.size, reverse=True)
            several.append(_merge_two(several.pop(), several.pop()))
        return several[0]


def _merge_two(a: S, b: S) -> S:
    from mdmkit.statistics.kernels.merging import merge_steps

    scores = np.empty(a.scores.size + b.scores.size)
    changes = np.empty((scores.size, a.changes.shape[1]), np.int64)
    runs = (a.scores, np.ascontiguousarray(a.changes), b.scores, np.ascontiguousarray(b.changes))
    n = merge_steps(*runs, scores, changes)
    return type(a)(scores[:n], changes[:n])


class RatioSteps(Steps):
    """Steps whose first three totals are the limbs of a sum of ratios (see `exact_sums`)."""

    @staticmethod
    def bound_columns(totals: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The sum in `UNITS`, rounded down and up, then the other totals."""
        units, others = floor_units(totals[:, :LIMBS])[:, None], totals[:, LIMBS:]
        return np.hstack([units, others]), np.hstack([units + 1, others])
