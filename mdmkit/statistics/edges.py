"""Bin edges: thresholds at which totals are exact."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_that

#: Number of regular bins of [0, 1]; a power of two, so that j / UNIT_BINS is exact.
UNIT_BINS = 65_536


#: Components are known at one of so many edges where a second pass can follow.
COARSER = 16


Edges = NDArray[np.float64]


def unit_edges(steps: int | None = None) -> Edges:
    """The thresholds 0, 1 / n, ..., 1 for n `steps`, a power of two (exact); 65,536 by default."""
    n = UNIT_BINS if steps is None else steps
    check_that(n >= 1 and not n & (n - 1), "a power of two", n, "steps")
    return np.arange(n + 1) / n


def regular_steps(edges: Edges) -> int:
    """The n of `unit_edges(n)`, 0 for other edges."""
    n = edges.size - 1
    regular = n > 0 and n & (n - 1) == 0 and np.array_equal(edges, np.arange(n + 1) / n)
    return n if regular else 0


def with_edges(edges: Edges, more: Iterable[float]) -> Edges:
    """Add thresholds to bin edges, so that totals are exact at them, too."""
    return np.unique(np.concatenate([edges, np.asarray(list(more), np.float64)]))


_REGULAR = 2**15  # equal steps between 1/16 and 15/16
_NEAR = 2.0**-4
_DEEPEST, _FINEST = 149, 24  # octaves of float32 below 1, and of 1 minus a float32


def _octaves(depths: range) -> Edges:
    """Edges from 2^-depth to twice that, as many as float32 has or 2^11, 2^10, ..., 2^8.

    A power of the scores multiplies depths: with so many in each octave, no power gets wider bins.
    """
    count = {d: 2 ** (11 if d < 16 else 10 if d < 32 else 9 if d < 64 else 8) for d in depths}
    edges = np.concatenate([2.0**-d * (1 + np.arange(n) / n) for d, n in count.items()])
    return np.sort(edges[edges == edges.astype(np.float32)])


@lru_cache(maxsize=1)
def fixed_edges() -> Edges:
    """Thresholds for scores of any range, the same for all, so that counts on them always add.

    On [0, 1] 124,673: equal steps in the middle, and towards either end steps that shrink with the
    distance to it. Outside, every float16, and the powers of two beyond. All are float32.
    """
    low = _octaves(range(5, _DEEPEST + 1))
    mirrored = 1 - _octaves(range(5, _FINEST + 1))[::-1]
    mirrored = mirrored[mirrored == mirrored.astype(np.float32)]
    middle = np.arange(_REGULAR * _NEAR, _REGULAR * (1 - _NEAR) + 1) / _REGULAR
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    outer = np.append(halves[1:], 2.0 ** np.arange(16, 128))
    parts = [-outer[::-1], [0.0], low, middle, mirrored, [1.0], outer[outer > 1]]
    edges = np.unique(np.concatenate(parts))
    edges.flags.writeable = False
    return edges


@lru_cache(maxsize=4)
def component_edges(parts: int = 1) -> Edges:
    """Thresholds for components, the same for all scores: some of the fixed edges.

    `parts` as many lie between any two of `component_edges()`.
    """
    every = 32 // parts
    fixed = fixed_edges()
    edges = np.union1d(fixed[::every], unit_edges(4096 * parts))
    edges.flags.writeable = False
    return edges


def united(intervals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Closed intervals that cover the same scores, ascending and with scores between, (k, 2)."""
    if len(intervals) == 0:
        return intervals
    lows, highs = intervals[np.argsort(intervals[:, 0], kind="stable")].T
    highs = np.maximum.accumulate(highs)
    begins = np.append(True, lows[1:] > np.nextafter(highs[:-1], np.inf))
    ends = np.append(begins[1:], True)
    return np.stack([lows[begins], highs[ends]], axis=1)


def meeting(
    least: NDArray[np.float64], greatest: NDArray[np.float64], intervals: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Which ranges, from least to greatest score, share scores with closed intervals, (k, 2)."""
    lows, highs = united(intervals).T
    place = np.searchsorted(lows, greatest, side="right")
    return np.asarray(least <= np.append(-np.inf, highs)[place])


def bins_meeting(edges: Edges, intervals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Bins (edges[c - 1], edges[c]] that share scores with closed intervals, shape (m + 1,)."""
    least, greatest = scores_of_bins(edges, np.arange(edges.size + 1)).T
    return meeting(least, greatest, intervals)


def scores_of_bins(edges: Edges, bins: NDArray[np.intp]) -> NDArray[np.float64]:
    """The scores that bins hold, as closed intervals, shape (k, 2)."""
    ends = np.concatenate([[-np.inf], edges, [np.inf]])
    return np.stack([np.nextafter(ends[bins], np.inf), ends[bins + 1]], axis=1)
