"""PixelSweep: counts of anomalous and normal pixels per distinct score."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.frames import ANOMALOUS
from mdmkit.steps import Steps

if TYPE_CHECKING:
    from mdmkit.frames import Frame


class PixelSweep(Steps):
    """Counts (anomalous, normal) of the pixels with each score.

    The totals over A > z are the true and false positives at z, from which every pixel metric
    follows. Costs one sort of the frame's valid pixels.
    """

    @classmethod
    def of(cls, frame: Frame) -> PixelSweep:
        """Sweep one frame."""
        levels = frame.levels
        anomalous = frame.classes.ravel()[levels.order] == ANOMALOUS
        true = np.cumsum(anomalous, dtype=np.int64)[levels.ends - 1]
        return cls.from_totals(levels.scores, np.stack([true, levels.ends - true], axis=1))

    @classmethod
    def none(cls) -> PixelSweep:
        """The sweep of no pixels."""
        return cls.empty(2)

    @property
    def anomalous(self) -> int:
        """Number of anomalous pixels."""
        return int(self.totals[0, 0])

    @property
    def normal(self) -> int:
        """Number of normal pixels."""
        return int(self.totals[0, 1])

    def confusion(self, totals: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """(TP, FP, FN, TN), each of shape (...), from totals of shape (..., 2)."""
        true, false = totals[..., 0], totals[..., 1]
        return true, false, self.anomalous - true, self.normal - false
