"""Ranking metrics of pixels, on raw scores and the whole real line; NaN where undefined.

Anomaly is the positive class. They are undefined without anomalous or without normal pixels. Sums
round the same way whatever a group of pixels is known to: a bound never lies beyond the value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import fsum

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_share
from mdmkit.statistics.levels import Counts, Levels
from mdmkit.statistics.score_bins import AnyPixels, BracketedPixels

NAN = float("nan")
Ratio = NDArray[np.float64]
_SUMMED = 2**16
Bounds = tuple[float, float]


def _undefined(pixels: AnyPixels) -> bool:
    return pixels.anomalous == 0 or pixels.normal == 0


def average_precision(pixels: AnyPixels) -> float:
    """Area under the precision-recall curve, as a step-wise sum: sum (R_n - R_n-1) P_n."""
    if _undefined(pixels):
        return NAN
    # divided by the anomalous pixels last: so that a perfect ranking has 1.0, and none more
    return _sum(_terms(level) for level in pixels.levels()) / pixels.anomalous


def _terms(level: Levels) -> Ratio:
    """Anomalous pixels times precision, of each score that has some."""
    from mdmkit.statistics.kernels.ranking import fill_terms

    terms = np.empty(level.anomalous.size)
    return terms[: fill_terms(level.anomalous, level.true, level.false, terms)]


def _sum(parts: Iterable[Ratio]) -> float:
    """The sum of numbers >= 0, however they were cut; never falls as one of them rises."""
    sums, rest = [], np.empty(0)
    for part in parts:
        rest = np.concatenate([rest, part])
        whole = rest.size - rest.size % _SUMMED
        sums += rest[:whole].reshape(-1, _SUMMED).sum(axis=1).tolist()
        rest = rest[whole:]
    return fsum([*sums, float(rest.sum())])


def auroc(pixels: AnyPixels) -> float:
    """Area under the ROC curve: the share of pairs in order, ties counting half."""
    if _undefined(pixels):
        return NAN
    twice, false = 0, 0  # in integers, rounded once
    for level in pixels.levels():
        above = level.true - level.anomalous
        twice += int(level.normal @ (2 * above + level.anomalous) + 2 * (level.between @ above))
        false = int(level.false[-1])
    pairs = pixels.anomalous * pixels.normal
    return (twice + 2 * pixels.anomalous * (pixels.normal - false)) / (2 * pairs)


@dataclass(frozen=True)
class RocPoint:
    """The first point of the full ROC curve with at least some TPR.

    Attributes
    ----------
    fpr : float
        Its false positive rate; NaN where undefined.
    threshold : float or None
        A > threshold is exactly its prediction: the lower end of its step. None where it is
        everything, or undefined.
    """

    fpr: float
    threshold: float | None


def point_at_tpr(pixels: AnyPixels, tpr: float) -> RocPoint:
    """The first point of the full ROC curve with TPR >= `tpr`, in (0, 1]."""
    check_share(tpr, "tpr")
    if _undefined(pixels):
        return RocPoint(NAN, None)
    for level in pixels.levels():
        first = int(np.argmax(level.true / pixels.anomalous >= tpr))
        if level.true[first] / pixels.anomalous >= tpr:
            fpr = float(level.false[first] / pixels.normal)
            return RocPoint(fpr, pixels.below(level.keys[first]))
    raise AssertionError("a TPR of 1 is reached")


def fpr_at_tpr(pixels: AnyPixels, tpr: float) -> float:
    """False positive rate at the first point of the full ROC curve with TPR >= `tpr`."""
    return point_at_tpr(pixels, tpr).fpr


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


def best_f1(pixels: AnyPixels) -> BestF1:
    """Maximum of F1 over every prediction A > z, "everything" included; ties: the highest z."""
    if _undefined(pixels):
        return BestF1(NAN, None, False, NAN)
    value, lowest = -1.0, None
    for level in pixels.levels():
        f1 = 2 * level.true / (level.true + level.false + pixels.anomalous)  # 2TP + FP + FN
        best = int(np.argmax(f1))
        if f1[best] > value:
            value, lowest = float(f1[best]), level.keys[best]
    threshold = pixels.below(lowest)
    return BestF1(value, threshold, threshold is None, pixels.score_of(lowest))


# Bounds where pixels are known in groups: those of an unresolved group lie anywhere from its least
# to its greatest score, in any order.


def _groups(pixels: BracketedPixels) -> tuple[Counts, Counts, Counts, Counts, NDArray[np.bool_]]:
    """TP and FP above each group, its anomalous and normal pixels, and whether it is unresolved."""
    parts = (*pixels.totals[1:].T, *pixels.changes.T)
    tp, fp, p, n = (part[::-1] for part in parts)
    return tp, fp, p, n, pixels.unresolved[::-1]


def average_precision_bounds(pixels: BracketedPixels) -> Bounds:
    """Anomalous pixels of an unresolved group come last or first; others all at once."""
    tp, fp, p, n, unresolved = _groups(pixels)
    at_once = (tp + p) / (tp + p + fp + n)
    least = np.where(unresolved, (tp + 1) / (tp + 1 + fp + n), at_once)
    most = np.where(unresolved, (tp + p) / np.maximum(tp + p + fp, 1), at_once)
    some = p > 0
    low, high = (_sum([np.asarray(p * part, np.float64)[some]]) for part in (least, most))
    low, high = low / pixels.anomalous, high / pixels.anomalous
    return low, high


def auroc_bounds(pixels: BracketedPixels) -> Bounds:
    """Normal pixels of an unresolved group come before or after its anomalous ones; others tie."""
    tp, _, p, n, unresolved = _groups(pixels)
    pairs = 2 * pixels.anomalous * pixels.normal
    low = int(n @ np.where(unresolved, 2 * tp, 2 * tp + p))
    return low / pairs, int(n @ np.where(unresolved, 2 * (tp + p), 2 * tp + p)) / pairs


def fpr_at_tpr_bounds(pixels: BracketedPixels, tpr: float) -> Bounds:
    """The rate is reached somewhere within one group."""
    tp, fp, p, n, unresolved = _groups(pixels)
    first = int(np.argmax((tp + p) / pixels.anomalous >= tpr))
    high = float((fp[first] + n[first]) / pixels.normal)
    return (float(fp[first] / pixels.normal) if unresolved[first] else high), high


def reaching_tpr(pixels: BracketedPixels, tpr: float) -> NDArray[np.bool_]:
    """The one group in which the rate is reached, shape (n,)."""
    reached = pixels.totals[:-1, 0] / pixels.anomalous >= tpr
    groups = np.zeros(reached.size, bool)
    groups[np.flatnonzero(reached)[-1:]] = True
    return groups


def best_f1_highs(pixels: BracketedPixels) -> NDArray[np.float64]:
    """The largest F1 that a prediction ending within each group can have, ascending in score."""
    tp, fp, p, n, unresolved = _groups(pixels)
    highs = 2 * (tp + p) / (tp + p + fp + np.where(unresolved, 0, n) + pixels.anomalous)
    return np.asarray(highs[::-1])
