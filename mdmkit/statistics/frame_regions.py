"""FrameRegions: the components of a frame's ground truth, labelled once for all who ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.labels import ANOMALOUS

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class FrameRegions:
    """Components of the ground truth by 8-connectivity, numbered in the order of their pixels.

    Attributes
    ----------
    pixels : ndarray of int64, shape (A,)
        Flat indices of the anomalous pixels, ascending.
    component : ndarray of int32, shape (A,)
        The component, from 0, of each.
    sizes : ndarray of int64, shape (K,)
        Pixels of each component.
    rows : ndarray of int64, shape (K,)
        Row of the lowest pixel of each, counted from the top of the image.
    """

    pixels: NDArray[np.int64]
    component: NDArray[np.int32]
    sizes: NDArray[np.int64]
    rows: NDArray[np.int64]

    @classmethod
    def of(cls, frame: Frame) -> FrameRegions:
        """Label a frame, once. O(P)."""
        known = frame.__dict__.get("regions_found")
        if known is None:
            known = frame.__dict__["regions_found"] = cls._labelled(frame)
        return known

    @classmethod
    def _labelled(cls, frame: Frame) -> FrameRegions:
        from mdmkit.statistics.kernels.labelling import label_components, name_anew

        height, width = frame.shape
        label = np.full((height + 2) * (width + 1) + 1, -1, np.int32)
        most = min(frame.anomalous_pixels, (height + 1) * (width + 1) // 2)
        parent, sizes = np.empty((2, most + 1), np.int32)
        names = label_components(frame.classes, label, parent, sizes)
        first = sizes[:names] > 0
        if names:
            name_anew(label, parent, (np.cumsum(first) - 1).astype(np.int32))
        pixels = np.flatnonzero(frame.classes == ANOMALOUS)
        rows = pixels // width
        component = label[pixels + rows + width + 2]  # a row above, a column more in each row
        lowest = np.zeros(np.count_nonzero(first), np.int64)
        lowest[component] = rows  # ascending: the last one stays
        return cls(pixels, component, sizes[:names][first].astype(np.int64), lowest)

    def __len__(self) -> int:
        return self.sizes.size
