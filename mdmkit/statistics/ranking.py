"""Ranking metrics of a PixelCounts, on raw scores and the whole real line; NaN where undefined.

Anomaly is the positive class. They are undefined without anomalous or without normal pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError
from mdmkit.statistics.pixels import PixelCounts

NAN = float("nan")


def _undefined(sweep: PixelCounts) -> bool:
    return sweep.anomalous == 0 or sweep.normal == 0


def _descending(sweep: PixelCounts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """TP and FP of the predictions A > z from the empty one to everything."""
    return sweep.totals[::-1, 0], sweep.totals[::-1, 1]


def average_precision(sweep: PixelCounts) -> float:
    """Area under the precision-recall curve, as a step-wise sum: sum (R_n - R_n-1) P_n."""
    if _undefined(sweep):
        return NAN
    tp, fp = _descending(sweep)
    return float(np.sum(np.diff(tp) / sweep.anomalous * (tp[1:] / (tp[1:] + fp[1:]))))


def auroc(sweep: PixelCounts) -> float:
    """Area under the ROC curve (trapezoids between distinct scores)."""
    if _undefined(sweep):
        return NAN
    tp, fp = _descending(sweep)
    return float(np.trapezoid(tp / sweep.anomalous, fp / sweep.normal))


def fpr_at_tpr(sweep: PixelCounts, tpr: float) -> float:
    """False positive rate at the first point of the full ROC curve with TPR >= `tpr`."""
    if not 0 < tpr <= 1:
        raise InputError(f"tpr: expected a number in (0, 1], found {tpr!r}")
    if _undefined(sweep):
        return NAN
    tp, fp = _descending(sweep)
    first = int(np.argmax(tp / sweep.anomalous >= tpr))
    return float(fp[first] / sweep.normal)


@dataclass(frozen=True)
class BestF1:
    """The prediction with the largest pixel F1.

    Attributes
    ----------
    value : float
        Its F1; NaN where undefined.
    threshold : float or None
        A > threshold is exactly this prediction: the lower end of its step. None where it is
        everything, or undefined.
    all_predicted : bool
        Whether it is everything, which no threshold among the scores gives.
    lowest : float
        The smallest predicted score; NaN where undefined.
    """

    value: float
    threshold: float | None
    all_predicted: bool
    lowest: float


def best_f1(sweep: PixelCounts) -> BestF1:
    """Maximum of F1 over every prediction A > z, "everything" included; ties: the highest z."""
    if _undefined(sweep):
        return BestF1(NAN, None, False, NAN)
    tp, fp = _descending(sweep)
    f1 = 2 * tp / (tp + fp + sweep.anomalous)  # 2TP + FP + FN = TP + FP + P
    best = int(np.argmax(f1))
    lowest = float(sweep.scores[-best])  # the empty prediction, F1 = 0, is never the best
    while best < tp.size - 1 and not sweep.changes[-1 - best].any():  # an edge without pixels
        best += 1
    everything = best == tp.size - 1
    threshold = None if everything else float(sweep.scores[::-1][best])
    return BestF1(float(f1[best]), threshold, everything, lowest)
