"""Which predicted component touches which target: rows, and nodes found by hashing.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inner_kernel
from mdmkit.statistics.kernels.state import (
    ANOMALOUS,
    BEYOND,
    CALM,
    CELL,
    CELL_NOW,
    COUNT,
    COVERED,
    DEAD,
    FALSE,
    FREE,
    FRESH,
    KEPT,
    LATE,
    LIVE,
    N_LATE,
    N_MOVED,
    N_TARGETS,
    N_URGENT,
    NEXT,
    NODES,
    NODES_USED,
    NONE,
    OWNER,
    PART,
    PASSED,
    PIXELS,
    PLAIN,
    PPV_FALL,
    QUEUED,
    ROOT,
    ROWS,
    ROWS_KEPT,
    SERVED,
    SIOU_FALL,
    SIZE,
    STAINED,
    SWALLOWED,
    TARGET,
    TOUCHING,
    TOUCHING_COLUMNS,
    TURNED,
    URGENT,
    WAS_COVERED,
    WAS_UNION,
)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_32 = np.uint64(32)


@inner_kernel
def home(owner, g, table):
    """Slot of a table (a power of two) where the search for a node starts."""
    key = (np.uint64(owner) << _32) | np.uint64(g)
    return np.int64((key * _GOLDEN) >> _32) & (table.size - 1)


@inner_kernel
def slot_of(owner, g, nodes, table):
    """Slot of the node of this owner and target, or the empty one where it belongs."""
    slot = home(owner, g, table)
    while table[slot] != NONE:
        if nodes[table[slot], TARGET] == g and nodes[table[slot], OWNER] == owner:
            break
        slot = (slot + 1) & (table.size - 1)
    return slot


@inner_kernel
def vacate(gap, nodes, table):
    """Empty a slot; entries that would not be found behind the gap move up."""
    last = table.size - 1
    slot = (gap + 1) & last
    while table[slot] != NONE:
        start = home(nodes[table[slot], OWNER], nodes[table[slot], TARGET], table)
        if (slot - start) & last >= (slot - gap) & last:
            table[gap] = table[slot]
            gap = slot
        slot = (slot + 1) & last
    table[gap] = NONE


@inner_kernel
def touch_target(g, targets, target_queue, counters):
    """Queue a target whose ratio changes, and keep what it was when the cell began."""
    if targets[g, CELL] != counters[CELL_NOW]:
        targets[g, CELL] = counters[CELL_NOW]
        targets[g, WAS_COVERED] = targets[g, COVERED]
        targets[g, WAS_UNION] = targets[g, PIXELS] + targets[g, BEYOND]
        target_queue[1, counters[N_MOVED]] = g
        counters[N_MOVED] += 1
    if targets[g, QUEUED] == 0:
        targets[g, QUEUED] = 1
        target_queue[0, counters[N_TARGETS]] = g
        counters[N_TARGETS] += 1


@inner_kernel
def queue_row(t, touching, queue, counters):
    """Queue a component that touches targets: to be served late, and at the end of this level."""
    if touching[t, LATE] == 0:
        touching[t, LATE] = 1
        queue[1, counters[N_LATE]] = t
        counters[N_LATE] += 1
    if touching[t, URGENT] == 0:
        touching[t, URGENT] = 1
        queue[0, counters[N_URGENT]] = t
        counters[N_URGENT] += 1


@inner_kernel
def add_overlap(r, g, predicted, touching, weights, nodes, table, targets, target_queue, queue,
                counters):  # fmt: skip
    """Count one more pixel of target g in component r."""
    kept, normal, t = predicted[r, KEPT], predicted[r, PLAIN], predicted[r, TOUCHING]
    if t == NONE:
        t = counters[ROWS]
        counters[ROWS] += 1
        predicted[r, TOUCHING] = t
        for column in range(TOUCHING_COLUMNS):
            touching[t, column] = 0
        touching[t, LIVE] = touching[t, DEAD] = touching[t, SERVED] = touching[t, CALM] = NONE
        touching[t, ROOT] = r
        weights[t, SIOU_FALL] = weights[t, PPV_FALL] = 0.0
        if kept:
            counters[FALSE] -= 1
            counters[TURNED] += 1
            counters[ROWS_KEPT] += 1
    touching[t, ANOMALOUS] += 1
    if kept:
        queue_row(t, touching, queue, counters)
        touch_target(g, targets, target_queue, counters)
        targets[g, COVERED] += 1
    slot = slot_of(t, g, nodes, table)
    node = table[slot]
    if node == NONE:
        node = counters[FREE]
        if node == NONE:
            node = counters[NODES_USED]
            counters[NODES_USED] += 1
        else:
            counters[FREE] = nodes[node, NEXT]
        table[slot] = node
        nodes[node, OWNER], nodes[node, TARGET], nodes[node, COUNT] = t, g, 0
        nodes[node, PASSED] = normal if kept else 0
        nodes[node, NEXT] = touching[t, LIVE]
        touching[t, LIVE] = node
        touching[t, NODES] += 1
        if kept:
            targets[g, BEYOND] += normal
    nodes[node, COUNT] += 1


@inner_kernel
def cover(t, touching, nodes, targets, target_queue, counters):
    """Count the pixels of a component that is being kept in its targets."""
    node = touching[t, LIVE]
    while node != NONE:
        g = nodes[node, TARGET]
        touch_target(g, targets, target_queue, counters)
        targets[g, COVERED] += nodes[node, COUNT]
        node = nodes[node, NEXT]


@inner_kernel
def keep(r, predicted, touching, nodes, targets, target_queue, queue, counters):
    """Let a component count from now on."""
    predicted[r, KEPT] = counters[PART]
    counters[FRESH] += predicted[r, SIZE]
    counters[SWALLOWED] += predicted[r, SIZE] > 1
    t = predicted[r, TOUCHING]
    if t == NONE:
        counters[FALSE] += 1
    else:
        counters[STAINED] += 1
        counters[ROWS_KEPT] += 1
        cover(t, touching, nodes, targets, target_queue, counters)
        queue_row(t, touching, queue, counters)


@inner_kernel
def absorb(s, t, normal, kept, touching, weights, nodes, table, targets, target_queue, counters):
    """Hand the nodes of row s, the shorter list, to row t of a component with `normal` pixels."""
    for column in (LIVE, DEAD):
        node = touching[s, column]
        while node != NONE:
            rest = nodes[node, NEXT]
            g = nodes[node, TARGET]
            vacate(slot_of(s, g, nodes, table), nodes, table)
            slot = slot_of(t, g, nodes, table)
            if table[slot] != NONE:  # both touch g
                nodes[table[slot], COUNT] += nodes[node, COUNT]
                nodes[table[slot], PASSED] += nodes[node, PASSED]
                nodes[node, NEXT] = counters[FREE]
                counters[FREE] = node
            else:
                table[slot] = node
                nodes[node, OWNER] = t
                nodes[node, NEXT] = touching[t, column]
                touching[t, column] = node
                touching[t, NODES] += 1
                if kept:
                    touch_target(g, targets, target_queue, counters)
                    targets[g, BEYOND] += normal - nodes[node, PASSED]
                    nodes[node, PASSED] = normal
            node = rest
    touching[t, ANOMALOUS] += touching[s, ANOMALOUS]
    weights[t, SIOU_FALL] += weights[s, SIOU_FALL]
    touching[s, ROOT] = NONE
