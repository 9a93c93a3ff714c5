"""Levels: the valid pixels of a frame in descending order of score, grouped by equal score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.frames import as_unit

if TYPE_CHECKING:
    from mdmkit.frames import Frame


@dataclass(frozen=True, eq=False)
class Levels:
    """Pixels sorted by score.

    Attributes
    ----------
    order : ndarray of uint32 or int64, shape (P,)
        Flat indices of the P valid pixels, descending in score.
    last : ndarray of uint8, shape (P,)
        1 at the last pixel of each score, else 0.
    raw : ndarray, shape (H W,)
        The frame's scores, in their own dtype.
    """

    order: NDArray[Any]
    last: NDArray[np.uint8]
    raw: NDArray[Any]

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Shape (L,): pixels `order[ends[l - 1]:ends[l]]` have the score `scores[l]`."""
        return np.flatnonzero(self.last) + 1

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Distinct scores of valid pixels, strictly descending, shape (L,)."""
        return self.scores_at(self.ends - 1)

    def scores_at(self, positions: NDArray[Any]) -> NDArray[np.float64]:
        """Scores of the pixels at these places of `order`."""
        return as_unit(self.raw[self.order[positions]]) + 0.0  # -0.0 becomes 0.0

    @classmethod
    def of(cls, frame: Frame) -> Levels:
        """Sort a frame. O(P) for scores of up to 16 bits, O(P log P) for others."""
        raw = frame.scores.ravel()
        valid = frame.valid.ravel()
        if raw.size >= 2**32 or raw.dtype == np.float64 or (raw.dtype.kind in "u" and raw.itemsize > 2):
            return cls(*_sorted_indirectly(raw, valid), raw)
        from mdmkit.kernels import order

        bits = raw.view(f"u{raw.itemsize}")
        kind = order.FLOAT if raw.dtype.kind == "f" else order.COUNT
        if raw.itemsize == 4:  # sorting packed (key, index) pairs beats an indirect sort
            packed = order.pack(bits, valid)
            packed.sort()
            return cls(*order.unpack(packed), raw)
        return cls(*order.sort_by_counting(bits, valid, kind), raw)


def _sorted_indirectly(
    raw: NDArray[Any], valid: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Order of descending scores, and 1 at the last pixel of each."""
    index = np.flatnonzero(valid)
    if raw.size < 2**32:
        index = index.astype(np.uint32)
    key = -(as_unit(raw[index]) + 0.0)
    order = np.argsort(key, kind="stable")
    key = key[order]
    last = np.ones(key.size, np.uint8)
    last[:-1] = key[1:] != key[:-1]
    return index[order], last
