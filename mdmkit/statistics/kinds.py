"""Statistics of frames, by kind: equal ones are counted once for all numbers that need them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.transforms import FrameChange, ImageScore
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.detections import DetectionStatistic
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.image_rates import ImageCoverage, ImageRates
from mdmkit.statistics.mask_samples import MaskFunction, MaskSamples
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.regions import RegionCoverage, TargetTally
from mdmkit.statistics.score_bins import PixelBins, merged_pixels
from mdmkit.statistics.stepped_counts import CountedStatistic
from mdmkit.statistics.target_bins import TargetBin

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True)
class PixelStatistic:
    """Pixels by class and score."""

    def of(self, frame: Frame) -> PixelScores | PixelCounts:
        """Count one frame: scores of up to 16 bits one by one, others as sorted keys."""
        return self._kind(frame).of(frame)

    def in_bins(self, binned: BinnedFrame, edges: Edges) -> PixelBins:
        """Count one frame in bins between `edges`."""
        return PixelBins.of_frame(binned)

    def between(self, frame: Frame, intervals: NDArray[np.float64]) -> PixelScores | PixelCounts:
        """The part of `of` in any of the closed intervals of scores, shape (k, 2)."""
        return self._kind(frame).between(frame, intervals)

    @staticmethod
    def _kind(frame: Frame) -> type[PixelScores | PixelCounts]:
        return PixelCounts if frame.scores.dtype.itemsize <= 2 else PixelScores


@dataclass(frozen=True)
class ComponentStatistic:
    """Component statistics at every distinct score, for given component sizes."""

    sizes: ComponentSizes

    def of(self, frame: Frame) -> ComponentCounts:
        """Count one frame."""
        return ComponentCounts.of(frame, self.sizes)

    def in_bins(self, binned: BinnedFrame, edges: Edges) -> BinnedComponents:
        """Count one frame in bins between `edges`."""
        return BinnedComponents.of(binned, self.sizes, edges)

    def inside(
        self, binned: BinnedFrame, edges: Edges, resolved: NDArray[np.bool_]
    ) -> ComponentCounts:
        """Count every score of one frame in resolved bins."""
        return ComponentCounts.inside(binned, self.sizes, edges, resolved)


@dataclass(frozen=True)
class MaskStatistic:
    """Values of a callable on masks; needs scores in [0, 1] when frames are counted."""

    function: MaskFunction

    def of(self, frame: Frame) -> MaskSamples:
        """Count one frame."""
        return MaskSamples.of(frame, self.function)


@dataclass(frozen=True)
class ChangedStatistic:
    """A statistic of each frame after a change of it."""

    change: FrameChange
    statistic: Any

    def of(self, frame: Frame) -> Any:
        """Change and count one frame."""
        return self._kind.of(self.change(frame))

    def between(self, frame: Frame, intervals: NDArray[np.float64]) -> Any:
        """Change one frame, and count its pixels in some intervals of scores."""
        return self._kind.between(self.change(frame), intervals)

    @property
    def _kind(self) -> Any:
        """Counts at each score where the change leaves few pixels or few scores."""
        few = isinstance(self.statistic, PixelStatistic) and not self.change.selects
        return PixelCounts if few else self.statistic

    def in_bins(self, binned: BinnedFrame, edges: Edges) -> Any:
        """Change one frame, given as it was, and count it in bins between `edges`."""
        return self.statistic.in_bins(self._changed(binned), edges)

    def inside(self, binned: BinnedFrame, edges: Edges, resolved: NDArray[np.bool_]) -> Any:
        """Change one frame, given as it was, and count every score in resolved bins."""
        return self.statistic.inside(self._changed(binned), edges, resolved)

    def _changed(self, binned: BinnedFrame) -> BinnedFrame:
        return BinnedFrame.of(self.change(binned.frame), binned.edges)


@dataclass(frozen=True)
class ImageRatesStatistic:
    """Scores of single images, of which each one's own rates are made; never in bins."""

    def of(self, frame: Frame) -> ImageRates:
        """Keep the scores of one frame."""
        return ImageRates.of(frame)


#: Those whose counts can be reduced to bins.
Binnable = PixelStatistic | ComponentStatistic | CountedStatistic | ChangedStatistic
Statistic = Binnable | ImageRatesStatistic | MaskStatistic

#: The counts of each statistic.
Counted = dict[Statistic, Any]


def changed(change: FrameChange, statistic: Statistic) -> Statistic:
    """A statistic of changed frames.

    Components outside a bin join predictions, so that a change of the frame's classes would not
    do: what counts components is told which ones count.
    """
    if isinstance(change, TargetBin) and isinstance(statistic, ComponentStatistic):
        return replace(statistic, sizes=_narrowed(statistic.sizes, change))
    if isinstance(change, TargetBin) and isinstance(statistic, (TargetTally, DetectionStatistic)):
        return replace(statistic, components=_narrowed(statistic.components, change))
    if isinstance(change, TargetBin) and isinstance(statistic, RegionCoverage):
        return replace(statistic, within=change.after(statistic.within))
    return ChangedStatistic(change, statistic)


def _narrowed(sizes: ComponentSizes, change: TargetBin) -> ComponentSizes:
    return replace(sizes, within=change.after(sizes.within))


def has_bins(statistic: Statistic) -> TypeGuard[Binnable]:
    """Whether its counts can be reduced to bins, with bounds within."""
    return not isinstance(unchanged(statistic), (MaskStatistic, ImageRatesStatistic))


def stays_exact(statistic: Statistic) -> bool:
    """Whether it is kept as it is where others go to bins: it has none, or is small."""
    small = TargetTally, DetectionStatistic
    return not has_bins(statistic) or isinstance(unchanged(statistic), small)


def of_images(statistic: Statistic) -> bool:
    """Whether a statistic counts images as a whole."""
    if isinstance(statistic, ChangedStatistic):
        return isinstance(statistic.change, ImageScore) or of_images(statistic.statistic)
    return isinstance(statistic, (ImageRatesStatistic, ImageCoverage, MaskStatistic))


def unchanged(statistic: Statistic) -> Statistic:
    """The statistic itself, without the changes of frames before it."""
    while isinstance(statistic, ChangedStatistic):
        statistic = statistic.statistic
    return statistic


def of_components(statistic: Statistic) -> bool:
    """Whether a statistic counts components, of frames as they are or of changed ones."""
    return isinstance(unchanged(statistic), ComponentStatistic)


def of_pixels(statistic: Statistic) -> bool:
    """Whether a statistic counts pixels, of frames as they are or of changed ones."""
    return isinstance(unchanged(statistic), PixelStatistic)


def merged(statistic: Statistic, parts: Iterable[Any]) -> Any:
    """Sum of what was counted of one statistic."""
    several = list(parts)
    if len(several) == 1:
        return several[0]
    return merged_pixels(several) if of_pixels(statistic) else type(several[0]).merged(several)
