"""Levels: the valid pixels of a frame in descending order of score, grouped by equal score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.frames import as_unit

if TYPE_CHECKING:
    from mdmkit.frames import Frame


@dataclass(frozen=True)
class Levels:
    """Pixels sorted by score.

    Attributes
    ----------
    scores : ndarray of float64, shape (L,)
        Distinct scores of valid pixels, strictly descending.
    order : ndarray of int32 or int64, shape (P,)
        Flat indices of the P valid pixels, descending in score.
    ends : ndarray of int64, shape (L,)
        Pixels `order[ends[l - 1]:ends[l]]` have the score `scores[l]`.
    """

    scores: NDArray[np.float64]
    order: NDArray[Any]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, frame: Frame) -> Levels:
        """Sort a frame. O(P) for scores of up to 16 bits, O(P log P) for others."""
        index = np.flatnonzero(frame.valid).astype(
            np.int32 if frame.scores.size < 2**31 else np.int64
        )
        scores = frame.scores.ravel()[index]
        order, starts = _sort_descending(scores)
        index = index[order]
        ends = np.append(starts[1:], index.size).astype(np.int64)
        if index.size == 0:
            return cls(np.empty(0), index, np.empty(0, np.int64))
        return cls(as_unit(scores[order[starts]]) + 0.0, index, ends)


def _sort_descending(scores: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Order of descending scores, and the places in it where a new score starts."""
    key = _descending_key(scores)
    if key.dtype == np.uint32:  # sorting packed (key, index) pairs beats an indirect sort
        packed = key.astype(np.uint64) << np.uint64(32)
        packed |= np.arange(key.size, dtype=np.uint64)
        packed.sort()
        order = packed.astype(np.uint32)  # the low halves
        packed >>= np.uint64(32)
        sorted_key: NDArray[Any] = packed
    else:
        order = np.argsort(key, kind="stable")  # a radix sort where the key has 16 bits
        sorted_key = key[order]
    new = np.ones(key.size, bool)
    new[1:] = sorted_key[1:] != sorted_key[:-1]
    return order, np.flatnonzero(new)


def _descending_key(scores: NDArray[Any]) -> NDArray[Any]:
    """Keys that ascend as scores descend, equal for equal scores (-0.0 equals 0.0)."""
    if scores.dtype.kind in "bu" and scores.dtype.itemsize <= 2:
        return ~scores.astype(np.uint16)
    if scores.dtype.kind == "f" and scores.dtype.itemsize <= 4:
        bits = (scores + scores.dtype.type(0)).view(f"u{scores.dtype.itemsize}")
        sign = bits.dtype.type(1 << (8 * bits.dtype.itemsize - 1))
        # IEEE floats of one sign are ordered like their bits; negative ones run backwards
        return np.asarray(np.where(bits & sign, bits, ~(bits | sign)))
    return -(as_unit(scores) + 0.0)
