"""Totals at bin edges, with rigorous bounds within each bin: counts of bounded size.

An edge is a threshold; bin c has the predictions A > z for z in [edges[c - 1], edges[c]), bin 0
those below all edges, the last bin those above. Totals are exact at the lower end of each bin; how
far they may dip and rise within it is kept beside them, as sums over frames. A bin is resolved by
looking at its pixels again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.statistics.edges import Edges
from mdmkit.statistics.merging import Joined, Merging
from mdmkit.statistics.steps import RatioSteps, Steps

S = TypeVar("S", bound=Steps)
G = TypeVar("G", bound="BinnedSteps")


def spread(steps: Steps, edges: Edges) -> Steps:
    """Compute how far totals dip below, and rise above, those at the lower end of each bin.

    Returns
    -------
    Steps
        Only bins with scores strictly inside, each under its upper edge (infinite in the last
        one); columns are those of `bound_columns`, twice. Sums over frames bound the sum.
    """
    places = np.searchsorted(edges, steps.scores, side="left")
    upper = np.append(edges, np.inf)[places]
    inside = np.flatnonzero(upper != steps.scores)
    bins, starts, counts = np.unique(places[inside], return_index=True, return_counts=True)
    first = inside[starts]
    low, high = steps.bound_columns(steps.totals)
    if bins.size == 0:
        return Steps.empty(2 * low.shape[1])
    dips = high[first] - _over_rows(np.minimum, low, first, first + counts)
    rises = _over_rows(np.maximum, high, first, first + counts) - low[first]
    return Steps(upper[first], np.hstack([dips, rises]))


@dataclass(frozen=True, eq=False)
class BinnedSteps(Merging):
    """Holds `Steps` at bin edges, with bounds within bins; merges exactly.

    Attributes
    ----------
    totals : ndarray of int64, shape (m + 1, k)
        Exact totals at the lower end of each bin; row 0 is everything.
    dips, rises : ndarray of int64, shape (m + 1, b)
        How far `Steps.bound_columns` may lie below and above those at the lower end, for all
        thresholds of the bin.
    smallest, largest : float
        Scores that occur; infinite where none does.
    """

    totals: NDArray[np.int64]
    dips: NDArray[np.int64]
    rises: NDArray[np.int64]
    smallest: float
    largest: float
    #: The exact kind of steps.
    kind: ClassVar[type[Steps]] = Steps

    @classmethod
    def of(cls: type[G], steps: Steps, edges: Edges, spreads: Steps | None = None) -> G:
        """Reduce exact steps. O(n + m).

        `spreads` are the sum of the frames' `spread`, without which totals that rise and fall
        are taken for those of one frame.
        """
        known = spread(steps, edges) if spreads is None else spreads
        first = np.append(0, np.searchsorted(steps.scores, edges, side="right"))
        spread_of_bins = np.zeros((edges.size + 1, known.changes.shape[1]), np.int64)
        spread_of_bins[np.searchsorted(edges, known.scores, side="left")] = known.changes
        dips, rises = np.split(spread_of_bins, 2, axis=1)
        some = steps.scores.size > 0
        return cls(
            steps.totals[first],
            np.ascontiguousarray(dips),
            np.ascontiguousarray(rises),
            float(steps.scores[0]) if some else np.inf,
            float(steps.scores[-1]) if some else -np.inf,
        )

    joined: ClassVar[Joined] = {"smallest": min, "largest": max}

    @cached_property
    def low(self) -> NDArray[np.int64]:
        """Lower bounds of `bound_columns` for all thresholds of each bin, shape (m + 1, b)."""
        return np.asarray(np.maximum(self.kind.bound_columns(self.totals)[0] - self.dips, 0))

    @cached_property
    def high(self) -> NDArray[np.int64]:
        """Upper bounds, shape (m + 1, b)."""
        return np.asarray(self.kind.bound_columns(self.totals)[1] + self.rises)

    def as_steps(self, edges: Edges, resolved: Steps | None) -> Steps:
        """Steps with every edge as a score: those of scores moved up to the next edge.

        `resolved` holds exact changes at the scores inside resolved bins, which stay in place. The
        smallest and the largest score stay as they are, so that the range of scores does.
        """
        if resolved is None or not resolved.scores.size:
            return self.kind.at_edges(edges, self.totals, self.smallest, self.largest)
        none = np.zeros((1, self.totals.shape[1]), np.int64)
        scores = np.clip(np.concatenate([[-np.inf], edges, [np.inf]]), self.smallest, self.largest)
        changes = -np.diff(self.totals, axis=0, prepend=self.totals[:1], append=none)
        places = np.searchsorted(edges, resolved.scores, side="left")
        taken = np.zeros_like(changes)
        np.add.at(taken, places + 1, resolved.changes)
        scores = np.concatenate([scores, resolved.scores])
        return self.kind.from_unsorted(scores, np.concatenate([changes - taken, resolved.changes]))


class BinnedRatios(BinnedSteps):
    """Holds `RatioSteps` at bin edges; sums are bounded in units of 2^-34."""

    kind: ClassVar[type[Steps]] = RatioSteps


def _over_rows(
    function: np.ufunc, rows: NDArray[np.int64], first: NDArray[np.intp], last: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Minimum or maximum of rows first..last (included), for places in ascending order."""
    padded = np.concatenate([rows, rows[-1:]])
    places = np.stack([first, last + 1], axis=1).ravel()
    return np.asarray(function.reduceat(padded, places, axis=0)[::2])


def inside_bins(steps: S, edges: Edges, bins: NDArray[np.bool_]) -> S:
    """The changes at scores inside some bins, edges left out."""
    places = np.searchsorted(edges, steps.scores, side="left")
    inside = bins[places] & ~np.isin(steps.scores, edges)
    return type(steps)(steps.scores[inside], steps.changes[inside])
