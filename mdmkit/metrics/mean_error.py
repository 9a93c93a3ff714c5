"""AUTC: the mean error over all thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

from mdmkit.core.number import Number
from mdmkit.metrics.measures import Measure
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.score_bins import AnyPixels
from mdmkit.statistics.score_keys import scores_of

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals

#: Scores that are added up at once.
BLOCK = 2**20


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
    on_scale = True

    def compute(self, totals: NormalizedTotals) -> Number:
        pixels, bracketed = totals.pixels, totals.bracketed
        if pixels.anomalous == 0 or pixels.normal == 0:
            return self.empty()
        if isinstance(pixels, PixelScores):
            sums = _sums_of_keys(pixels, totals.normalizer)
            return Number.exact(_mean_error(*sums, pixels))
        rows = pixels.rows()
        scores = totals.normalizer(rows.scores)  # refuses scores outside [0, 1], if unchanged
        anomalous, normal = (scores @ rows.changes).tolist()
        if bracketed is None:
            return Number.exact(_mean_error(anomalous, normal, pixels))
        least_anomalous, least_normal = (totals.normalizer(bracketed.least) @ rows.changes).tolist()
        low = _mean_error(anomalous, least_normal, pixels)
        high = _mean_error(least_anomalous, normal, pixels)
        return Number((low + high) / 2, (low, high), binned=True)


def _mean_error(anomalous: float, normal: float, pixels: AnyPixels) -> float:
    """Compute AUTC from the sums of the scores of each class."""
    return (normal / pixels.normal + 1 - anomalous / pixels.anomalous) / 2


def _sums_of_keys(pixels: PixelScores, normalizer: Normalizer) -> tuple[float, float]:
    """Sums of normalised scores, in order of score: the same whatever the order of frames."""
    together = pixels.joined()
    return tuple(  # type: ignore[return-value]
        fsum(
            float(normalizer(scores_of(keys[start : start + BLOCK])).sum())
            for keys in arrays
            for start in range(0, keys.size, BLOCK)
        )
        for arrays in (together.anomalous_keys, together.normal_keys)
    )
