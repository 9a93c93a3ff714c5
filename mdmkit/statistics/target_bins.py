"""TargetBin: ground-truth components of some size or place, as a change of frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    before : TargetBin, optional
        A bin in which they must lie, too.

    Raises
    ------
    InputError
        For another property or an empty range.
    """

    by: str
    low: float
    high: float
    before: TargetBin | None = None
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
        """Name of the bin, as in `ap@size=0:300`, behind that of the one before."""
        own = f"{self.by}={spelled(self.low)}:{spelled(self.high)}"
        return own if self.before is None else f"{self.before.name}@{own}"

    def after(self, before: object) -> TargetBin:
        """Keep the components that lie in an earlier bin, too, if there was one."""
        return replace(self, before=before) if isinstance(before, TargetBin) else self

    def keeps(self, frame: Frame) -> NDArray[np.bool_]:
        """Whether each component of `FrameRegions` lies in the bin, shape (K,)."""
        regions = FrameRegions.of(frame)
        share = regions.sizes / frame.scores.size
        values: Array = {"size": regions.sizes, "share": share, "rows": regions.rows}[self.by]
        inside = (values >= self.low) & (values < self.high)
        return np.asarray(inside if self.before is None else inside & self.before.keeps(frame))

    def __call__(self, frame: Frame) -> Frame:
        regions = FrameRegions.of(frame)
        outside = ~self.keeps(frame)
        if not outside.any():
            return frame
        classes = frame.classes.copy()
        classes.ravel()[regions.pixels[outside[regions.component]]] = IGNORED
        return frame.altered(classes=classes)
