"""AUTC: the mean error over all thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mdmkit.metrics.base import ratio
from mdmkit.metrics.measures import Measure, Values
from mdmkit.statistics.kinds import PixelStatistic

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals

Scores: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class AUTC(Measure):
    """`autc`: area under the threshold curve = mean over z in [0, 1] of (FPR + FNR) / 2.

    In [0, 1], lower is better. As the mean over z of FPR is the mean score of normal pixels, it is
    (mean normal score + 1 - mean anomalous score) / 2. It depends on how scores are normalised.

    References
    ----------
    Humblot-Renaux, Escalera, Moeslund: Beyond AUROC & co. for evaluating out-of-distribution
    detection performance. CVPR Workshops 2023.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> evaluate([([[0.25, 0.25, 1.0]], [[0, 0, 1]])], "autc")["autc"]
    0.125
    """

    key: str = "autc"
    higher_is_better = False
    needs_anomalies = True

    def compute(self, sweeps: NormalizedTotals) -> Values:
        pixels = sweeps.pixels
        scores = sweeps.normalizer(pixels.scores)  # refuses scores outside [0, 1], if unchanged
        value = _mean_error(scores, scores, pixels.changes)
        unresolved = sweeps.loose_pixels
        if isnan(value) or not sweeps.on_grid(PixelStatistic()):
            return {self.key: value}
        below = np.where(unresolved, np.append(scores[:1], scores[:-1]), scores)
        low = _mean_error(scores, below, pixels.changes)
        high = _mean_error(below, scores, pixels.changes)
        return {self.key: value, f"{self.key}_bracket": (low, high)}


def _mean_error(anomalous: Scores, normal: Scores, changes: NDArray[np.int64]) -> float:
    """From the scores at which the pixels of each class are counted; NaN without a class."""
    sums = np.array([anomalous @ changes[:, 0], normal @ changes[:, 1]])
    of_anomalous, of_normal = ratio(sums, changes.sum(axis=0))
    return float((of_normal + 1 - of_anomalous) / 2)
