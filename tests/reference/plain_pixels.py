"""Pixel statistics by brute force: every distinct score, every prediction, in numpy alone."""

from __future__ import annotations

from math import fsum

import numpy as np


class PlainPixels:
    """TP and FP of the predictions A >= score for all distinct scores, descending.

    `frames` are (scores in float64, anomalous, valid) of `brute.world`.
    """

    def __init__(self, frames):
        values = np.concatenate([scores[valid] for scores, _, valid in frames]) + 0.0
        classes = np.concatenate([anomalous[valid] for _, anomalous, valid in frames])
        self.scores = np.unique(values)[::-1]
        self.tp = np.array([(classes & (values >= s)).sum() for s in self.scores])
        self.fp = np.array([(~classes & (values >= s)).sum() for s in self.scores])
        self.p, self.n = int(classes.sum()), int((~classes).sum())
        self.values, self.classes = values, classes

    def above(self, z):
        above = self.values > z
        return [int((above & self.classes).sum()), int((above & ~self.classes).sum())]

    def average_precision(self):
        gained = np.diff(self.tp, prepend=0)
        precision = self.tp / (self.tp + self.fp)
        return fsum((gained * precision).tolist()) / self.p

    def auroc(self):
        a, n = self.values[self.classes][:, None], self.values[~self.classes][None]
        twice = 2 * int((n < a).sum()) + int((n == a).sum())
        return twice / (2 * self.p * self.n)

    def fpr_at_tpr(self, tpr):
        first = next(i for i, t in enumerate(self.tp) if t / self.p >= tpr)
        return self.fp[first] / self.n

    def best_f1(self):
        """(value, threshold, lowest predicted score); no threshold where all are predicted."""
        f1 = [2 * t / (t + f + self.p) for t, f in zip(self.tp, self.fp, strict=True)]
        best = f1.index(max(f1))
        below = float(self.scores[best + 1]) if best + 1 < len(f1) else None
        return f1[best], below, float(self.scores[best])
