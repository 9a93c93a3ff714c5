"""One frame with what requirements need of it: read, and counted at every distinct score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import NoTargetError
from mdmkit.core.frame import Frame, as_unit
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.frame_means import FrameMeans
from mdmkit.statistics.kinds import Statistic
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.stepped_counts import SteppedCounts
from mdmkit.thresholds.requirements import Requirement

Scores = NDArray[np.float64]
#: What is counted of one frame, in rows on raw scores.
Counted = PixelCounts | ComponentCounts | SteppedCounts
Steps = tuple[Scores, Scores]


class CountedFrame(ABC):
    """One frame with each statistic that is asked of it, counted once.

    Attributes
    ----------
    pixels, size : int
        Valid pixels, and all of them.
    """

    def __init__(self, pixels: int, size: int) -> None:
        self.pixels, self.size = pixels, size
        self._counted: dict[Statistic, Counted] = {}

    @abstractmethod
    def count(self, statistic: Statistic) -> Counted:
        """Count a statistic on raw scores, in rows."""

    @abstractmethod
    def share_above(self, raw: float) -> float | None:
        """Share of the valid pixels above a raw threshold; None without any."""

    def raw(self, statistic: Statistic) -> Counted:
        """A statistic on raw scores, in rows."""
        if statistic not in self._counted:
            self._counted[statistic] = self.count(statistic)
        return self._counted[statistic]

    def steps(self, requirement: Requirement) -> Steps | None:
        """Distinct scores and values of a measure; None where nothing is to be judged."""
        if not self.pixels:
            return None
        try:
            return requirement.metric.everywhere(self.raw(requirement.statistic))
        except NoTargetError:
            return None


class ReadFrame(CountedFrame):
    """A frame that was read, counted at every distinct score."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame.pixels, frame.scores.size)
        self.frame = frame

    def count(self, statistic: Statistic) -> Counted:
        """Count a statistic on raw scores, in rows."""
        counted: Any = statistic.of(self.frame)
        return counted.rows() if isinstance(counted, PixelScores) else counted

    def share_above(self, raw: float) -> float | None:
        """Share of the valid pixels above a raw threshold; None without any."""
        above = np.count_nonzero((as_unit(self.frame.scores) > raw) & self.frame.valid)
        return above / self.pixels if self.pixels else None


def means_in(frame: CountedFrame, requirements: Sequence[Requirement]) -> list[FrameMeans]:
    """What one frame adds to the mean of each measure over frames."""
    undefined = np.empty(0), np.array([np.nan])
    return [FrameMeans.of(*(frame.steps(one) or undefined)) for one in requirements]
