"""Which totals of the union-find sweep are recorded: marked levels, bounds of bins, verdicts.

NO VALIDATION HERE. On entry must hold what `mdmkit.kernels.union` asks for.

One sweep, three ways to look at it:
- a level with RECORD is recorded, whatever else is asked;
- with `bins`, each row has bounds on all totals since the last RECORD or RESTART. In between, I_i
  and BG_i only rise, so sIoU_i lies in [I_before / U_after, I_after / U_before]: I / U changes
  both ways only where I does, and other targets' values are those at either end;
- with `required` T, a level is recorded where a verdict d > T is not what it was, or is too close
  to call with running sums. Between looks, sums as counted may fall by `limits` and components
  without a target range in [LOW, HIGH] without any verdict changing.
"""

from __future__ import annotations

import numpy as np

from mdmkit.exact_sums import LIMBS
from mdmkit.kernels import borrowed, inner_kernel, kernel
from mdmkit.kernels.union import (
    AHEAD,
    BEYOND,
    BIN_NOW,
    COUNTERS,
    COVERED,
    F1_HIGH,
    F1_LOW,
    FALSE,
    FREE,
    HIGH,
    HIT,
    LAST,
    LOW,
    N_HITS,
    N_MOVED,
    N_SUMS,
    NEAR,
    NODE_COLUMNS,
    NONE,
    PIXELS,
    PPV,
    PPV_FALL,
    PREDICTED,
    PREDICTED_COLUMNS,
    RECORD,
    RESTART,
    SINCE,
    SIOU,
    SIOU_FALL,
    TARGET_COLUMNS,
    TOUCHING_COLUMNS,
    TP,
    WAS_COVERED,
    WAS_UNION,
    WEIGHT_COLUMNS,
    join_pixels,
    joins_by_mask,
    settle,
)

LOOK = 8  # flag of a level after which the sweep may end: can any verdict still pass?
OF_SIOU, OF_PPV, OF_MEAN_F1 = range(3)  # what a required T is for
FAILS, PASSES, NEARLY = range(3)  # verdicts; NEARLY is left to whoever reads the row
BOUNDS = 2 * LIMBS + 2  # column of a row of sums where low, then high, of three bounds start
UNIT = 2.0**40  # bounds on sums are integers in units of 1 / UNIT
_ANY = 2**40


@inner_kernel
def total_of(totals, at):
    """A sum of ratios, nearly."""
    return totals[at] * 2.0**-28 + totals[at + 1] * 2.0**-56 + totals[at + 2] * 2.0**-84


@inner_kernel
def fixed(totals, at):
    """A sum of ratios in units of 2^-40, rounded down."""
    middle = totals[at + 1] + (totals[at + 2] >> 28)
    return (totals[at] << 12) + (middle >> 16)


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
    while more < _ANY:
        value = mean_f1(totals, false + more if passed else max(false - more, 0), n_targets)
        if value <= t + NEAR if passed else value >= t - NEAR and value > 0.0:
            return more // 2
        more *= 2
    return _ANY


@inner_kernel
def set_limits(required, passes, totals, n_targets, counters, limits):
    """How far the sums may fall, and FALSE may range, before a verdict can change."""
    limits[SIOU_FALL] = limits[PPV_FALL] = np.inf
    false = counters[FALSE]
    if f1_changed(counters):
        counters[F1_LOW], counters[F1_HIGH] = -_ANY, _ANY
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


@inner_kernel
def begin_bin(totals, counters, spread):
    """Bounds start anew at what is counted now."""
    for side in range(3):
        spread[side, 0] = fixed(totals, PPV)
        for column in range(PREDICTED, totals.size):
            spread[side, 1 + column - PREDICTED] = totals[column]
    counters[LOW] = counters[HIGH] = counters[FALSE]
    counters[BIN_NOW] += 1
    counters[N_MOVED] = 0
    counters[SINCE] = fixed(totals, SIOU)


@inner_kernel
def widen(totals, counters, fall, spread):
    """Include the totals of this level in the bounds; spread[2, 0] is PPV as last counted."""
    ppv = fixed(totals, PPV)
    spread[0, 0] = min(spread[0, 0], min(spread[2, 0], ppv) - fall)
    spread[1, 0] = max(spread[1, 0], ppv)
    spread[2, 0] = ppv
    for column in range(PREDICTED, totals.size):
        at = 1 + column - PREDICTED
        spread[0, at] = min(spread[0, at], totals[column])
        spread[1, at] = max(spread[1, at], totals[column])
    counters[LOW] = min(counters[LOW], counters[FALSE])
    counters[HIGH] = max(counters[HIGH], counters[FALSE])


