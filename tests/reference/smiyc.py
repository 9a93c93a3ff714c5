"""What SegmentMeIfYouCan's tools report, the slow way: every threshold of every frame, in turn.

`curve` is the pixel curve, `ap`, `fpr95` and `best` read it; `prediction` is what the component
metrics get. The two earlier ways of the tools that `docs/protocols.md` measures are here as well.
"""

from __future__ import annotations

import numpy as np


def thresholds_of(scores, anomalous):
    """Lower edges of one frame's bins: quantiles of its anomalous and of its normal scores."""
    edges = [
        np.quantile(some, np.linspace(0, 1, min(384, some.size)))
        for some in (scores[anomalous], scores[~anomalous])
        if some.size
    ]
    return np.unique(np.concatenate(edges).astype(np.float64))


def worlds(frames, anomaly=1, ignore=255):
    """For each frame float16 scores and anomalous flags of its valid pixels."""
    found = []
    for scores, target in frames:
        valid = np.asarray(target) != ignore
        half = np.asarray(scores).astype(np.float16)[valid]
        found.append((half, np.asarray(target)[valid] == anomaly))
    return found


def reached(z, edges):
    """The lowest of a frame's own edges that is >= z: where its pixels join a pooled curve."""
    above = edges[edges >= z]
    return above.min() if above.size else np.inf


def curve(frames, **labels):
    """[(threshold, TP, FP)] over the edges of all frames, descending."""
    world = worlds(frames, **labels)
    own = [thresholds_of(*frame) for frame in world]
    points = []
    for z in np.unique(np.concatenate(own))[::-1]:
        tp = fp = 0
        for (scores, anomalous), edges in zip(world, own, strict=True):
            predicted = scores >= reached(z, edges)
            tp += int((predicted & anomalous).sum())
            fp += int((predicted & ~anomalous).sum())
        points.append((float(z), tp, fp))
    return points


def ap(points):
    total, before, positives = 0.0, 0, points[-1][1]
    for _, tp, fp in points:
        if tp + fp:
            total += (tp - before) / positives * tp / (tp + fp)
        before = tp
    return total


def fpr95(points):
    _, positives, negatives = points[-1]
    return next(fp / negatives for _, tp, fp in points if tp / positives >= 0.95)


def best(points):
    """(F1, threshold) of the best point, the one with the highest threshold of several."""
    positives = points[-1][1]
    f1 = [2 * tp / (tp + fp + positives) for _, tp, fp in points]
    place = int(np.argmax(f1))
    return f1[place], points[place][0]


def prediction(scores, z):
    """The mask for the component metrics: strictly above, compared in float16."""
    return np.asarray(scores).astype(np.float16) > np.float16(z)


def shifted_threshold(points, thresholds):
    """The threshold of the tools of early 2023, which looked it up at the wrong place.

    Repeated thresholds were collapsed in the counts, with the first one kept twice and the empty
    prediction before it, but not in the list of thresholds that the place of the best F1 indexed.
    """
    _, z = best(points)
    distinct = [point[0] for point in points]
    place = distinct.index(z)
    return float(thresholds[1 if place == 0 else place + 2])


def pooled_thresholds(frames, **labels):
    """Every frame's edges in one descending list, repeated where frames share them."""
    own = [thresholds_of(*frame) for frame in worlds(frames, **labels)]
    return np.sort(np.concatenate(own))[::-1]


def trapezoid_ap(points):
    """The area of the tools until 2022: trapezoids between points, from the first one on."""
    recall = [tp / points[-1][1] for _, tp, _ in points]
    precision = [tp / (tp + fp) for _, tp, fp in points]
    return float(np.trapezoid(precision, recall))
