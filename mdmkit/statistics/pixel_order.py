"""PixelOrder: the valid pixels of a frame in descending order of score, grouped by equal score."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.core.types import Array
from mdmkit.statistics.score_keys import Keys, keys_of, sorted_keys

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class PixelOrder:
    """Pixels sorted by score.

    Attributes
    ----------
    order : ndarray of uint32, shape (P,)
        Flat indices of the P valid pixels, descending in score.
    last : ndarray of uint8, shape (P,)
        1 at the last pixel of each score, else 0.
    raw : ndarray, shape (H W,)
        The frame's scores, in their own dtype.

    Notes
    -----
    O(P) for scores of up to 32 bits (sorted by digits; 20 bytes per pixel while it lasts),
    O(P log P) for others.
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
        order, keys = descending(keys_of(raw, valid))
        ignored = raw.size - np.count_nonzero(valid)  # which have the largest key
        order, keys = order[ignored:], keys[ignored:]
        last = np.append(keys[1:] != keys[:-1], True)[: keys.size]
        return cls(order, last.view(np.uint8), raw)


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


def descending(keys: Keys) -> tuple[NDArray[np.uint32], Keys]:
    """Places of keys in descending order, of equal ones in their own, and the keys there."""
    if keys.itemsize > 4:
        order = np.argsort(~keys, kind="stable").astype(np.uint32)
        return order, keys[order]
    half = np.uint64(32)
    records = (~keys.astype(np.uint64) << half) | np.arange(keys.size, dtype=np.uint64)
    records = sorted_keys(records, first_bit=32)
    return records.astype(np.uint32), (~records >> half).astype(keys.dtype)
