"""BinnedFrame: the pixels of a frame by the cells of a grid: counted and ordered, not sorted."""

from __future__ import annotations

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

#: Equal parts of the range of edges in which edges are looked up.
SLOTS = 65_536


@dataclass(frozen=True, eq=False)
class BinnedFrame:
    """Where each valid pixel lies on a grid.

    Attributes
    ----------
    frame : Frame
    edges : ndarray of float64, shape (m,)
        Thresholds, strictly ascending; see `mdmkit.statistics.binned_steps`.
    keys : ndarray of uint32, shape (H W,)
        Of valid pixels: 2 c in cell c, (edges[c - 1], edges[c]), and 2 c + 1 at edges[c].
    counts : ndarray of int64, shape (2 (m + 1), 2)
        Anomalous and normal pixels of each key.
    smallest, largest : float
        Scores of valid pixels; infinite where there are none.
    """

    frame: Frame
    edges: Edges
    keys: NDArray[np.uint32]
    counts: NDArray[np.int64]
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
            extremes = place_scores(
                scores, classes, edges, *_look_up(edges), regular_steps(edges), keys, packed
            )
        low_half = np.uint64(2**32 - 1)
        anomalous = (packed >> np.uint64(32)).astype(np.int64)
        normal = (packed & low_half).astype(np.int64) - anomalous
        counts = np.stack([anomalous, normal], axis=1)
        smallest, largest = (float(extreme) + 0.0 for extreme in extremes)  # -0.0 becomes 0.0
        return cls(frame, edges, keys, counts, smallest, largest)

    @cached_property
    def pixels(self) -> NDArray[np.int64]:
        """Valid pixels of each key."""
        return np.asarray(self.counts.sum(axis=1))


def _look_up(edges: Edges) -> tuple[NDArray[np.int64], float, float]:
    """Table of how many edges lie before each slot, and the map of scores to slots."""
    low = float(edges[0]) if edges.size else 0.0
    with np.errstate(over="ignore"):
        extent = float(edges[-1]) - low if edges.size else 0.0
        scale = SLOTS / extent if extent > 0 else 0.0
    if not 0 < scale * extent <= SLOTS + 1:  # too wide or too narrow for floats: bisect them all
        return np.array([0, edges.size], np.int64), low, 0.0
    slots = ((edges - low) * scale).astype(np.int64).clip(0, SLOTS)
    return np.searchsorted(slots, np.arange(SLOTS + 2), side="left").astype(np.int64), low, scale


def _keys(values: NDArray[np.float64], edges: Edges) -> NDArray[np.uint32]:
    """Keys of a few scores."""
    cells = np.searchsorted(edges, values, side="left")
    at_edge = np.append(edges, np.inf)[cells] == values
    return np.asarray(2 * cells + (at_edge & (cells < edges.size)), np.uint32)
