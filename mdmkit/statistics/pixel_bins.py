"""BinnedFrame: the pixels of a frame in bins of scores, counted and ordered, not sorted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.statistics.edges import regular_steps
from mdmkit.statistics.pixel_order import score_keys, scores_of_keys

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.statistics.edges import Edges


@dataclass(frozen=True, eq=False)
class BinnedFrame:
    """Holds the bin of each valid pixel of a frame.

    Attributes
    ----------
    frame : Frame
    edges : ndarray of float64, shape (m,)
        Bin edges, strictly ascending; see `mdmkit.statistics.binned_steps`.
    keys : ndarray of uint32, shape (H W,)
        Of valid pixels: 2 c inside bin c, (edges[c - 1], edges[c]), and 2 c + 1 at edges[c].
    packed : ndarray of uint64, shape (2 (m + 1),)
        Of each key the anomalous pixels in the high half, all valid ones in the low half.
    smallest, largest : float
        Scores of valid pixels; infinite where there are none.
    """

    frame: Frame
    edges: Edges
    keys: NDArray[np.uint32]
    packed: NDArray[np.uint64]
    smallest: float
    largest: float

    @classmethod
    def of(cls, frame: Frame, edges: Edges) -> BinnedFrame:
        """Place the pixels of a frame. O(P)."""
        from mdmkit.statistics.kernels.pixel_bins import place_keys, place_scores

        scores, classes = frame.scores.ravel(), frame.classes.ravel()
        keys = np.empty(scores.size, np.uint32)
        packed = np.zeros(2 * (edges.size + 1), np.uint64)
        if scores.dtype.itemsize <= 2:
            raw = score_keys(scores)
            met = np.flatnonzero(np.bincount(raw[frame.valid.ravel()], minlength=1))
            values = scores_of_keys(met, scores.dtype)
            key_of_raw = np.zeros(256**scores.dtype.itemsize, np.uint32)
            key_of_raw[met] = _keys(values, edges)
            place_keys(raw, classes, key_of_raw, keys, packed)
            extremes = (values.min(initial=np.inf), values.max(initial=-np.inf))
        else:
            if scores.dtype.kind == "u":
                scores = as_unit(scores)
            extremes = place_scores(scores, classes, *_look_up(edges), keys, packed)
        smallest, largest = (float(extreme) + 0.0 for extreme in extremes)  # -0.0 becomes 0.0
        return cls(frame, edges, keys, packed, smallest, largest)

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """Valid pixels of each key, shape (2 (m + 1),)."""
        return np.asarray((self.packed & np.uint64(2**32 - 1)).view(np.int64))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Anomalous and normal pixels of each key, shape (2 (m + 1), 2)."""
        anomalous = (self.packed >> np.uint64(32)).view(np.int64)
        return np.stack([anomalous, self.pixels - anomalous], axis=1)


def _look_up(edges: Edges) -> tuple[Edges, NDArray[np.int32], int]:
    """Edges and infinity, how many lie in the slots before each, and regular steps or 0.

    The latest answers are kept: the same edges come with each frame.
    """
    from mdmkit.statistics.kernels.pixel_bins import SLOTS, count_slots

    for padded, table, steps in tuple(_LOOK_UPS):  # another thread may add one
        if np.array_equal(padded[:-1], edges):
            return padded, table, steps
    steps, padded = regular_steps(edges), np.append(edges, np.inf)
    table = np.zeros(1 if steps else SLOTS + 1, np.int32)
    if not steps:
        count_slots(padded, table)
        np.cumsum(table, out=table)
    _LOOK_UPS.append((padded, table, steps))
    return padded, table, steps


_LOOK_UPS: deque[tuple[Edges, NDArray[np.int32], int]] = deque(maxlen=4)


def _keys(values: NDArray[np.float64], edges: Edges) -> NDArray[np.uint32]:
    """Keys of a few scores."""
    bins = np.searchsorted(edges, values, side="left")
    at_edge = np.append(edges, np.inf)[bins] == values
    return np.asarray(2 * bins + (at_edge & (bins < edges.size)), np.uint32)
