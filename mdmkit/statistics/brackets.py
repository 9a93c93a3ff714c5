"""Bounds of the ranking metrics where only part of the scores is known exactly.

The pixels of a *loose* score lie anywhere between the score below and it. Every bound holds
for each way in which they may be ordered. `sweep` holds both classes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mdmkit.statistics.pixels import PixelCounts

Bounds = tuple[float, float]
Loose = NDArray[np.bool_]
Counts = NDArray[np.int64]


def _groups(sweep: PixelCounts) -> tuple[Counts, Counts, Counts, Counts]:
    """TP and FP above each score, and the anomalous and normal pixels of it."""
    return *sweep.totals[1:].T, *sweep.changes.T


def average_precision_bounds(sweep: PixelCounts, loose: Loose) -> Bounds:
    """Anomalous pixels of a loose score come last or first; others all at once."""
    tp, fp, p, n = _groups(sweep)
    share = p / sweep.anomalous
    with np.errstate(invalid="ignore"):
        at_once = (tp + p) / (tp + p + fp + n)
        low = np.where(loose, (tp + 1) / (tp + 1 + fp + n), at_once)
        high = np.where(loose, (tp + p) / (tp + p + fp), at_once)
    some = p > 0
    return float(np.sum((share * low)[some])), float(np.sum((share * high)[some]))


def auroc_bounds(sweep: PixelCounts, loose: Loose) -> Bounds:
    """Normal pixels of a loose score come before or after its anomalous ones; others tie."""
    tp, _, p, n = _groups(sweep)
    pairs = float(sweep.anomalous) * sweep.normal
    low = np.where(loose, tp, tp + p / 2)
    high = np.where(loose, tp + p, tp + p / 2)
    return float(np.sum(n * low) / pairs), float(np.sum(n * high) / pairs)


def fpr_at_tpr_bounds(sweep: PixelCounts, loose: Loose, tpr: float) -> Bounds:
    """The rate is reached somewhere within one score."""
    tp, fp, p, n = _groups(sweep)
    first = int(np.flatnonzero((tp + p) / sweep.anomalous >= tpr)[-1])
    high = float((fp[first] + n[first]) / sweep.normal)
    return (float(fp[first] / sweep.normal) if loose[first] else high), high


def best_f1_highs(sweep: PixelCounts, loose: Loose) -> NDArray[np.float64]:
    """The largest F1 that a prediction ending within each score can have."""
    tp, fp, p, n = _groups(sweep)
    return np.asarray(2 * (tp + p) / (tp + p + fp + np.where(loose, 0, n) + sweep.anomalous))
