"""Sums over levels of anomalous scores.

NO VALIDATION HERE. On entry must hold: all arrays have a place a level; TP + FP > 0 where a level
has anomalous pixels.
"""

from __future__ import annotations

from mdmkit.statistics.kernels import kernel


@kernel
def fill_terms(anomalous, true, false, terms):
    """Write anomalous pixels times precision of each level that has some; returns how many."""
    n = 0
    for i in range(anomalous.size):
        if anomalous[i] > 0:
            terms[n] = anomalous[i] * (true[i] / (true[i] + false[i]))
            n += 1
    return n
