"""PixelOrder: the valid pixels of a frame in descending order of score, grouped by equal score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.core.types import Array

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class PixelOrder:
    """Pixels sorted by score.

    Attributes
    ----------
    order : ndarray of uint32 or int64, shape (P,)
        Flat indices of the P valid pixels, descending in score.
    last : ndarray of uint8, shape (P,)
        1 at the last pixel of each score, else 0.
    raw : ndarray, shape (H W,)
        The frame's scores, in their own dtype.

    Notes
    -----
    O(P) for float32 (sorted by digits; 16 bytes per pixel while it lasts), O(P log P) for others.
    """

    order: Array
    last: NDArray[np.uint8]
    raw: Array

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Shape (L,): pixels `order[ends[l - 1]:ends[l]]` have the score `scores[l]`."""
        return np.flatnonzero(self.last) + 1

    @cached_property
    def scores(self) -> NDArray[np.float64]:
        """Distinct scores of valid pixels, strictly descending, shape (L,)."""
        return self.scores_at(self.ends - 1)

    def scores_at(self, places: Array) -> NDArray[np.float64]:
        """Scores of the pixels at these places of `order`."""
        return np.asarray(as_unit(self.raw[self.order[places]]) + 0.0)  # -0.0 becomes 0.0

    @classmethod
    def of(cls, frame: Frame) -> PixelOrder:
        """Sort a frame."""
        raw, valid = frame.scores.ravel(), frame.valid.ravel()
        if raw.dtype == np.float32 and raw.size < 2**32:
            return cls(*_by_digits(raw, valid), raw)
        return cls(*_by_comparison(raw, valid), raw)


def pixel_order(frame: Frame) -> PixelOrder:
    """Order the pixels of a frame: sorted once, and kept with the frame for every sweep."""
    kept = frame.__dict__.get("pixel_order")
    if kept is None:
        kept = frame.__dict__["pixel_order"] = PixelOrder.of(frame)
    return kept


def score_keys(scores: Array) -> Array:
    """Scores of up to 16 bits as unsigned integers, equal for equal bits."""
    return scores.view(np.uint8 if scores.dtype.itemsize == 1 else np.uint16)


def scores_of_keys(keys: NDArray[np.intp], dtype: np.dtype[Any]) -> NDArray[np.float64]:
    """The scores, in float64, which have these `score_keys`; 0.0 for -0.0."""
    bits = keys.astype(np.uint8 if dtype.itemsize == 1 else np.uint16)
    return as_unit(bits.view(dtype)) + 0.0


def met_scores(frame: Frame) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The `score_keys` of valid pixels, ascending, and their scores; of up to 16 bits. O(P)."""
    from mdmkit.statistics.kernels.pixel_bins import mark_keys

    met = np.zeros(256**frame.scores.dtype.itemsize, np.bool_)
    mark_keys(score_keys(frame.scores.ravel()), frame.classes.ravel(), met)
    keys = np.flatnonzero(met)
    return keys, scores_of_keys(keys, frame.scores.dtype)


def _index_type(size: int) -> type[np.integer[Any]]:
    return np.uint32 if size < 2**32 else np.int64


def _by_digits(
    scores: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[Array, NDArray[np.uint8]]:
    from mdmkit.statistics.kernels.sorting import pack_descending, sort_records, unpack_records

    records = np.empty(scores.size + 1, np.uint64)
    records = records[: pack_descending(scores.view(np.uint32), valid, records)]
    records = sort_records(records, np.empty_like(records))
    order, last = np.empty(records.size, np.uint32), np.ones(records.size, np.uint8)
    unpack_records(records, order, last)
    return order, last


def _by_comparison(scores: Array, valid: NDArray[np.bool_]) -> tuple[Array, NDArray[np.uint8]]:
    index = np.flatnonzero(valid)
    key = -(as_unit(scores[index]) + 0.0)
    descending = np.argsort(key, kind="stable")
    key = key[descending]
    last = np.ones(key.size, np.uint8)
    last[:-1] = key[1:] != key[:-1]
    return index[descending].astype(_index_type(scores.size)), last
