"""Metrics of the borders of prediction and ground truth, at all thresholds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdmkit.core.spelled import spelled
from mdmkit.metrics.base import Ratio, ratio
from mdmkit.metrics.counted_metric import CountedMetric, Integers
from mdmkit.statistics.boundaries import DILATION_RATIO, BandOverlap, BorderMatch
from mdmkit.statistics.stepped_counts import BinnedCounts


class BoundaryMetric(CountedMetric):
    """A formula of counts of border pixels; neither rising nor falling in the threshold.

    Counts of all frames are added; frames without a border of the ground truth add to the
    denominators. Undefined where neither prediction nor ground truth has a border.
    """

    #: Whether the metric rises with each count, where it does not fall with it.
    rising: tuple[bool, ...]

    def __post_init__(self) -> None:
        self.statistic  # noqa: B018  (judges the options)

    def bounds(self, bins: BinnedCounts) -> tuple[Ratio, Ratio]:
        # of the ground truth's border no more is matched than there is
        most = np.full(len(self.rising), np.iinfo(np.int64).max)
        most[2:] = bins.sizes[0]
        low, high = np.minimum(bins.low, most), np.minimum(bins.high, most)
        worst, best = np.where(self.rising, low, high), np.where(self.rising, high, low)
        return self.values(worst, bins.sizes), self.values(best, bins.sizes)


@dataclass(frozen=True)
class BoundaryIoU(BoundaryMetric):
    """Boundary IoU = intersection over union of the inner bands of both masks, in [0, 1].

    The band of a mask: its pixels from which the outside can be reached within d pixels, along
    rows, columns or diagonals.

    Parameters
    ----------
    ratio : float
        d as a share of the frame's diagonal (rounded, at least 1 pixel).
    px : int
        d in pixels, in place of the share where it is not 0.

    References
    ----------
    Cheng et al.: Boundary IoU: Improving Object-Centric Image Segmentation Evaluation. CVPR 2021.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], BoundaryIoU(px=1))
    >>> curve(0.7), curve(0.5)
    (0.5, 1.0)
    """

    ratio: float = DILATION_RATIO
    px: int = 0
    rising = (True, False)

    @property
    def name(self) -> str:  # type: ignore[override]
        share = "" if self.ratio == DILATION_RATIO else f"@ratio={spelled(self.ratio)}"
        return f"boundary_iou@px={self.px}" if self.px else f"boundary_iou{share}"

    @property
    def statistic(self) -> BandOverlap:
        return BandOverlap(self.ratio, self.px)

    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        return ratio(totals[..., 0], totals[..., 1] + sizes[0])


@dataclass(frozen=True)
class _AtTolerance(BoundaryMetric):
    px: float
    neighbours: int = 4
    short = ""
    rising = (True, False, True)

    @property
    def name(self) -> str:  # type: ignore[override]
        eight = "" if self.neighbours == 4 else f"@neighbours={self.neighbours}"
        return f"{self.short}@px={spelled(self.px)}{eight}"

    @property
    def statistic(self) -> BorderMatch:
        return BorderMatch(self.px, self.neighbours)


@dataclass(frozen=True)
class BoundaryF(_AtTolerance):
    """Boundary F = 2 P R / (P + R) of border pixels matched within a tolerance, in [0, 1].

    P is the share of the prediction's border pixels with one of the ground truth's near, R that
    of the ground truth's with one of the prediction's near.

    Parameters
    ----------
    px : float
        Tolerance: Euclidean distance between centres of pixels, 0 to 32.
    neighbours : {4, 8}
        A border pixel has a neighbour among so many that is not of its mask.

    References
    ----------
    Martin et al.: Learning to Detect Natural Image Boundaries Using Local Brightness, Color, and
    Texture Cues. PAMI 2004. Csurka et al.: What is a good evaluation measure for semantic
    segmentation? BMVC 2013.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], BoundaryF(px=0))
    >>> round(curve(0.7), 3), curve(0.5)
    (0.667, 1.0)
    """

    short = "boundary_f"

    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        near, far, matched = np.moveaxis(totals, -1, 0)
        # one without borders, where the other has some, matches nothing
        precision, recall = (
            np.nan_to_num(ratio(part, whole))
            for part, whole in ((near, near + far), (matched, sizes[0]))
        )
        f = np.nan_to_num(ratio(2 * precision * recall, precision + recall))
        return np.where(near + far + sizes[0] == 0, np.nan, f)


@dataclass(frozen=True)
class NSD(_AtTolerance):
    """Normalised surface distance = matched border pixels of both masks / all of both, in [0, 1].

    Parameters
    ----------
    px : float
        Tolerance: Euclidean distance between centres of pixels, 0 to 32.
    neighbours : {4, 8}
        A border pixel has a neighbour among so many that is not of its mask.

    Notes
    -----
    Borders are sets of pixels; tools which measure the lengths of contours between pixels differ
    where those run aslant.

    References
    ----------
    Nikolov et al.: Clinically Applicable Segmentation of Head and Neck Anatomy for Radiotherapy.
    JMIR 2021.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], NSD(px=0))
    >>> round(curve(0.7), 3), curve(0.5)
    (0.667, 1.0)
    """

    short = "nsd"

    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        near, far, matched = np.moveaxis(totals, -1, 0)
        return ratio(near + matched, near + far + sizes[0])
