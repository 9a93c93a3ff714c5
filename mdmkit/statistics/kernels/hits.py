"""Component F1 of counts of true and false positives.

NO VALIDATION HERE. On entry must hold: `hits` (n, 2 k) holds TP, then FP, at each of k < 2^10
qualities, counts below 2^31; `values` has a place a row.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import kernel

#: Added to a number in [0, 1] it leaves multiples of 2^-42.
_CUT = 1.5 * 2.0**10


@kernel
def fill_mean_f1(hits, targets, values):
    """Write the mean over qualities of 2 TP / (targets + TP + FP), as `math.fsum` has it.

    Each ratio is a multiple of 2^-84. It is cut at 2^-42: sums of the upper parts, and of the rests,
    are exact, so that a single rounding is left. Column by column, as statistics lie in memory.
    """
    qualities = hits.shape[1] // 2
    upper, lower = np.zeros(values.size), np.zeros(values.size)
    for q in range(qualities):
        tp, fp = hits[:, q], hits[:, qualities + q]
        for i in range(values.size):
            all_and_found = targets + tp[i] + fp[i]
            f1 = 2 * tp[i] / all_and_found if all_and_found > 0 else np.nan
            cut = (f1 + _CUT) - _CUT
            upper[i] += cut
            lower[i] += f1 - cut
    for i in range(values.size):
        values[i] = (upper[i] + lower[i]) / qualities
