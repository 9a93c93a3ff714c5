"""Segment metrics by brute force: binarise, label with scipy, apply the formulas.

Nothing here is shared with mdmkit. `world` turns arrays into float64 scores and masks; each metric
judges one threshold; `margin` walks over every step of d.
"""

from __future__ import annotations

from math import fsum, isnan, nan

import numpy as np
from scipy.ndimage import label

EIGHT = np.ones((3, 3), int)
QUALITIES = np.linspace(0.25, 0.75, 11)


def world(scores, target, anomaly=1, ignore=255):
    """(scores in float64, anomalous, valid) of one frame; unsigned integers are value / max."""
    scores = np.asarray(scores)
    if scores.dtype.kind == "u":
        scores = scores / np.float64(np.iinfo(scores.dtype).max)
    target = np.asarray(target)
    return scores.astype(np.float64), target == anomaly, target != ignore


def counts(frames, z):
    """TP, FP, FN, TN of the prediction score > z over all frames."""
    tp = fp = fn = tn = 0
    for scores, anomalous, valid in frames:
        predicted = np.zeros(scores.shape, bool)
        predicted[valid] = scores[valid] > z
        tp += int((predicted & anomalous & valid).sum())
        fp += int((predicted & ~anomalous & valid).sum())
        fn += int((~predicted & anomalous & valid).sum())
        tn += int((~predicted & ~anomalous & valid).sum())
    return tp, fp, fn, tn


def f1(frames, z):
    tp, fp, fn, _ = counts(frames, z)
    return 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else nan


def iou(frames, z):
    tp, fp, fn, _ = counts(frames, z)
    return tp / (tp + fp + fn) if tp + fp + fn else nan


def precision(frames, z):
    tp, fp, _, _ = counts(frames, z)
    return tp / (tp + fp) if tp + fp else nan


def recall(frames, z):
    tp, _, fn, _ = counts(frames, z)
    return tp / (tp + fn) if tp + fn else nan


def components(frames, z, min_prediction=0, min_target=0, counts_too=None):
    """(sIoU of each ground-truth component, PPV of each predicted one) over all frames.

    `counts_too(mask)` may say that a ground-truth component is to be treated as a small one.
    """
    sious, ppvs = [], []
    for scores, anomalous, valid in frames:
        predicted = np.zeros(scores.shape, bool)
        predicted[valid] = scores[valid] > z
        predicted_ids, n_predicted = label(predicted, EIGHT)
        target_ids, n_targets = label(anomalous & valid, EIGHT)
        target_sizes = np.bincount(target_ids.ravel(), minlength=n_targets + 1)
        left_out = [
            i
            for i in range(1, n_targets + 1)
            if target_sizes[i] < min_target or (counts_too and not counts_too(target_ids == i))
        ]
        small = np.isin(target_ids, left_out)
        in_target = (target_ids > 0) & ~small
        normal = valid & ~anomalous
        sizes = np.bincount(predicted_ids.ravel(), minlength=n_predicted + 1)
        kept = [j for j in range(1, n_predicted + 1) if sizes[j] >= min_prediction]
        for i in range(1, n_targets + 1):
            if i in left_out:
                continue
            target = target_ids == i
            touching = [j for j in np.unique(predicted_ids[target]) if j in kept]
            union = np.isin(predicted_ids, touching)
            covered = int((union & target).sum())
            sious.append(covered / (int(target_sizes[i]) + int((union & normal).sum())))
        for j in kept:
            component = predicted_ids == j
            inside, outside = int((component & in_target).sum()), int((component & normal).sum())
            if inside + outside:
                ppvs.append(inside / (inside + outside))
    return sious, ppvs


def fast_components(frames, z, min_prediction=0, min_target=0):
    """`components` for large frames: the same by counting overlaps of the two labellings."""
    sious, ppvs = [], []
    for scores, anomalous, valid in frames:
        predicted = np.zeros(scores.shape, bool)
        predicted[valid] = scores[valid] > z
        p_ids, n_p = label(predicted, EIGHT)
        t_ids, n_t = label(anomalous & valid, EIGHT)
        pairs = (t_ids.astype(np.int64) * (n_p + 1) + p_ids)[valid]
        overlap = np.bincount(pairs, minlength=(n_t + 1) * (n_p + 1)).reshape(n_t + 1, n_p + 1)
        t_sizes = np.bincount(t_ids.ravel(), minlength=n_t + 1)
        targets = [i for i in range(1, n_t + 1) if t_sizes[i] >= min_target]
        kept = np.flatnonzero(overlap.sum(axis=0) >= max(min_prediction, 1))
        kept = kept[kept > 0]
        for i in targets:
            touching = kept[overlap[i, kept] > 0]  # row 0 of overlap: pixels of no target
            union = t_sizes[i] + overlap[0, touching].sum()
            sious.append(int(overlap[i, touching].sum()) / int(union))
        for inside, outside in zip(
            overlap[targets][:, kept].sum(axis=0), overlap[0, kept], strict=True
        ):
            if inside + outside:
                ppvs.append(int(inside) / int(inside + outside))
    return sious, ppvs


def mean_f1_of(sious, ppvs):
    """Mean component F1 of given sIoU and PPV values."""
    values = []
    for t in QUALITIES:
        tp = sum(s >= t for s in sious)
        values.append(2 * tp / (len(sious) + tp + sum(p < t for p in ppvs)))
    return fsum(values) / len(values)


def siou(frames, z, **sizes):
    sious, _ = components(frames, z, **sizes)
    return fsum(sious) / len(sious)


def ppv(frames, z, **sizes):
    _, ppvs = components(frames, z, **sizes)
    return fsum(ppvs) / len(ppvs) if ppvs else nan


def mean_f1(frames, z, **sizes):
    return mean_f1_of(*components(frames, z, **sizes))


METRICS = {
    "f1": f1, "iou": iou, "precision": precision, "recall": recall,
    "siou": siou, "ppv": ppv, "mean_f1": mean_f1,
}  # fmt: skip


def steps(frames):
    """Lower ends of the steps of d on [0, 1]: 0 and every distinct positive score."""
    positive = [scores[valid & (scores > 0)] for scores, _, valid in frames]
    return np.concatenate([[0.0], np.unique(np.concatenate(positive))])


def curve(frames, metric, **sizes):
    """d at each step."""
    return [METRICS[metric](frames, z, **sizes) for z in steps(frames)]


def margin(frames, t_margin, metric, **sizes):
    """(value, interval) of the longest run of steps with d > T; of several the lowest."""
    edges = [*steps(frames).tolist(), 1.0]
    best, start = (0.0, None), None
    values = [*curve(frames, metric, **sizes), nan]
    for i, value in enumerate(values):
        passes = not isnan(value) and value > t_margin
        if passes and start is None:
            start = edges[i]
        if not passes and start is not None:
            if edges[i] - start > best[0]:
                best = (edges[i] - start, (start, edges[i]))
            start = None
    return best
