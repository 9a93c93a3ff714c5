"""Verdicts d > T while components are swept: when a level is to be recorded, when to stop.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`. `required` has pairs of what a T is for, and T. A
level is recorded where a verdict is not what it was, or is too close to call with running sums.
Between looks, sums as counted may fall by `limits` and components without a target range in
[LOW, HIGH] without any verdict changing.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inner_kernel
from mdmkit.statistics.kernels.state import (
    BEYOND,
    F1_HIGH,
    F1_LOW,
    FALSE,
    HIGH,
    HIT,
    LOW,
    NEAR,
    PIXELS,
    PPV,
    PPV_FALL,
    PREDICTED,
    SIOU,
    SIOU_FALL,
    TP,
)

OF_SIOU, OF_PPV, OF_MEAN_F1 = range(3)  # what a required T is for
FAILS, PASSES, NEARLY = range(3)  # verdicts; NEARLY is left to whoever reads the row
ANY = 2**40


@inner_kernel
def total_of(totals, at):
    """A sum of ratios, nearly."""
    return totals[at] * 2.0**-28 + totals[at + 1] * 2.0**-56 + totals[at + 2] * 2.0**-84


@inner_kernel
def mean_f1(totals, false, n_targets):
    """Mean F1 with a given number of components that touch no target, nearly."""
    n = (totals.size - TP) // 2
    value = 0.0
    for i in range(n):
        tp = totals[TP + i]
        if tp > 0:
            value += 2 * tp / (n_targets + tp + totals[TP + n + i] + false)
    return value / n


@inner_kernel
def in_doubt(required, passes, totals, n_targets, counters, drift):
    """Whether sums which count what was put off too high leave a verdict on sIoU or PPV open."""
    for i in range(required.shape[0]):
        kind, t = required[i, 0], required[i, 1]
        if kind == OF_SIOU:
            high, fall, n = total_of(totals, SIOU), drift[SIOU_FALL], n_targets
        elif kind == OF_PPV:
            high, fall = total_of(totals, PPV), drift[PPV_FALL]
            n = totals[PREDICTED] + counters[FALSE]
        else:
            continue
        if high > 0.0 and passes[i] == NEARLY:
            return True
        if high > 0.0 and (high - fall <= (t + NEAR) * n if passes[i] else high >= (t - NEAR) * n):
            return True
    return False


@inner_kernel
def f1_changed(counters):
    """Whether a verdict on mean F1 can have changed."""
    false = counters[FALSE]
    return counters[HIT] != 0 or false < counters[F1_LOW] or false > counters[F1_HIGH]


@inner_kernel
def judge(required, passes, totals, n_targets, counters):
    """Renew all verdicts (FAILS before the first level); whether the level is to be recorded for it."""
    record = False
    hit = f1_changed(counters)
    for i in range(required.shape[0]):
        kind, t = required[i, 0], required[i, 1]
        if kind == OF_SIOU:
            value = total_of(totals, SIOU) / n_targets
        elif kind == OF_PPV:
            value = total_of(totals, PPV) / max(totals[PREDICTED] + counters[FALSE], 1)
        elif hit:
            value = mean_f1(totals, counters[FALSE], n_targets)
        else:
            continue
        now = PASSES if value > t else FAILS
        if abs(value - t) <= NEAR and value != 0.0:
            now = NEARLY
        record |= now != passes[i] or now == NEARLY
        passes[i] = now
    return record


@inner_kernel
def f1_leeway(t, passed, totals, n_targets, false):
    """How many components without a target may come (or go) without changing such a verdict."""
    more = 1
    while more < ANY:
        value = mean_f1(totals, false + more if passed else max(false - more, 0), n_targets)
        if value <= t + NEAR if passed else value >= t - NEAR and value > 0.0:
            return more // 2
        more *= 2
    return ANY


@inner_kernel
def set_limits(required, passes, totals, n_targets, counters, limits):
    """How far the sums may fall, and FALSE may range, before a verdict can change."""
    limits[SIOU_FALL] = limits[PPV_FALL] = np.inf
    false = counters[FALSE]
    if f1_changed(counters):
        counters[F1_LOW], counters[F1_HIGH] = -ANY, ANY
        for i in range(required.shape[0]):
            if required[i, 0] == OF_MEAN_F1:
                leeway = f1_leeway(required[i, 1], passes[i] == PASSES, totals, n_targets, false)
                if passes[i] != FAILS:
                    counters[F1_HIGH] = min(counters[F1_HIGH], false + leeway)
                if passes[i] != PASSES:
                    counters[F1_LOW] = max(counters[F1_LOW], false - leeway)
    low, high = counters[F1_LOW], counters[F1_HIGH]
    for i in range(required.shape[0]):
        kind, t = required[i, 0], required[i, 1]
        if kind == OF_SIOU and passes[i] != FAILS:
            spare = total_of(totals, SIOU) - (t + NEAR) * n_targets
            limits[SIOU_FALL] = min(limits[SIOU_FALL], max(spare, 0.0))
        elif kind == OF_PPV:
            ppv, n = total_of(totals, PPV), totals[PREDICTED] + false
            spare = max(ppv - (t + NEAR) * n, 0.0) / 2  # half for the sum, half for the number
            if passes[i] != FAILS:
                limits[PPV_FALL] = min(limits[PPV_FALL], spare)
                high = min(high, false + np.int64(spare / (t + NEAR)))
            if passes[i] != PASSES and t > NEAR and ppv > 0.0:
                low = max(low, false - np.int64(max(n - ppv / (t - NEAR), 0.0)))
    counters[LOW], counters[HIGH] = low, high


@inner_kernel
def hopeless(required, passes, targets, qualities):
    """Whether no verdict can pass again, as unions never shrink. Wants everything settled."""
    n_targets = targets.shape[0] - 1
    best = 0.0
    reach = np.zeros(qualities.size, np.int64)
    for g in range(1, n_targets + 1):
        most = targets[g, PIXELS] / (targets[g, PIXELS] + targets[g, BEYOND])
        best += most
        for i in range(qualities.size):
            reach[i] += most >= qualities[i]
    f1 = 0.0
    for i in range(qualities.size):
        f1 += 2 * reach[i] / (n_targets + reach[i]) / qualities.size
    for i in range(required.shape[0]):
        kind, t = required[i, 0], required[i, 1]
        bound = best / n_targets if kind == OF_SIOU else f1
        if passes[i] or kind == OF_PPV or (bound > t - NEAR and bound > 0.0):
            return False
    return True
