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

    Notes
    -----
    O(P) for scores of up to 16 bits (counted) and float32 (sorted by digits; 16 bytes a pixel
    while it lasts), O(P log P) for others.
    """

    scores: NDArray[np.float64]
    order: NDArray[Any]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, frame: Frame) -> Levels:
        """Sort a frame."""
        scores, valid = frame.scores.ravel(), frame.valid.ravel()
        if scores.dtype.itemsize <= 2:
            return _by_counting(scores, valid)
        if scores.dtype == np.float32 and scores.size < 2**31:
            return _by_digits(scores, valid)
        return _by_comparison(scores, valid)


def score_keys(scores: NDArray[Any]) -> NDArray[Any]:
    """Scores of up to 16 bits as unsigned integers, equal for equal bits."""
    return scores.view(np.uint8 if scores.dtype.itemsize == 1 else np.uint16)


def scores_of_keys(keys: NDArray[np.intp], dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """The scores, in float64, which have these `score_keys`; 0.0 for -0.0."""
    bits = keys.astype(np.uint8 if dtype.itemsize == 1 else np.uint16)
    return as_unit(bits.view(dtype)) + 0.0


def _index_type(size: int) -> type[np.signedinteger[Any]]:
    return np.int32 if size < 2**31 else np.int64


def _by_counting(scores: NDArray[Any], valid: NDArray[np.bool_]) -> Levels:
    from mdmkit.kernels.sorting import order_by_key

    keys = score_keys(scores)
    counts = np.bincount(keys[valid], minlength=1)
    present = np.flatnonzero(counts)
    values = scores_of_keys(present, scores.dtype)
    descending = np.argsort(-values, kind="stable")
    present, values = present[descending], values[descending]
    ends = np.cumsum(counts[present])
    starts = np.zeros(counts.size, np.int64)
    starts[present] = ends - counts[present]
    order = np.empty(int(ends[-1]) if ends.size else 0, _index_type(scores.size))
    order_by_key(keys, valid, starts, order)
    last = np.append(values[1:] != values[:-1], True)[: values.size]  # -0.0 and 0.0: one level
    return Levels(values[last], order, ends[last])


def _by_digits(scores: NDArray[np.float32], valid: NDArray[np.bool_]) -> Levels:
    from mdmkit.kernels.sorting import pack_descending, sort_records, unpack_levels

    records = np.empty(scores.size + 1, np.uint64)
    records = records[: pack_descending(scores.view(np.uint32), valid, records)]
    records = sort_records(records, np.empty_like(records))
    order = np.empty(records.size, np.int32)
    ends = np.empty(records.size, np.int64)
    levels = np.empty(records.size)
    n = unpack_levels(records, scores, order, ends, levels)
    return Levels(levels[:n], order, ends[:n])


def _by_comparison(scores: NDArray[Any], valid: NDArray[np.bool_]) -> Levels:
    index = np.flatnonzero(valid)
    unit = as_unit(scores[index])
    ascending = np.argsort(unit, kind="stable")
    order = index[ascending[::-1]].astype(_index_type(scores.size))
    unit = unit[ascending[::-1]]
    ends = np.flatnonzero(np.append(unit[1:] != unit[:-1], True)[: unit.size]) + 1
    return Levels(unit[ends - 1] + 0.0, order, ends)
