"""Component statistics at the thresholds that matter: union-find over pixels in descending score.

NO VALIDATION HERE. On entry must hold what `mdmkit.statistics.kernels.state` asks for.

One sweep, three ways to look at it:
- a level with RECORD is recorded, whatever else is asked;
- with `bins`, each row has bounds on all totals since the last RECORD or RESTART: see
  `mdmkit.statistics.kernels.bounds`. Every flag then is SHUFFLED, too;
- with `required` T, levels at which verdicts change: see `mdmkit.statistics.kernels.verdicts`.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import borrowed, inner_kernel, kernel
from mdmkit.statistics.kernels.bounds import (
    begin_cell,
    bound_components,
    bound_targets,
    count_seeds,
    end_part,
    write_bounds,
)
from mdmkit.statistics.kernels.joining import join_pixels, joins_by_mask
from mdmkit.statistics.kernels.state import (
    AHEAD,
    CELL_NOW,
    COUNTERS,
    F1_HIGH,
    F1_LOW,
    FALSE,
    FREE,
    HIGH,
    HIT,
    LAST,
    LOOK,
    LOW,
    N_HITS,
    N_SUMS,
    NODE_COLUMNS,
    NONE,
    PART,
    PIXELS,
    PREDICTED,
    PREDICTED_COLUMNS,
    RECORD,
    RESTART,
    TARGET_COLUMNS,
    TOUCHING_COLUMNS,
    TP,
    WEIGHT_COLUMNS,
)
from mdmkit.statistics.kernels.updating import settle
from mdmkit.statistics.kernels.verdicts import ANY, hopeless, in_doubt, judge, set_limits


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


@inner_kernel
def settle_verdicts(
    required, passes, limits, qualities, predicted, touching, weights, nodes, targets, sious,
    target_queue, queue, totals, counters, drift, late
):  # fmt: skip
    """Count what changed as far as verdicts depend on it; whether the level is to be recorded."""
    n_targets = sious.size - 1
    recording = False
    while True:  # a second time with what was put off, if that matters
        settle(late, predicted, touching, weights, nodes, targets, sious, target_queue, queue,
               totals, counters, drift, qualities)  # fmt: skip
        if late:
            break
        late = in_doubt(required, passes, totals, n_targets, counters, drift)
        if not late:
            late = recording = judge(required, passes, totals, n_targets, counters)
        if not late:
            break
    recording |= judge(required, passes, totals, n_targets, counters)
    set_limits(required, passes, totals, n_targets, counters, limits)
    return recording


@kernel
def sweep_components(
    start, order, flags, width, min_prediction, qualities, joins, bins, required, label, ahead,
    active, parent, predicted, touching, weights, nodes, table, targets, sious, target_queue, queue,
    totals, counters, drift, limits, passes, spread, sums, hits, bounds, hit_bounds
):  # fmt: skip
    """Sweep on from a pixel until all are seen, or there is no room for a row; the next pixel."""
    order = borrowed(order)
    flags = borrowed(flags)
    qualities = borrowed(qualities)
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
    bounds = borrowed(bounds)
    hit_bounds = borrowed(hit_bounds)
    i = start
    while i < order.size and counters[N_SUMS] < sums.shape[0] and counters[N_HITS] < hits.shape[0]:
        if bins and min_prediction <= 1:
            count_seeds(i, order, flags, width, active, counters)
        i = join_pixels(i, order, flags, width, min_prediction, joins, label, ahead, active, parent,
                        predicted, touching, weights, nodes, table, targets, target_queue, queue,
                        totals, counters, drift, limits)  # fmt: skip
        flag = flags[i - 1]
        recording = flag & RECORD != 0
        if bins:
            end_part(min_prediction, counters)
            if flag & (RECORD | RESTART) == 0:
                continue
            if flag & RESTART == 0:
                bound_components(predicted, touching, weights, queue, totals, counters, qualities,
                                 spread)  # fmt: skip
        if required.size > 0:
            recording |= settle_verdicts(
                required, passes, limits, qualities, predicted, touching, weights, nodes, targets,
                sious, target_queue, queue, totals, counters, drift, flag != LAST
            )  # fmt: skip
        else:
            settle(flag != LAST, predicted, touching, weights, nodes, targets, sious, target_queue,
                   queue, totals, counters, drift, qualities)  # fmt: skip
        counters[HIT] = 0
        if flag & RESTART:
            begin_cell(totals, counters, spread)
            bound_components(predicted, touching, weights, queue, totals, counters, qualities,
                             spread)  # fmt: skip
        if recording:
            record(i - 1, totals, counters, sums, hits)
            if bins:
                bound_targets(totals, counters, targets, sious, target_queue, qualities, spread)
                write_bounds(counters, spread, bounds, hit_bounds, counters[N_SUMS])
            counters[N_SUMS] += 1
        if bins:
            begin_cell(totals, counters, spread)
        if flag & LOOK and hopeless(required, passes, targets, qualities):
            return order.size
    return i


def sweep(order, flags, label, width, sizes, min_prediction, qualities, required=(), bins=False):
    """Totals at the levels asked for, levels descending in score.

    Parameters: `order` (P,) flat indices; `flags` (P,) uint8; `label` (H + 2) (W + 1) + 1 int32,
    overwritten; `sizes` (K + 1,) pixels of each target; `qualities` (Q,) ascending thresholds on
    sIoU and PPV; `required`, pairs of what a T is for, and T.
    Returns sums (M, 8): place in `order`, limbs of sIoU, limbs of PPV, number of predicted
    components; hits (N, 1 + 2 Q) where TP or FP changed: place, TP and FP; with `bins` bounds
    (M, 6), low and high of the sums of sIoU and PPV (in 2^-40) and of that number, and (M, 4 Q)
    low and high of TP and FP.
    """
    n, n_targets = qualities.size, sizes.size - 1
    births = (label.size // (width + 1) - 1) // 2 * ((width + 1) // 2)  # isolated pixels at most
    few = min(births, int(sizes.sum()))  # nodes: their first pixels are not adjacent, either
    rows = 64 if len(required) else int(np.count_nonzero(flags & RECORD))
    targets = np.zeros((n_targets + 1, TARGET_COLUMNS), np.int64)
    targets[:, PIXELS] = sizes
    counters = np.zeros(COUNTERS, np.int64)
    counters[FREE] = NONE
    counters[[CELL_NOW, N_HITS, PART]] = 1
    counters[[LOW, F1_LOW]], counters[[HIGH, F1_HIGH]] = -ANY, ANY
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
        np.zeros((2, 3 + 2 * n), np.int64),  # spread
    )
    asked = np.array(required, np.float64).reshape(-1, 2)
    sums = np.empty((rows + 1, PREDICTED + 2), np.int64)
    hits = np.zeros((64, 1 + 2 * n), np.int32)
    bounds = np.empty((rows + 1 if bins else 0, 6), np.int64)
    hit_bounds = np.empty((len(bounds), 4 * n), np.int32)
    joins = joins_by_mask(width + 1)
    place = 0
    while True:
        place = sweep_components(
            place, order, flags, width, min_prediction, qualities, joins, bins, asked, *state,
            sums, hits, bounds, hit_bounds
        )  # fmt: skip
        if place == order.size:
            break
        if counters[N_SUMS] == len(sums):
            sums = np.concatenate([sums, np.empty_like(sums)])
        if counters[N_HITS] == len(hits):
            hits = np.concatenate([hits, np.zeros_like(hits)])
    filled = counters[N_SUMS]
    return sums[:filled], hits[1 : counters[N_HITS]], bounds[:filled], hit_bounds[:filled]


def plan_looks(flags, n_targets):
    """Flag levels, not too many, after which a sweep for verdicts asks whether it can end."""
    ends = flags.view(np.bool_)
    every = max(1 << 14, 8 * n_targets)
    for start in range(every, flags.size, every):
        flags[start + int(ends[start:].argmax())] |= LOOK
