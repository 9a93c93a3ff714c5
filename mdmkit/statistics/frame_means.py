"""FrameMeans: the mean over frames of one value of each, at every threshold; merges exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdmkit.core import exact_sums
from mdmkit.core.exact_sums import LIMBS
from mdmkit.statistics.merging import Merging
from mdmkit.statistics.steps import RatioSteps, Rescale


@dataclass(frozen=True, eq=False)
class FrameMeans(Merging):
    """Sums over frames of values >= 0, and how many frames they are defined in.

    Attributes
    ----------
    steps : RatioSteps
        How the sum (three limbs) and the number of frames differ from those of the empty
        prediction.
    empty : ndarray of int64, shape (4,)
        Those of the empty prediction.
    frames : int
        How many frames, whether anything is defined in them or not.
    """

    steps: RatioSteps
    empty: NDArray[np.int64]
    frames: int

    @classmethod
    def of(cls, scores: NDArray[np.float64], values: NDArray[np.float64]) -> FrameMeans:
        """Make steps of one frame: ascending scores (n,) and values (n + 1,), NaN where undefined.

        Value j belongs to the prediction A >= scores[j], the last one to the empty prediction.
        """
        defined = ~np.isnan(values)
        sums = exact_sums.split(np.where(defined, values, 0))
        totals = np.concatenate([sums, defined[:, None].astype(np.int64)], axis=1)
        descending = (totals - totals[-1])[-2::-1]
        return cls(RatioSteps.from_totals(scores[::-1], descending), totals[-1], 1)

    def rescaled(self, rescale: Rescale) -> FrameMeans:
        """Map the scores of the means, keeping their order."""
        return FrameMeans(self.steps.rescaled(rescale), self.empty, self.frames)

    def on_unit(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Breakpoints 0 = b_0 < b_1 < ... and the means on each [b_i, b_i+1), NaN: undefined."""
        breakpoints, totals = self.steps.on_unit()
        return breakpoints, self._means(totals)

    def ends(self) -> NDArray[np.float64]:
        """The means at the predictions of all valid pixels, and of none, shape (2,)."""
        return self._means(self.steps.totals[[0, -1]])

    def above(self, z: float) -> float:
        """The mean of the prediction A > z."""
        return float(self._means(self.steps.above(z)))

    def _means(self, totals: NDArray[np.int64]) -> NDArray[np.float64]:
        sums = totals + self.empty
        return exact_sums.mean(sums[..., :LIMBS], sums[..., LIMBS])