@inner_kernel
def end_bin(totals, counters, spread, targets, sious, target_queue, sums, hit_bounds):
    """Write the bounds of a bin: low and high of the sums of sIoU and PPV, number, TP, FP."""
    at = counters[N_SUMS]
    low, high = fixed(totals, SIOU), counters[SINCE] + 1
    for i in range(counters[N_MOVED]):
        g = target_queue[1, i]
        if targets[g, COVERED] != targets[g, WAS_COVERED]:
            union, before = targets[g, PIXELS] + targets[g, BEYOND], targets[g, WAS_UNION]
            least = targets[g, WAS_COVERED] / union - sious[g]
            most = (targets[g, COVERED] - targets[g, WAS_COVERED]) / before
            low += np.int64(np.floor(least * UNIT)) - 1
            high += np.int64(np.ceil(most * UNIT)) + 1
    sums[at, BOUNDS], sums[at, BOUNDS + 3] = low, high
    sums[at, BOUNDS + 1], sums[at, BOUNDS + 4] = spread[0, 0], spread[1, 0] + 1
    n = hit_bounds.shape[1] // 4
    for side in range(2):
        false = counters[LOW + side]
        sums[at, BOUNDS + 3 * side + 2] = spread[side, 1] + false
        for i in range(2 * n):
            hit_bounds[at, 2 * n * side + i] = spread[side, 2 + i] + (false if i >= n else 0)


@inner_kernel
def record(position, totals, counters, sums, hits):
    """Write a row of sums, and one of TP and FP where these differ from the latest."""
    row = counters[N_SUMS]
    sums[row, 0] = position
    for i in range(PREDICTED):
        sums[row, 1 + i] = totals[i]
    sums[row, 1 + PREDICTED] = totals[PREDICTED] + counters[FALSE]
    row = counters[N_HITS]
    n = totals.size - TP
    differ = False
    for i in range(n):
        value = totals[TP + i] + (counters[FALSE] if 2 * i >= n else 0)
        differ |= hits[row - 1, 1 + i] != value
        hits[row, 1 + i] = value
    if differ:
        hits[row, 0] = position
        counters[N_HITS] += 1


@kernel
def sweep_components(
    start, order, flags, width, min_prediction, qualities, joins, bins, required, label, ahead,
    active, parent, predicted, touching, weights, nodes, table, targets, sious, target_queue, queue, totals,
    counters, drift, limits, passes, spread, sums, hits, hit_bounds
):  # fmt: skip
    """Sweep on from a pixel until all are seen, or there is no room for a row; the next pixel."""
    order = borrowed(order)
    flags = borrowed(flags)
    joins = borrowed(joins)
    required = borrowed(required)
    label = borrowed(label)
    ahead = borrowed(ahead)
    active = borrowed(active)
    parent = borrowed(parent)
    predicted = borrowed(predicted)
    touching = borrowed(touching)
    weights = borrowed(weights)
    nodes = borrowed(nodes)
    table = borrowed(table)
    targets = borrowed(targets)
    sious = borrowed(sious)
    target_queue = borrowed(target_queue)
    queue = borrowed(queue)
    totals = borrowed(totals)
    counters = borrowed(counters)
    drift = borrowed(drift)
    limits = borrowed(limits)
    passes = borrowed(passes)
    spread = borrowed(spread)
    sums = borrowed(sums)
    hits = borrowed(hits)
    hit_bounds = borrowed(hit_bounds)
    qualities = borrowed(qualities)
    n_targets = sious.size - 1
    i = start
    while i < order.size and counters[N_SUMS] < sums.shape[0] and counters[N_HITS] < hits.shape[0]:
        i = join_pixels(i, order, flags, width, min_prediction, joins, label, ahead,
                        active, parent, predicted, touching, weights, nodes, table, targets, target_queue, queue,
                        totals, counters, drift, limits)  # fmt: skip
        flag = flags[i - 1]
        fall = np.int64(drift[PPV_FALL] * UNIT * (1 + NEAR)) + 2
        late = flag != LAST
        recording = flag & RECORD != 0
        while True:  # a second time with what was put off, if that matters
            settle(late, predicted, touching, weights, nodes, targets, sious, target_queue, queue,
                   totals, counters, drift, qualities)  # fmt: skip
            if late or required.size == 0:
                break
            late = in_doubt(required, passes, totals, n_targets, counters, drift)
            if not late:
                late = recording = judge(required, passes, totals, n_targets, counters)
            if not late:
                break
        if required.size > 0:
            recording |= judge(required, passes, totals, n_targets, counters)
            set_limits(required, passes, totals, n_targets, counters, limits)
        if bins:
            widen(totals, counters, fall, spread)
            if flag & RESTART:
                begin_bin(totals, counters, spread)
        counters[HIT] = 0
        if recording:
            record(i - 1, totals, counters, sums, hits)
            if bins:
                end_bin(totals, counters, spread, targets, sious, target_queue, sums, hit_bounds)
                begin_bin(totals, counters, spread)
            counters[N_SUMS] += 1
        if flag & LOOK and hopeless(required, passes, targets, qualities):
            break
    return i if flag & LOOK == 0 else order.size


