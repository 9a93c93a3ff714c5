"""Bringing sums and counts up to date with what changed in a level.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`.
"""

from __future__ import annotations

import numpy as np

from mdmkit.core.exact_sums import LIMB_BITS, LIMBS
from mdmkit.statistics.kernels import inner_kernel
from mdmkit.statistics.kernels.overlaps import touch_target
from mdmkit.statistics.kernels.state import (
    ANOMALOUS,
    BEYOND,
    CALM,
    COUNTED,
    COVERED,
    DEAD,
    FOREVER,
    HIT,
    IS_DEAD,
    LATE,
    LIVE,
    N_LATE,
    N_TARGETS,
    N_URGENT,
    NEXT,
    NONE,
    PASSED,
    PIXELS,
    PLAIN,
    PPV,
    PPV_FALL,
    PREDICTED,
    QUEUED,
    RANK,
    RATIO,
    REACHED,
    ROOT,
    SERVED,
    SIOU,
    SIOU_FALL,
    TAKEN_IN,
    TARGET,
    TP,
    URGENT,
    WAS_ANOMALOUS,
    WAS_PLAIN,
)

_LIMB = float(1 << LIMB_BITS)


@inner_kernel
def replace_ratio(totals, at, before, now):
    """Exchange a ratio in [0, 1] for another in three limbs, exactly: see mdmkit.core.exact_sums."""
    for i in range(LIMBS):
        before *= _LIMB
        now *= _LIMB
        gone, new = np.int64(before), np.int64(now)
        before -= gone
        now -= new
        totals[at + i] += new - gone


@inner_kernel
def discount(t, touching, weights, totals, counters):
    """Take a component that touches targets out of PPV and the false positives."""
    n_qualities = (totals.size - TP) // 2
    if touching[t, COUNTED]:
        touching[t, COUNTED] = 0
        counters[HIT] = 1
        replace_ratio(totals, PPV, weights[t, RATIO], 0.0)
        totals[PREDICTED] -= 1
        for i in range(touching[t, RANK], n_qualities):
            totals[TP + n_qualities + i] -= 1


@inner_kernel
def serve_live(t, predicted, touching, weights, nodes, targets, target_queue, counters):
    """Pass the normal pixels of a component on to its live targets; dead ones change lists."""
    normal = predicted[touching[t, ROOT], PLAIN]
    if touching[t, SERVED] == normal:
        return
    touching[t, SERVED] = normal
    before, node = NONE, touching[t, LIVE]
    while node != NONE:
        rest = nodes[node, NEXT]
        g = nodes[node, TARGET]
        touch_target(g, targets, target_queue, counters)
        targets[g, BEYOND] += normal - nodes[node, PASSED]
        nodes[node, PASSED] = normal
        if targets[g, IS_DEAD]:
            if before == NONE:
                touching[t, LIVE] = rest
            else:
                nodes[before, NEXT] = rest
            nodes[node, NEXT] = touching[t, DEAD]
            touching[t, DEAD] = node
            weights[t, SIOU_FALL] += targets[g, PIXELS] / (
                float(targets[g, PIXELS] + targets[g, BEYOND]) ** 2
            )
        else:
            before = node
        node = rest


@inner_kernel
def serve_dead(t, predicted, touching, weights, nodes, targets, target_queue, counters):
    """Pass the normal pixels of a component on to its dead targets."""
    normal = predicted[touching[t, ROOT], PLAIN]
    weight = 0.0
    node = touching[t, DEAD]
    while node != NONE:
        g = nodes[node, TARGET]
        if targets[g, QUEUED] == 0:
            targets[g, QUEUED] = 1
            target_queue[0, counters[N_TARGETS]] = g
            counters[N_TARGETS] += 1
        targets[g, BEYOND] += normal - nodes[node, PASSED]
        nodes[node, PASSED] = normal
        weight += targets[g, PIXELS] / float(targets[g, PIXELS] + targets[g, BEYOND]) ** 2
        node = nodes[node, NEXT]
    weights[t, SIOU_FALL] = weight


@inner_kernel
def count_component(t, predicted, touching, weights, totals, counters, qualities):
    """Bring a component's PPV, and the false positives, up to date."""
    anomalous = touching[t, ANOMALOUS]
    whole = anomalous + predicted[touching[t, ROOT], PLAIN]
    now = anomalous / whole
    n = qualities.size
    if touching[t, COUNTED] == 0:
        touching[t, COUNTED] = 1
        touching[t, RANK] = 0
        weights[t, RATIO] = 0.0
        totals[PREDICTED] += 1
        for i in range(n):
            totals[TP + n + i] += 1
        counters[HIT] = 1
    replace_ratio(totals, PPV, weights[t, RATIO], now)
    touching[t, WAS_ANOMALOUS] = anomalous
    touching[t, WAS_PLAIN] = whole - anomalous
    touching[t, TAKEN_IN] = 0
    weights[t, RATIO] = now
    weights[t, PPV_FALL] = now / whole
    rank = touching[t, RANK]
    while rank < n and now >= qualities[rank]:
        totals[TP + n + rank] -= 1
        rank += 1
    while rank > 0 and now < qualities[rank - 1]:
        rank -= 1
        totals[TP + n + rank] += 1
    if rank != touching[t, RANK]:
        touching[t, RANK] = rank
        counters[HIT] = 1
    if touching[t, LIVE] != NONE:
        touching[t, CALM] = NONE
    elif rank == 0:
        touching[t, CALM] = FOREVER
    else:
        touching[t, CALM] = np.int64(anomalous / qualities[rank - 1]) - 1 - anomalous


@inner_kernel
def count_targets(targets, sious, target_queue, totals, counters, qualities):
    """Bring sIoU, and the true positives, up to date."""
    for i in range(counters[N_TARGETS]):
        g = target_queue[0, i]
        targets[g, QUEUED] = 0
        union = targets[g, PIXELS] + targets[g, BEYOND]
        now = targets[g, COVERED] / union
        replace_ratio(totals, SIOU, sious[g], now)
        sious[g] = now
        reached = targets[g, REACHED]
        while reached < qualities.size and now >= qualities[reached]:
            totals[TP + reached] += 1
            reached += 1
        while reached > 0 and now < qualities[reached - 1]:
            reached -= 1
            totals[TP + reached] -= 1
        if reached != targets[g, REACHED]:
            targets[g, REACHED] = reached
            counters[HIT] = 1
        if targets[g, PIXELS] / union < qualities[0]:
            targets[g, IS_DEAD] = 1
    counters[N_TARGETS] = 0


@inner_kernel
def settle(late, predicted, touching, weights, nodes, targets, sious, target_queue, queue, totals,
           counters, drift, qualities):  # fmt: skip
    """Count what changed in this level; with `late`, what was put off, too."""
    for i in range(counters[N_URGENT]):
        t = queue[0, i]
        touching[t, URGENT] = 0
        if touching[t, ROOT] != NONE:
            serve_live(t, predicted, touching, weights, nodes, targets, target_queue, counters)
            count_component(t, predicted, touching, weights, totals, counters, qualities)
    counters[N_URGENT] = 0
    if late:
        for i in range(counters[N_LATE]):
            t = queue[1, i]
            touching[t, LATE] = 0
            if touching[t, ROOT] != NONE:
                serve_dead(t, predicted, touching, weights, nodes, targets, target_queue, counters)
                count_component(t, predicted, touching, weights, totals, counters, qualities)
        counters[N_LATE] = 0
        drift[SIOU_FALL] = drift[PPV_FALL] = 0.0
    count_targets(targets, sious, target_queue, totals, counters, qualities)
