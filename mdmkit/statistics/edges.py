"""Bin edges: thresholds at which totals are exact."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError

#: Number of steps of the regular grid; a power of two, so that j / CELLS is exact.
CELLS = 65_536


#: Components are known at one of so many edges where a second pass can follow.
COARSER = 16


Edges = NDArray[np.float64]


def unit_edges(steps: int | None = None) -> Edges:
    """The thresholds 0, 1 / n, ..., 1 for n `steps`, a power of two (exact); 65,536 by default."""
    n = CELLS if steps is None else steps
    if n < 1 or n & (n - 1):
        raise InputError(f"steps: expected a power of two, found {n!r}")
    return np.arange(n + 1) / n


def line_edges() -> Edges:
    """Thresholds for scores of any range: those of `unit_edges`, beyond [0, 1] every float16.

    They are the same for all scores, so that what was counted on them always adds. Beyond float16
    follow the powers of two, up to 2^127.
    """
    return _line_edges(CELLS)


@lru_cache(maxsize=2)
def _line_edges(cells: int) -> Edges:
    bits = np.arange(np.finfo(np.float16).max.view(np.uint16) + 1, dtype=np.uint16)
    halves = bits.view(np.float16).astype(np.float64)[:: max(65_536 // cells, 1)]
    outer = np.append(halves[halves > 0], 2.0 ** np.arange(16, 128))
    edges = np.concatenate([-outer[::-1], unit_edges(cells), outer[outer > 1]])
    edges.flags.writeable = False
    return edges


def regular_steps(edges: Edges) -> int:
    """The n of `unit_edges(n)`, 0 for other edges."""
    n = edges.size - 1
    regular = n > 0 and n & (n - 1) == 0 and np.array_equal(edges, np.arange(n + 1) / n)
    return n if regular else 0


def with_edges(edges: Edges, more: Iterable[float]) -> Edges:
    """The same grid with further thresholds, at which totals are exact too."""
    return np.unique(np.concatenate([edges, np.asarray(list(more), np.float64)]))
