"""FrameRegions: the components of a frame's ground truth, labelled once for all who ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.labels import ANOMALOUS

if TYPE_CHECKING:
    from mdmkit.core.component_sizes import TargetChoice
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class FrameRegions:
    """Components of the ground truth by 8-connectivity, numbered in the order of their pixels.

    Attributes
    ----------
    runs : ndarray of int32, shape (N, 3)
        Runs of anomalous pixels in rows: first flat index, the one behind the last, component
        from 0.
    sizes : ndarray of int64, shape (K,)
        Pixels of each component.
    rows : ndarray of int64, shape (K,)
        Row of the lowest pixel of each, counted from the top of the image.
    """

    runs: NDArray[np.int32]
    sizes: NDArray[np.int64]
    rows: NDArray[np.int64]

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Flat indices of the anomalous pixels, ascending, shape (A,)."""
        starts, lengths = self.runs[:, 0].astype(np.int64), self._lengths
        before = np.cumsum(lengths) - lengths
        return np.asarray(np.arange(lengths.sum()) + np.repeat(starts - before, lengths))

    @property
    def component(self) -> NDArray[np.int32]:
        """Component of each anomalous pixel, shape (A,)."""
        return np.asarray(np.repeat(self.runs[:, 2], self._lengths))

    @property
    def _lengths(self) -> NDArray[np.int64]:
        return np.asarray(self.runs[:, 1].astype(np.int64) - self.runs[:, 0])

    @classmethod
    def of(cls, frame: Frame) -> FrameRegions:
        """Label a frame, once. O(P)."""
        known = frame.__dict__.get("regions_found")
        if known is None:
            known = frame.__dict__["regions_found"] = cls._labelled(frame)
        return known

    @classmethod
    def _labelled(cls, frame: Frame) -> FrameRegions:
        from mdmkit.statistics.kernels.labelling import count_runs, label_runs, name_anew

        labels, code = _coded(frame)
        in_row = np.empty(frame.shape[0], np.int32)
        count = count_runs(labels, code, in_row)
        runs = np.empty((count, 3), np.int32)
        parent, sizes = np.empty((2, count), np.int32)
        names = label_runs(labels, code, in_row, runs, parent, sizes)
        first = sizes[:names] > 0
        if names:
            name_anew(runs, parent, (np.cumsum(first) - 1).astype(np.int32))
        lowest = np.zeros(np.count_nonzero(first), np.int64)
        lowest[runs[:, 2]] = runs[:, 0] // frame.shape[1]  # ascending: the last one stays
        return cls(runs, sizes[:names][first].astype(np.int64), lowest)

    def kept(self, frame: Frame, min_target: int, within: TargetChoice | None) -> NDArray[np.bool_]:
        """Components of at least so many pixels, and of those chosen, shape (K,)."""
        large = self.sizes >= min_target
        return large if within is None else large & within.keeps(frame)

    def __len__(self) -> int:
        return self.sizes.size


def _coded(frame: Frame) -> tuple[NDArray[np.uint8], np.uint8]:
    """Labels (H, W) with the one code of anomalous pixels; classes where there are several."""
    labels, table = frame.flat_labels()
    codes = np.flatnonzero(table == ANOMALOUS).astype(np.uint8)
    if codes.size != 1:
        return frame.classes, np.uint8(ANOMALOUS)
    return labels.reshape(frame.shape), codes[0]
