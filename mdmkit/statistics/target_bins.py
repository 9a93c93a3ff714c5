"""TargetBin: ground-truth components of some size or place, as a change of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_choice
from mdmkit.core.errors import InputError
from mdmkit.core.labels import IGNORED
from mdmkit.core.named_arrays import AsArrays
from mdmkit.core.spelled import spelled
from mdmkit.core.transforms import FrameChange
from mdmkit.core.types import Array
from mdmkit.statistics.frame_regions import FrameRegions

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: What components can be told apart by.
PROPERTIES = {
    "size": "pixels of the component",
    "share": "pixels of the component as a share of the frame",
    "rows": "row of its lowest pixel, counted from the top",
}


@dataclass(frozen=True)
class TargetBin(FrameChange, AsArrays):
    """Keep the ground-truth components of some size or place; normal pixels stay.

    The others are treated as those under `min_target` are: for measures of pixels their pixels
    are ignored, for measures of components they join predictions and are counted nowhere. Size
    and place are those of the 8-connected component after ignored pixels left.

    Parameters
    ----------
    by : {"size", "share", "rows"}
        Pixels of the component; their share of the frame's H x W; the row of its lowest pixel,
        counted from the top, a proxy of its distance.
    low, high : float
        low <= value < high.

    Raises
    ------
    InputError
        For another property or an empty range.
    """

    by: str
    low: float
    high: float
    selects = True

    def __post_init__(self) -> None:
        as_choice(self.by, PROPERTIES, "by")
        if not 0 <= self.low < self.high:
            raise InputError(
                f"expected a range A:B with 0 <= A < B, found {self.low!r}:{self.high!r}",
                argument=self.by,
            )

    @property
    def name(self) -> str:
        """Name of the bin, as in `ap@size=0:300`."""
        return f"{self.by}={spelled(self.low)}:{spelled(self.high)}"

    def keeps(self, frame: Frame) -> NDArray[np.bool_]:
        """Whether each component of `FrameRegions` lies in the bin, shape (K,)."""
        regions = FrameRegions.of(frame)
        values = regions.rows if self.by == "rows" else regions.sizes
        if self.by == "share":
            return _within(values / frame.scores.size, self.low, self.high)
        return _within(values, self.low, self.high)

    def __call__(self, frame: Frame) -> Frame:
        regions = FrameRegions.of(frame)
        outside = ~self.keeps(frame)
        if not outside.any():
            return frame
        classes = frame.classes.copy()
        classes.ravel()[regions.pixels[outside[regions.component]]] = IGNORED
        return frame.altered(classes=classes)


@dataclass(frozen=True)
class BothBins(AsArrays):
    """Keep the components that lie in each of two bins."""

    first: TargetBin | BothBins
    second: TargetBin

    @property
    def by(self) -> str:
        """Property by which components are told apart."""
        return f"{self.first.by} and {self.second.by}"

    @property
    def name(self) -> str:
        """Name of both bins, as in `ap@size=0:300@rows=0:400`."""
        return f"{self.first.name}@{self.second.name}"

    def keeps(self, frame: Frame) -> NDArray[np.bool_]:
        """Whether each component of `FrameRegions` lies in both, shape (K,)."""
        return self.first.keeps(frame) & self.second.keeps(frame)


def both_bins(first: object, second: TargetBin) -> TargetBin | BothBins:
    """Choose components in a bin, and in an earlier bin if there was one."""
    return BothBins(first, second) if isinstance(first, (TargetBin, BothBins)) else second


def _within(values: Array, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((values >= low) & (values < high))
