"""Which predicted component touches which target: rows, and nodes found by hashing.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inlined_kernel, inner_kernel
from mdmkit.statistics.kernels.state import (
    ANOMALOUS,
    BEYOND,
    BIN,
    BIN_NOW,
    CALM,
    COUNT_OF,
    COVERED,
    DEAD,
    FALSE,
    FREE,
    FRESH,
    LATE,
    LIVE,
    MARKED_PIXELS,
    MIXED,
    N_LATE,
    N_MOVED,
    N_TARGETS,
    N_URGENT,
    NEXT,
    NODES,
    NODES_USED,
    NONE,
    OWNER,
    PASSED,
    PIXELS,
    QUEUED,
    ROOT,
    ROWS,
    ROWS_KEPT,
    SERVED,
    SIZE_SHIFT,
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


@inlined_kernel
def normal_pixels(r, s):
    """Normal pixels of a component."""
    facts = ~s.tree[r]
    return (facts >> SIZE_SHIFT) - (s.predicted[r, MARKED_PIXELS] if facts & MIXED else 0)


@inlined_kernel
def row_of(r, s):
    """The row of a component in `touching`, NONE if it touches no target."""
    return np.int64(s.predicted[r, TOUCHING]) if ~s.tree[r] & MIXED else NONE


@inlined_kernel
def home(owner, g, table):
    """Slot of a table (a power of two) where the search for a node starts."""
    key = (np.uint64(owner) << _32) | np.uint64(g)
    return np.int64((key * _GOLDEN) >> _32) & (table.size - 1)


@inlined_kernel
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


@inlined_kernel
def touch_target(g, s):
    """Queue a target whose ratio changes, and keep what it was when the bin began."""
    targets, counters = s.targets, s.counters
    if targets[g, BIN] != counters[BIN_NOW]:
        targets[g, BIN] = counters[BIN_NOW]
        targets[g, WAS_COVERED] = targets[g, COVERED]
        targets[g, WAS_UNION] = targets[g, PIXELS] + targets[g, BEYOND]
        s.target_queue[1, counters[N_MOVED]] = g
        counters[N_MOVED] += 1
    if targets[g, QUEUED] == 0:
        targets[g, QUEUED] = 1
        s.target_queue[0, counters[N_TARGETS]] = g
        counters[N_TARGETS] += 1


@inlined_kernel
def queue_row(t, s):
    """Queue a component that touches targets: to be served late, and at the end of this level."""
    touching, queue, counters = s.touching, s.queue, s.counters
    if touching[t, LATE] == 0:
        touching[t, LATE] = 1
        queue[1, counters[N_LATE]] = t
        counters[N_LATE] += 1
    if touching[t, URGENT] == 0:
        touching[t, URGENT] = 1
        queue[0, counters[N_URGENT]] = t
        counters[N_URGENT] += 1


@inlined_kernel
def add_overlap(r, g, kept, normal, s):
    """Count one more pixel of target g in component r, which has `normal` ones besides."""
    predicted, touching, nodes = s.predicted, s.touching, s.nodes
    targets, counters = s.targets, s.counters
    t = np.int64(predicted[r, TOUCHING])
    if t == NONE:
        t = counters[ROWS]
        counters[ROWS] += 1
        predicted[r, TOUCHING] = t
        for column in range(TOUCHING_COLUMNS):
            touching[t, column] = 0
        touching[t, LIVE] = touching[t, DEAD] = touching[t, SERVED] = touching[t, CALM] = NONE
        touching[t, ROOT] = r
        if kept:
            counters[FALSE] -= 1
            counters[TURNED] += 1
            counters[ROWS_KEPT] += 1
    touching[t, ANOMALOUS] += 1
    if kept:
        queue_row(t, s)
        touch_target(g, s)
        targets[g, COVERED] += 1
    slot = slot_of(t, g, nodes, s.table)
    node = s.table[slot]
    if node == NONE:
        node = counters[FREE]
        if node == NONE:
            node = counters[NODES_USED]
            counters[NODES_USED] += 1
        else:
            counters[FREE] = nodes[node, NEXT]
        s.table[slot] = node
        nodes[node, OWNER], nodes[node, TARGET], nodes[node, COUNT_OF] = t, g, 0
        nodes[node, PASSED] = normal if kept else 0
        nodes[node, NEXT] = touching[t, LIVE]
        touching[t, LIVE] = node
        touching[t, NODES] += 1
        if kept:
            targets[g, BEYOND] += normal
    nodes[node, COUNT_OF] += 1


@inner_kernel
def cover(t, s):
    """Count the pixels of a component that is being kept in its targets."""
    nodes, targets = s.nodes, s.targets
    node = s.touching[t, LIVE]
    while node != NONE:
        g = nodes[node, TARGET]
        touch_target(g, s)
        targets[g, COVERED] += nodes[node, COUNT_OF]
        node = nodes[node, NEXT]


@inner_kernel
def keep(t, size, s):
    """Count a component of `size` pixels that is being kept, with its row of `touching`, if any."""
    counters = s.counters
    counters[FRESH] += size
    counters[SWALLOWED] += size > 1
    if t == NONE:
        counters[FALSE] += 1
    else:
        counters[STAINED] += 1
        counters[ROWS_KEPT] += 1
        cover(t, s)
        queue_row(t, s)


@inner_kernel
def absorb(row, t, normal, kept, s):
    """Hand the nodes of `row`, the shorter list, to row t of a component with `normal` pixels."""
    touching, nodes, table = s.touching, s.nodes, s.table
    targets, counters = s.targets, s.counters
    for column in (LIVE, DEAD):
        node = touching[row, column]
        while node != NONE:
            rest = nodes[node, NEXT]
            g = nodes[node, TARGET]
            vacate(slot_of(row, g, nodes, table), nodes, table)
            slot = slot_of(t, g, nodes, table)
            if table[slot] != NONE:  # both touch g
                nodes[table[slot], COUNT_OF] += nodes[node, COUNT_OF]
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
                    touch_target(g, s)
                    targets[g, BEYOND] += normal - nodes[node, PASSED]
                    nodes[node, PASSED] = normal
            node = rest
    touching[t, ANOMALOUS] += touching[row, ANOMALOUS]
    touching[row, ROOT] = NONE
