"""Bounds on component statistics between two thresholds, whatever the order of pixels between them.

NO VALIDATION HERE. See `state` beside this. A bin is what joins between two recorded rows; it
has parts. Only the states at the ends of parts are seen; what holds for any prediction X between
two states *before* and *after* follows from what has been counted:

- I_i and U_i of a target never fall, so sIoU_i lies in [I_before / U_after, I_after / U_before],
  and in [after, before] where I_i is the same;
- a component of X holds kept components of before, or none. Those that hold some are as many as
  components of after that do, at least: the ones of before less those that MERGED. One that holds
  none is made of pixels that joined in this part, `min_prediction` of them at least (FRESH); if one
  is enough, of new pixels apart from all of before (SEEDS), or of an unkept component (SWALLOWED);
- the PPV of a component of X that holds one row counted before lies between p / (p + n after) and
  p after / (p after + n), and FP at a quality are the components less those that reach it;
- a component that touches a target without holding such a row has an anomalous pixel or an unkept
  component that touches a target of its own among what joined (STAINED).
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inlined_kernel
from mdmkit.statistics.kernels.overlaps import normal_pixels
from mdmkit.statistics.kernels.state import (
    ANOMALOUS,
    BEYOND,
    BIN_NOW,
    COUNTED,
    COVERED,
    FALSE,
    FEWEST,
    FRESH,
    HELD,
    MERGED,
    MOST,
    N_LATE,
    N_MOVED,
    PART,
    PIXELS,
    PPV,
    PREDICTED,
    RANK,
    REACHED,
    ROOT,
    ROWS_KEPT,
    SEEDS,
    SIOU,
    STAINED,
    SWALLOWED,
    TAKEN_IN,
    TP,
    TURNED,
    UPSTARTS,
    WAS_ANOMALOUS,
    WAS_COVERED,
    WAS_PLAIN,
    WAS_UNION,
)

UNIT = 2.0**40  # bounds on sums are integers in units of 1 / UNIT


@inlined_kernel
def fixed(totals, at):
    """A sum of ratios in units of 2^-40, rounded down."""
    middle = totals[at + 1] + (totals[at + 2] >> 28)
    return (totals[at] << 12) + (middle >> 16)


@inlined_kernel
def end_part(s):
    """Include the states within a part of a bin in the bounds on numbers of components."""
    counters = s.counters
    if s.min_prediction <= 1:
        more = min(counters[SEEDS] + counters[SWALLOWED], counters[FRESH])
    else:
        more = counters[FRESH] // s.min_prediction
    counters[FEWEST] = min(counters[FEWEST], counters[HELD] - counters[MERGED])
    counters[MOST] = max(counters[MOST], counters[HELD] + more)
    counters[UPSTARTS] += min(counters[STAINED], more + counters[TURNED])
    counters[HELD] = counters[FALSE] + counters[ROWS_KEPT]
    counters[MERGED] = counters[FRESH] = counters[SWALLOWED] = counters[SEEDS] = 0
    counters[STAINED] = counters[TURNED] = 0
    counters[PART] += 1


@inlined_kernel
def begin_bin(s):
    """Let bounds start anew at what is counted now."""
    counters = s.counters
    counters[FEWEST] = counters[MOST] = counters[HELD]
    counters[UPSTARTS] = counters[N_MOVED] = 0
    counters[BIN_NOW] += 1
    s.spread[0, 0] = fixed(s.totals, SIOU)


@inlined_kernel
def bound_components(s):
    """Bound the sum of PPV, and how many components reach each quality, before both are settled.

    Writes low and high of that sum, and at most and at least as many, where bounds of FP will be.
    """
    touching, totals, counters = s.touching, s.totals, s.counters
    qualities, spread = s.qualities, s.spread
    n = qualities.size
    spread[0, 1] = fixed(totals, PPV)
    spread[1, 1] = spread[0, 1] + 1 + counters[UPSTARTS] * np.int64(UNIT)
    for i in range(n):
        spread[1, 3 + i] = totals[TP + i]
        spread[1, 3 + n + i] = totals[PREDICTED] - totals[TP + n + i]
        spread[0, 3 + n + i] = spread[1, 3 + n + i] + counters[UPSTARTS]
    for k in range(counters[N_LATE]):
        t = s.queue[1, k]
        if touching[t, ROOT] < 0:
            continue
        counted, rank, ratio = touching[t, COUNTED], touching[t, RANK], s.ratios[t]
        several = counted + touching[t, TAKEN_IN]
        least, most = 0.0, float(several)
        if counted and several == 1:
            least = touching[t, WAS_ANOMALOUS] / (
                touching[t, WAS_ANOMALOUS] + normal_pixels(touching[t, ROOT], s)
            )
            most = touching[t, ANOMALOUS] / (touching[t, ANOMALOUS] + touching[t, WAS_PLAIN])
        if not counted:
            ratio, rank = 0.0, 0
        spread[0, 1] += np.int64(np.floor((least - ratio) * UNIT)) - 1
        spread[1, 1] += np.int64(np.ceil((most - ratio) * UNIT)) + 1
        if several > 1:  # each of them may reach every quality
            for i in range(rank):
                spread[0, 3 + n + i] += several - 1
        i = rank
        while i < n and most >= qualities[i]:
            spread[0, 3 + n + i] += several
            i += 1
        i = rank
        while i > 0 and least < qualities[i - 1]:
            i -= 1
            spread[1, 3 + n + i] -= 1


@inlined_kernel
def bound_targets(s):
    """Bound the sum of sIoU and the true positives, now that they are settled."""
    totals, counters, targets = s.totals, s.counters, s.targets
    qualities, spread = s.qualities, s.spread
    n = qualities.size
    low, high = fixed(totals, SIOU), spread[0, 0] + 1
    for i in range(n):
        spread[0, 3 + i] = totals[TP + i]
    for k in range(counters[N_MOVED]):
        g = s.target_queue[1, k]
        if targets[g, COVERED] == targets[g, WAS_COVERED]:
            continue
        union, before = targets[g, PIXELS] + targets[g, BEYOND], targets[g, WAS_UNION]
        least, most = targets[g, WAS_COVERED] / union, targets[g, COVERED] / before
        was = targets[g, WAS_COVERED] / before
        low += np.int64(np.floor((least - s.sious[g]) * UNIT)) - 1
        high += np.int64(np.ceil((most - was) * UNIT)) + 1
        i = targets[g, REACHED]
        while i > 0 and least < qualities[i - 1]:
            i -= 1
            spread[0, 3 + i] -= 1
        i = 0
        while i < n and most >= qualities[i]:
            spread[1, 3 + i] += was < qualities[i]
            i += 1
    spread[0, 0], spread[1, 0] = low, high


@inlined_kernel
def write_bounds(at, bounds, hit_bounds, s):
    """Write low, then high, of the sums of sIoU and PPV and the number; and of TP, FP."""
    n = hit_bounds.shape[1] // 4
    for side in range(2):
        number = s.counters[FEWEST + side]
        bounds[at, 3 * side] = max(s.spread[side, 0], 0)
        bounds[at, 3 * side + 1] = max(s.spread[side, 1], 0)
        bounds[at, 3 * side + 2] = number
        for i in range(n):
            hit_bounds[at, 2 * n * side + i] = max(s.spread[side, 3 + i], 0)
            hit_bounds[at, 2 * n * side + n + i] = max(number - s.spread[side, 3 + n + i], 0)
