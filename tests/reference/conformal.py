"""The order statistic of conformal prediction, by its formula."""

from __future__ import annotations

from math import ceil

import numpy as np


def next_frame_threshold(levels, rate):
    """The k-th smallest level, k = ceil((1 - rate) (F + 1)); None where k exceeds F."""
    k = ceil((1 - rate) * (len(levels) + 1) - 1e-9)
    return float(np.sort(levels)[k - 1]) if k <= len(levels) else None
