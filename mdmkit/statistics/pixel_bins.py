"""BinnedFrame: the pixels of a frame in bins of scores, counted and ordered, not sorted."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.statistics.edges import Edges, regular_steps
from mdmkit.statistics.pixel_order import met_scores, score_keys
from mdmkit.statistics.score_keys import floor_floats
from mdmkit.statistics.scratch import scratch

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


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
    """

    frame: Frame
    edges: Edges
    keys: NDArray[np.uint32]
    _met: tuple[float, float] | None = None  # the extremes, where placing came by them

    @classmethod
    def of(cls, frame: Frame, edges: Edges) -> BinnedFrame:
        """Place the pixels of a frame. O(P)."""
        from mdmkit.statistics.kernels.pixel_bins import (
            place_among,
            place_keys,
            place_regularly,
            place_scores,
        )

        extremes: tuple[float, float] | None = None
        scores, classes = frame.scores.ravel(), frame.classes.ravel()
        keys = np.empty(scores.size, np.uint32)
        if scores.dtype.itemsize <= 2:
            met, values = met_scores(frame)
            key_of_raw = np.zeros(256**scores.dtype.itemsize, np.uint32)
            key_of_raw[met] = _keys(values, edges)
            place_keys(score_keys(scores), classes, key_of_raw, keys)
            extremes = (values.min(initial=np.inf), values.max(initial=-np.inf))
        else:
            if scores.dtype.kind == "u":
                scores = as_unit(scores)
            if edges.size <= FEW:
                at, above = -floor_floats(-edges, scores.dtype), floor_floats(edges, scores.dtype)
                place_among(scores, at, above, keys)
            elif steps := regular_steps(edges):
                extremes = place_regularly(scores, classes, steps, keys)
            else:
                extremes = place_scores(scores, classes, *_look_up(edges), keys)
        return cls(frame, edges, keys, extremes)

    @cached_property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest score of valid pixels; infinite where there are none."""
        met = self._met
        if met is None:
            scores = self.frame.unit_scores(np.flatnonzero(self.frame.valid))
            met = scores.min(initial=np.inf), scores.max(initial=-np.inf)
        return float(met[0]) + 0.0, float(met[1]) + 0.0  # -0.0 becomes 0.0

    def within(self, wanted: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Flat indices of valid pixels whose keys are wanted, ascending. O(P)."""
        from mdmkit.statistics.kernels.pixel_bins import find_keys

        places = scratch("places", self.keys.size, np.int64)
        found = find_keys(self.keys, self.frame.classes.ravel(), wanted, places)
        return np.array(places[:found])

    @cached_property
    def packed(self) -> NDArray[np.uint64]:
        """Of each key anomalous pixels in the high half, all valid ones in the low half. O(P)."""
        from mdmkit.statistics.kernels.pixel_bins import count_keys

        packed = np.zeros(2 * (self.edges.size + 1), np.uint64)
        count_keys(self.keys, self.frame.classes.ravel(), packed)
        return packed

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """Valid pixels of each key, shape (2 (m + 1),)."""
        return np.asarray((self.packed & np.uint64(2**32 - 1)).view(np.int64))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Anomalous and normal pixels of each key, shape (2 (m + 1), 2)."""
        anomalous = (self.packed >> np.uint64(32)).view(np.int64)
        return np.stack([anomalous, self.pixels - anomalous], axis=1)


#: Edges to each of which every score is compared.
FEW = 24
LookUp = tuple[Edges, int, NDArray[np.int32]]


def _look_up(edges: Edges) -> LookUp:
    """Edges and infinity, the first slot of a table, and the table.

    The latest answers are kept: the same edges come with each frame.
    """
    from mdmkit.statistics.kernels.pixel_bins import fill_table, slot_of

    for known in tuple(_LOOK_UPS):  # another thread may add one
        if np.array_equal(known[0][:-1], edges):
            return known
    ends = [slot_of(edge) for edge in edges[[0, -1]]] if edges.size else [0, 0]
    first = ends[0] - 1  # a slot without edges stands on either side
    table = np.zeros(ends[1] + 2 - first, np.int32)
    padded = np.append(edges, np.inf)
    fill_table(padded, first, table)
    made = padded, first, table
    _LOOK_UPS.append(made)
    return made


_LOOK_UPS: deque[LookUp] = deque(maxlen=4)


def _keys(values: NDArray[np.float64], edges: Edges) -> NDArray[np.uint32]:
    """Keys of a few scores."""
    bins = np.searchsorted(edges, values, side="left")
    at_edge = np.append(edges, np.inf)[bins] == values
    return np.asarray(2 * bins + (at_edge & (bins < edges.size)), np.uint32)