def sweep(order, flags, label, width, sizes, min_prediction, qualities, required=(), bins=False):
    """Totals at the levels asked for, levels descending in score.

    Parameters: `order` (P,) flat indices; `flags` (P,) uint8; `label` (H + 2) (W + 1) + 1 int32,
    overwritten; `sizes` (K + 1,) pixels of each target; `qualities` (Q,) ascending thresholds on
    sIoU and PPV; `required`, pairs of what a T is for, and T.
    Returns sums (M, 8): place in `order`, limbs of sIoU, limbs of PPV, number of predicted
    components, with `bins` (M, 14) with low and high of the sums of sIoU and PPV (in 2^-40) and of
    that number; hits (N, 1 + 2 Q) where TP or FP changed: place, TP and FP; with `bins`
    (M, 4 Q) low and high of TP and FP.
    """
    n, n_targets = qualities.size, sizes.size - 1
    births = (label.size // (width + 1) - 1) // 2 * ((width + 1) // 2)  # isolated pixels at most
    few = min(births, int(sizes.sum()))  # nodes: their first pixels are not adjacent, either
    rows = 64 if len(required) else int(np.count_nonzero(flags & RECORD))
    targets = np.zeros((n_targets + 1, TARGET_COLUMNS), np.int64)
    targets[:, PIXELS] = sizes
    counters = np.zeros(COUNTERS, np.int64)
    counters[FREE] = NONE
    counters[BIN_NOW] = counters[N_HITS] = 1
    if not bins:
        counters[[LOW, F1_LOW]], counters[[HIGH, F1_HIGH]] = -_ANY, _ANY
    state = (
        label,
        np.zeros((AHEAD, 3), np.int64),
        np.zeros(label.size // 64 + 2, np.uint64),  # active
        np.empty(births, np.int32),  # parent
        np.empty((births, PREDICTED_COLUMNS), np.int32),
        np.empty((few, TOUCHING_COLUMNS), np.int32),
        np.empty((few, WEIGHT_COLUMNS)),
        np.empty((few, NODE_COLUMNS), np.int32),
        np.full(2 ** max(1, (2 * few - 1).bit_length()), NONE, np.int32),  # table
        targets,
        np.zeros(n_targets + 1),  # sious
        np.empty((2, n_targets + 1), np.int32),  # target_queue
        np.empty((2, few), np.int32),  # queue
        np.zeros(TP + 2 * n, np.int64),  # totals
        counters,
        np.zeros(2),  # drift
        np.full(2, np.inf),  # limits
        np.zeros(len(required), np.int64),  # passes
        np.zeros((3, 2 + 2 * n), np.int64),  # spread
    )
    asked = np.array(required, np.float64).reshape(-1, 2)
    sums = np.empty((rows + 1, BOUNDS + 6 if bins else BOUNDS), np.int64)
    hits = np.zeros((64, 1 + 2 * n), np.int32)
    hit_bounds = np.empty((rows + 1 if bins else 0, 4 * n), np.int32)
    joins = joins_by_mask(width + 1)
    place = 0
    while True:
        place = sweep_components(
            place, order, flags, width, min_prediction, qualities, joins, bins, asked, *state,
            sums, hits, hit_bounds
        )  # fmt: skip
        if place == order.size:
            break
        if counters[N_SUMS] == len(sums):
            sums = np.concatenate([sums, np.empty_like(sums)])
        if counters[N_HITS] == len(hits):
            hits = np.concatenate([hits, np.zeros_like(hits)])
    return sums[: counters[N_SUMS]], hits[1 : counters[N_HITS]], hit_bounds[: counters[N_SUMS]]


def plan_looks(flags, n_targets):
    """Flag levels, not too many, after which a sweep for verdicts asks whether it can end."""
    ends = flags.view(np.bool_)
    every = max(1 << 14, 8 * n_targets)
    for start in range(every, flags.size, every):
        flags[start + int(ends[start:].argmax())] |= LOOK
