"""PRO, sPRO, AUPRO and AUPIMO as literal loops over thresholds and regions."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
from scipy.ndimage import label


def components(target):
    """Masks of the components by 8-connectivity."""
    labels, n = label(target, np.ones((3, 3)))
    return [labels == i for i in range(1, n + 1)]


def pro(frames, z):
    """Mean covered fraction over (scores, regions, ...) with regions (mask, saturation area)."""
    fractions = [
        min((mask & (scores > z)).sum() / saturation, 1)
        for scores, regions, _ in frames
        for mask, saturation in regions
    ]
    return np.mean(fractions)


def aupro(frames, limit):
    """Points at every distinct score, trapezoids, linear interpolation at the limit."""
    scores = np.unique(np.concatenate([s[np.isfinite(s)] for s, _, _ in frames]))
    normal = sum(mask.sum() for _, _, mask in frames)
    points = [(0.0, 0.0)]
    for z in [*scores[::-1], -np.inf]:
        false = sum((mask & (s > z)).sum() for s, _, mask in frames)
        points.append((false / normal, pro(frames, z)))
    points.append((1.0, 1.0))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        if x1 <= limit:
            area += (x1 - x0) * (y0 + y1) / 2
        elif x0 < limit:
            y = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
            area += (limit - x0) * (y0 + y) / 2
    return area / limit


def aupimo(frames, least, most):
    """Of each anomalous (scores, target, valid), by steps of the shared false positive rate."""
    normal = [(s, valid) for s, target, valid in frames if not target.any() and valid.any()]
    images = [(s, target) for s, target, _ in frames if target.any()]
    thresholds = np.unique(np.concatenate([s[valid] for s, valid in normal]))[::-1]
    rate = [np.mean([(s[valid] > z).mean() for s, valid in normal]) for z in thresholds] + [1.0]
    results = []
    for scores, target in images:
        area = 0.0
        for k, z in enumerate(thresholds):
            low, high = (min(max(rate[j], least), most) for j in (k, k + 1))
            area += (scores[target] > z).mean() * (log(high) - log(low))
        results.append(area / log(most / least))
    return np.sort(results)
