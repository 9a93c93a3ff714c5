"""Scores by class: what lies between two, and what two sorted classes are together.

NO VALIDATION HERE. On entry must hold: `scores` and `labels` are flat, contiguous and of one
size; `labels` is uint8 and `table` gives the class of each of its 256 values. Arrays said to
be sorted ascend and hold no NaN. -0.0 and 0.0 are one score.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import kernel

NORMAL, ANOMALOUS, IGNORED, UNKNOWN = range(4)  # the classes of mdmkit.core.frame


@kernel
def range_between(scores, labels, table, low, high, smallest, largest):
    """Smallest and largest score of the pixels in use in [low, high), and those given.

    Ends as soon as they differ.
    """
    for i in range(scores.size):
        if smallest < largest:
            break
        score = np.float64(scores[i])
        if low <= score < high and table[labels[i]] < IGNORED:
            smallest = min(smallest, score)
            largest = max(largest, score)
    return smallest, largest


@kernel
def merge_classes(normal, anomalous, scores, changes):
    """Count sorted scores by class; returns the number of distinct ones.

    Writes them to `scores`, ascending in float64, with (anomalous, normal) pixels to `changes`.
    """
    n = 0
    i = 0
    j = 0
    while i < normal.size or j < anomalous.size:
        if j == anomalous.size or (i < normal.size and normal[i] < anomalous[j]):
            score = normal[i]
        else:
            score = anomalous[j]
        first_normal = i
        while i < normal.size and normal[i] == score:
            i += 1
        first_anomalous = j
        while j < anomalous.size and anomalous[j] == score:
            j += 1
        scores[n] = np.float64(score) + 0.0  # -0.0 becomes 0.0
        changes[n, 0] = j - first_anomalous
        changes[n, 1] = i - first_normal
        n += 1
    return n
