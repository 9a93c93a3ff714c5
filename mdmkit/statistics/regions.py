"""Coverage of each anomalous region: weighted pixels, for PRO and its relatives.

Each pixel weighs what it adds to the covered fraction of its region, in units of 2^-40, so that the
sum over regions at any threshold is an integer that adds over frames in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
from mdmkit.core.frame import as_unit
from mdmkit.core.labels import ANOMALOUS
from mdmkit.core.types import Array
from mdmkit.statistics.frame_regions import FrameRegions
from mdmkit.statistics.pixel_order import descending
from mdmkit.statistics.score_keys import keys_of
from mdmkit.statistics.stepped_counts import CountedStatistic, SteppedCounts
from mdmkit.statistics.steps import Steps
from mdmkit.statistics.target_bins import TargetBin

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: Units of a region that is covered altogether.
WHOLE = 1 << 40


@dataclass(frozen=True)
class RegionCoverage(CountedStatistic):
    """Sum over regions of their covered fraction at all thresholds: the numerator of PRO.

    Parameters
    ----------
    min_target : int
        Components with fewer pixels are no regions.
    saturated : bool
        Regions and their saturation areas as the frame names them, where it names some (sPRO);
        else its components of 8-connectivity, each saturated by all of its pixels.
    within : TargetBin, optional
        Components of which size or place are regions.

    Notes
    -----
    The one size is the number of regions. A fraction of n of G pixels is floor(n 2^40 / G), up to
    n = s, the saturation area, with s in place of G; the next pixel where s is no whole number
    makes it 1. O(A) for A anomalous pixels of up to 32-bit scores.

    References
    ----------
    Bergmann et al.: MVTec AD: A Comprehensive Real-World Dataset for Unsupervised Anomaly
    Detection. CVPR 2019. Bergmann et al.: Beyond Dents and Scratches. IJCV 2022 (sPRO).
    """

    min_target: int = 0
    saturated: bool = False
    within: TargetBin | None = None
    ends = 1

    def of(self, frame: Frame) -> SteppedCounts:
        """Count one frame."""
        pixels, regions, saturations = self._regions(frame)
        steps = covered_steps(frame.scores.ravel()[pixels], regions, saturations)
        return SteppedCounts(steps, np.array([saturations.size]), frame.anomalous_pixels)

    def _regions(
        self, frame: Frame
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
        named: Any = vars(frame).get("regions")
        if self.saturated and named is not None:
            if self.within is not None:
                raise InputError(
                    f"expected no bin beside regions that the data set names, "
                    f"found {self.within.name}; pro has sizes and places",
                    argument="spro",
                )
            return _named_regions(frame, named.regions())
        targets = FrameRegions.of(frame)
        kept = targets.kept(frame, self.min_target, self.within)
        number = (np.cumsum(kept) - 1).astype(np.int32)
        used = kept[targets.component]
        saturations = targets.sizes[kept].astype(np.float64)
        return targets.pixels[used], number[targets.component[used]], saturations


@dataclass(frozen=True)
class TargetTally(CountedStatistic):
    """Numbers of ground-truth components, of frames that have some, and of frames with pixels.

    These are the three sizes; nothing depends on the threshold.
    """

    components: ComponentSizes
    ends = 1
    sizes = 3

    def of(self, frame: Frame) -> SteppedCounts:
        """Count one frame."""
        sizes = self.components
        kept = FrameRegions.of(frame).kept(frame, sizes.min_target, sizes.within)
        n = np.count_nonzero(kept)
        return SteppedCounts(
            Steps.empty(1), np.array([n, n > 0, frame.pixels > 0], np.int64), frame.anomalous_pixels
        )


def _named_regions(
    frame: Frame, regions: list[tuple[NDArray[np.bool_], float]]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Pixels, their regions and saturation areas; a pixel in two regions counts in both."""
    anomalous = frame.classes == ANOMALOUS
    several = [np.flatnonzero(mask & anomalous) for mask, _ in regions]
    kept = [
        (pixels, area) for pixels, (_, area) in zip(several, regions, strict=True) if pixels.size
    ]
    sizes = [pixels.size for pixels, _ in kept]
    areas = [min(area, float(size)) for (_, area), size in zip(kept, sizes, strict=True)]
    places = [np.empty(0, np.int64), *(pixels for pixels, _ in kept)]
    names = np.repeat(np.arange(len(kept), dtype=np.int32), sizes)
    return np.concatenate(places), names, np.array(areas)


def covered_steps(
    scores: Array, regions: NDArray[np.int32], saturations: NDArray[np.float64]
) -> Steps:
    """Sum over regions of their covered fraction, in units of 2^-40, as a step function.

    Parameters
    ----------
    scores : ndarray, shape (A,)
    regions : ndarray of int32, shape (A,)
        The region, from 0, of each pixel.
    saturations : ndarray of float64, shape (K,)
        Pixels that cover a region, in (0, its number of pixels].
    """
    from mdmkit.statistics.kernels.regions import weigh

    weights = np.empty(scores.size, np.int64)
    order, _ = descending(keys_of(scores))
    weigh(order, regions, saturations, weights)
    ascending = order[::-1]
    return Steps.from_unsorted(as_unit(scores[ascending]) + 0.0, weights[ascending, None])
