"""The margin and the rate of Maskomaly's release, the slow way: one mask for each of 1000 steps."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_curve


def run_length(scores, anomalous, t_margin, steps=1000):
    """The longest run of thresholds 0, 1 / steps, ... at which F1 > T, divided by `steps`."""
    scores, anomalous = np.asarray(scores, np.float32), np.asarray(anomalous, bool)
    longest = current = 0
    for i in range(steps):
        predicted = (scores >= np.float32(i / steps)) & (scores > 0)
        hits = int((predicted & anomalous).sum())
        f1 = 2 * hits / (int(predicted.sum()) + int(anomalous.sum()))
        current = current + 1 if f1 > t_margin else 0
        longest = max(longest, current)
    return longest / steps


def fpr_beyond(scores, anomalous, tpr=0.9):
    """FPR at the first point that scikit-learn's ROC curve keeps with a TPR above `tpr`."""
    fprs, tprs, _ = roc_curve(anomalous, scores)
    return float(fprs[tprs > tpr][0])
