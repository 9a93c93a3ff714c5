"""Borders of predictions and of the ground truth at all thresholds.

A grey erosion commutes with a threshold: the pixels of the prediction A > z that an erosion takes
away are those with E <= z < A, E being the minimum of the scores over the window. Each pixel thus
lies at the border of the prediction for the thresholds of one interval, and what is counted of
borders at all thresholds follows from the ends of intervals.

Outside the image nothing is predicted and nothing anomalous, so that an object which the image
cuts has a border there. Ignored pixels take the side of both: a border against them belongs to
nobody, and they are in no count.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_share, check_that
from mdmkit.core.labels import ANOMALOUS, IGNORED
from mdmkit.statistics.score_keys import Keys, key_source, keys_of
from mdmkit.statistics.stepped_counts import CountedStatistic, IntervalCounts

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: Largest tolerance of `BorderMatch`: 3,209 places round each border pixel of the ground truth.
MOST_TOLERANCE = 32
#: Share of the diagonal, as in the reference code of Boundary IoU.
DILATION_RATIO = 0.02


@dataclass(frozen=True)
class BandOverlap(CountedStatistic):
    """Pixels of the inner bands of prediction and ground truth, for Boundary IoU.

    The band of a mask is what an erosion by a square of 2 d + 1 pixels takes away.

    Parameters
    ----------
    ratio : float
        d as a share of the frame's diagonal, rounded, at least 1.
    px : int
        d in pixels, in place of the share where it is not 0.

    Raises
    ------
    InputError
        For a share outside (0, 1], or a number of pixels below 0.

    References
    ----------
    Cheng et al.: Boundary IoU: Improving Object-Centric Image Segmentation Evaluation. CVPR 2021.
    van Herk: A fast algorithm for local minimum and maximum filters. 1992.
    """

    ratio: float = DILATION_RATIO
    px: int = 0
    ends, paired = 4, True

    def __post_init__(self) -> None:
        check_share(self.ratio, "ratio")
        whole = self.px == int(self.px) and self.px >= 0
        check_that(whole, "a whole number of pixels >= 1", self.px, "px")

    def depth(self, shape: tuple[int, int]) -> int:
        """Pixels d for a frame of this shape."""
        return int(self.px) or max(1, round(self.ratio * hypot(*shape)))

    def of(self, frame: Frame) -> IntervalCounts:
        """Count one frame: bands of the prediction inside and outside that of the ground truth.

        The one size is that of the ground truth's band. O(P), about three radix sorts of the
        frame's scores with what follows.
        """
        depth = self.depth(frame.shape)
        keys = keys_of(frame.scores, frame.valid)
        band = _eroded(_target_keys(frame), depth) < TARGET
        band &= frame.classes == ANOMALOUS
        return _intervals(frame, _eroded(keys, depth), keys, band, int(np.count_nonzero(band)))


@dataclass(frozen=True)
class BorderMatch(CountedStatistic):
    """Border pixels of prediction and ground truth, and which have one of the other's near.

    A border pixel belongs to a mask and has a neighbour which does not.

    Parameters
    ----------
    px : float
        Tolerance in pixels: the Euclidean distance, from centre to centre, up to which border
        pixels match; at most 32, as each of the ground truth is compared with all pixels near.
    neighbours : {4, 8}

    Raises
    ------
    InputError
        For another tolerance or neighbourhood.
    """

    px: float
    neighbours: int = 4
    ends, paired = 6, True

    def __post_init__(self) -> None:
        near = 0 <= self.px <= MOST_TOLERANCE
        check_that(near, f"a tolerance of 0 to {MOST_TOLERANCE} pixels", self.px, "px")
        check_that(self.neighbours in (4, 8), "4 or 8", self.neighbours, "neighbours")

    def of(self, frame: Frame) -> IntervalCounts:
        """Count one frame, of three kinds: who has a border pixel of the other within reach.

        The prediction's border pixels with one of the ground truth near, those without, and the
        ground truth's with one of the prediction near. The one size is the number of the ground
        truth's. O(P + B T log T) for B of them and T places within the tolerance.
        """
        from mdmkit.statistics.kernels.erosion import dilate, match_intervals

        keys = keys_of(frame.scores, frame.valid)
        lows = self._eroded(keys)
        border = (frame.classes == ANOMALOUS) & (self._eroded(_target_keys(frame)) < TARGET)
        dy, dx = self._places()
        near = np.zeros(frame.shape, np.uint8)
        dilate(border, dy, dx, near)
        borders = int(np.count_nonzero(border))
        counts = _intervals(frame, lows, keys, near > 0, borders)
        room = 2 * borders
        while True:  # most pixels have one interval, none more than it has places
            matched = np.empty((2, room), keys.dtype)
            n, m = match_intervals(border, dy, dx, lows, keys, frame.valid, *matched)
            if max(n, m) <= room:
                break
            room = max(n, m)
        ends = (*counts.ends, matched[0, :n].copy(), matched[1, :m].copy())
        return IntervalCounts(ends, counts.sizes, counts.anomalous, counts.source)

    def _eroded(self, keys: Keys) -> Keys:
        from mdmkit.statistics.kernels.erosion import erode_cross

        if self.neighbours == 8:
            return _eroded(keys, 1)
        out = np.empty_like(keys)
        erode_cross(keys, out)
        return out

    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        reach = int(self.px)
        offsets = np.arange(-reach, reach + 1)
        dy, dx = np.nonzero(offsets[:, None] ** 2 + offsets**2 <= self.px**2)
        return dy - reach, dx - reach


#: What anomalous pixels become in `_target_keys`; normal ones are 1, as outside the image is 0.
TARGET = 2


def _target_keys(frame: Frame) -> Keys:
    """The ground truth as keys: ignored pixels take the side of the object."""
    keys = np.ones(frame.shape, np.uint8)
    keys[frame.classes == ANOMALOUS] = TARGET
    keys[frame.classes == IGNORED] = 255
    return keys


def _eroded(keys: Keys, depth: int) -> Keys:
    """Minimum over squares of 2 depth + 1 pixels; 0 where they leave the image."""
    from mdmkit.statistics.kernels.erosion import erode_columns, erode_rows

    rows, out = np.empty_like(keys), np.empty_like(keys)
    erode_rows(keys, depth, rows)
    erode_columns(rows, depth, out)
    return out


def _intervals(
    frame: Frame, lows: Keys, highs: Keys, inside: NDArray[np.bool_], size: int
) -> IntervalCounts:
    """Ends of the intervals of valid pixels that are inside and of the others, beside one size."""
    from mdmkit.statistics.kernels.erosion import split_intervals

    ends = np.empty((4, highs.size), highs.dtype)
    counts = split_intervals(lows.ravel(), highs.ravel(), frame.valid.ravel(), inside.ravel(), ends)
    runs = tuple(row[:n].copy() for row, n in zip(ends, counts.tolist(), strict=True))
    source = key_source(frame.scores.dtype)
    return IntervalCounts(runs, np.array([size]), frame.anomalous_pixels, source)
