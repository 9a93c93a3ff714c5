"""Bringing sums and counts up to date with what changed in a rank.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`.
"""

from __future__ import annotations

import numpy as np

from mdmkit.core.exact_sums import LIMB_BITS, LIMBS
from mdmkit.statistics.kernels import inlined_kernel, inner_kernel
from mdmkit.statistics.kernels.overlaps import normal_pixels, touch_target
from mdmkit.statistics.kernels.state import (
    ANOMALOUS,
    BEYOND,
    CALM,
    COUNTED,
    COVERED,
    DEAD,
    FOREVER,
    FOUND,
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
    PPV,
    PREDICTED,
    QUEUED,
    RANK,
    REACHED,
    ROOT,
    SERVED,
    SIOU,
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
    """Exchange a ratio in [0, 1] for another in three limbs, exactly; see `exact_sums`."""
    for i in range(LIMBS):
        before *= _LIMB
        now *= _LIMB
        gone, new = np.int64(before), np.int64(now)
        before -= gone
        now -= new
        totals[at + i] += new - gone


@inner_kernel
def discount(t, s):
    """Take a component that touches targets out of PPV and the false positives."""
    touching, totals, n_qualities = s.touching, s.totals, s.qualities.size
    if touching[t, COUNTED]:
        touching[t, COUNTED] = 0
        s.counters[HIT] = 1
        replace_ratio(totals, PPV, s.ratios[t], 0.0)
        totals[PREDICTED] -= 1
        for i in range(touching[t, RANK], n_qualities):
            totals[TP + n_qualities + i] -= 1


@inner_kernel
def serve_live(t, s):
    """Pass the normal pixels of a component on to its live targets; dead ones change lists."""
    touching, nodes, targets = s.touching, s.nodes, s.targets
    normal = normal_pixels(touching[t, ROOT], s)
    if touching[t, SERVED] == normal:
        return
    touching[t, SERVED] = normal
    before, node = NONE, touching[t, LIVE]
    while node != NONE:
        rest = nodes[node, NEXT]
        g = nodes[node, TARGET]
        touch_target(g, s)
        targets[g, BEYOND] += normal - nodes[node, PASSED]
        nodes[node, PASSED] = normal
        if targets[g, IS_DEAD]:
            if before == NONE:
                touching[t, LIVE] = rest
            else:
                nodes[before, NEXT] = rest
            nodes[node, NEXT] = touching[t, DEAD]
            touching[t, DEAD] = node
        else:
            before = node
        node = rest


@inner_kernel
def serve_dead(t, s):
    """Pass the normal pixels of a component on to its dead targets."""
    nodes, targets, counters = s.nodes, s.targets, s.counters
    normal = normal_pixels(s.touching[t, ROOT], s)
    node = s.touching[t, DEAD]
    while node != NONE:
        g = nodes[node, TARGET]
        if targets[g, QUEUED] == 0:
            targets[g, QUEUED] = 1
            s.target_queue[0, counters[N_TARGETS]] = g
            counters[N_TARGETS] += 1
        targets[g, BEYOND] += normal - nodes[node, PASSED]
        nodes[node, PASSED] = normal
        node = nodes[node, NEXT]


@inner_kernel
def count_component(t, s):
    """Bring a component's PPV, and the false positives, up to date."""
    touching, totals, counters, qualities = s.touching, s.totals, s.counters, s.qualities
    anomalous = touching[t, ANOMALOUS]
    whole = anomalous + normal_pixels(touching[t, ROOT], s)
    now = anomalous / whole
    n = qualities.size
    if touching[t, COUNTED] == 0:
        touching[t, COUNTED] = 1
        touching[t, RANK] = 0
        s.ratios[t] = 0.0
        totals[PREDICTED] += 1
        for i in range(n):
            totals[TP + n + i] += 1
        counters[HIT] = 1
    replace_ratio(totals, PPV, s.ratios[t], now)
    touching[t, WAS_ANOMALOUS] = anomalous
    touching[t, WAS_PLAIN] = whole - anomalous
    touching[t, TAKEN_IN] = 0
    s.ratios[t] = now
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


@inlined_kernel
def count_targets(s):
    """Bring sIoU, and the true positives, up to date."""
    targets, totals, counters, qualities = s.targets, s.totals, s.counters, s.qualities
    for i in range(counters[N_TARGETS]):
        g = s.target_queue[0, i]
        targets[g, QUEUED] = 0
        union = targets[g, PIXELS] + targets[g, BEYOND]
        now = targets[g, COVERED] / union
        replace_ratio(totals, SIOU, s.sious[g], now)
        s.sious[g] = now
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
        found = targets[g, FOUND]
        while (
            found < qualities.size and targets[g, COVERED] / targets[g, PIXELS] >= qualities[found]
        ):
            totals[TP + 2 * qualities.size + found] += 1
            found += 1
        if found != targets[g, FOUND]:
            targets[g, FOUND] = found
            counters[HIT] = 1
        if targets[g, PIXELS] / union < qualities[0]:
            targets[g, IS_DEAD] = 1
    counters[N_TARGETS] = 0


@inlined_kernel
def serve(late, s):
    """Pass on what joined in this rank, and count components; with `late`, all of them."""
    touching, queue, counters = s.touching, s.queue, s.counters
    for i in range(counters[N_URGENT]):
        t = queue[0, i]
        touching[t, URGENT] = 0
        if touching[t, ROOT] != NONE:
            serve_live(t, s)
            count_component(t, s)
    counters[N_URGENT] = 0
    if late:
        for i in range(counters[N_LATE]):
            t = queue[1, i]
            touching[t, LATE] = 0
            if touching[t, ROOT] != NONE:
                serve_dead(t, s)
                count_component(t, s)
        counters[N_LATE] = 0


@inlined_kernel
def settle(late, s):
    """Count what changed in this rank; with `late`, what was put off, too."""
    serve(late, s)
    count_targets(s)
