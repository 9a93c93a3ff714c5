"""Component statistics at the thresholds that matter: union-find over pixels in descending score.

NO VALIDATION HERE. On entry must hold: `order` lists each valid pixel at most once, descending in
score, and every score's pixels completely; `flags` has LAST at the last pixel of each score;
`label` is the frame with a row above and below and one column to the right, flat: NORMAL, SMALL
(in a component too small to count) or `-2 - g` in ground-truth component (target) g = 1..K.

Invariants at the end of a level, i.e. after the last pixel of a score:
- the pixels seen so far form the predicted components, by 8-connectivity; each has one root, and
  `label` names a member of its component at every pixel seen (`active`, a bitmap);
- a component is KEPT once it has `min_prediction` pixels (those of too-small targets included);
- a kept component without anomalous, but with normal pixels is counted in FALSE at once; one with
  anomalous pixels has a row in `touching` and a node for each target that it touches;
- COVERED of target g = its pixels in kept components;
- BEYOND of g = the sum over its nodes of PASSED, each at most the normal pixels of its component;
- a target is dead once PIXELS / (PIXELS + BEYOND) is below the lowest quality: it is a false
  negative for ever, as BEYOND never falls. A live target has fewer than 3 normal pixels a pixel
  of its own around it, so passing normal pixels on to LIVE nodes in every level is O(pixels) in
  all; DEAD nodes, which a huge component has by the thousand, are served late: only before totals
  are recorded or a verdict is in doubt;
- hence TP, FP and the numbers of components are exact at every level, and the sums of sIoU and PPV
  as counted exceed the true ones by at most `drift`: a normal pixel that joins a component lowers
  the sum of sIoU by at most the sum over its dead nodes of I / U^2 <= G / U^2 (U never falls, so
  a weight that is out of date is still a bound), and its PPV p by at most p / size.

State lives in few arrays, addressed by named columns (numba passes those cheaply).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mdmkit.exact_sums import LIMB_BITS, LIMBS
from mdmkit.kernels import inner_kernel

NORMAL, SMALL = -1, -2  # in `label`
NORMAL_CLASS = -2 - NORMAL
NONE = -1
AHEAD = 32
FOREVER = 2**31 - 1
NEAR = 1e-9  # running sums decide only where they are farther than this from T

# flags of a pixel: ends a level; totals are recorded there; a bin's bounds start anew there
LAST, RECORD, RESTART = 1, 2, 4
# predicted, by component: pixels in all, normal ones; its row of `touching`; kept?
SIZE, PLAIN, TOUCHING, KEPT = range(4)
# touching, by component with anomalous pixels: those; first live and dead node; number of nodes;
# normal pixels last passed on to live ones; queued?; normal pixels up to which nothing is urgent;
# counted in PPV?, and number of qualities that its PPV reached; the component
ANOMALOUS, LIVE, DEAD, NODES, SERVED, URGENT, LATE, CALM, COUNTED, RANK, ROOT = range(11)
# weights, by the same: what a normal pixel takes of the sums of sIoU and PPV at most; its PPV
SIOU_FALL, PPV_FALL, RATIO = range(3)
# nodes, one a component and target: row of `touching`, target; pixels; normal ones passed on; next
OWNER, TARGET, COUNT, PASSED, NEXT = range(5)
# targets: pixels, those covered, normal pixels of touching components; queued?; dead?; number of
# qualities reached; number of the bin, and covered pixels and union when that bin began
PIXELS, COVERED, BEYOND, QUEUED, IS_DEAD, REACHED, BIN, WAS_COVERED, WAS_UNION = range(9)
# totals: limbs of the sums of sIoU and of PPV, predicted components, TP, FP of those that touch a
# target; then (FALSE) components with normal pixels only, which are FP at every quality
SIOU, PPV, PREDICTED, TP = 0, LIMBS, 2 * LIMBS, 2 * LIMBS + 1
# counters: components, rows of touching and nodes in use, first free node; entries of the queues;
# number of the bin; did TP or FP change?; FALSE and the range in which nothing need be done;
# that in which no verdict on mean F1 changes; rows written; sum of sIoU when the bin began
BORN, ROWS, NODES_USED, FREE, N_URGENT, N_LATE, N_TARGETS, N_MOVED = range(8)
BIN_NOW, HIT, FALSE = range(8, 11)
LOW, HIGH, F1_LOW, F1_HIGH = range(11, 15)
N_SUMS, N_HITS, SINCE = range(15, 18)
PREDICTED_COLUMNS, TOUCHING_COLUMNS, WEIGHT_COLUMNS, NODE_COLUMNS, TARGET_COLUMNS = 4, 11, 3, 5, 9
COUNTERS = 18

_LIMB = float(1 << LIMB_BITS)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ONE, _2, _3, _4, _5, _SEVEN, _32, _63 = (np.uint64(i) for i in (1, 2, 3, 4, 5, 7, 32, 63))


@lru_cache(maxsize=16)
def joins_by_mask(stride):
    """Offsets of the neighbours to join, by the 8 bits of active ones: (256, 5), number last.

    Of neighbours that touch one another, one is enough. Bits 0..2 are the row above, 3 and 4 left
    and right, 5..7 the row below.
    """
    table = np.zeros((256, 5), np.int32)
    places = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    for mask in range(256):
        left = [place for bit, place in enumerate(places) if mask >> bit & 1]
        left.sort(key=lambda place: abs(place[0]) + abs(place[1]))  # the middle ones join most
        while left:
            group = [left.pop(0)]
            table[mask, table[mask, 4]] = group[0][0] * stride + group[0][1]
            table[mask, 4] += 1
            for y, x in group:
                near = [p for p in left if abs(p[0] - y) <= 1 and abs(p[1] - x) <= 1]
                group += near
                left = [p for p in left if p not in near]
    return table


@inner_kernel
def find(parent, i):
    """Root of i, halving the path."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@inner_kernel
def three_bits(active, q):
    """The bits q, q + 1, q + 2 of a bitmap."""
    word, shift = q >> 6, np.uint64(q & 63)
    return ((active[word] >> shift) | ((active[word + 1] << _ONE) << (_63 - shift))) & _SEVEN


@inner_kernel
def replace_ratio(totals, at, before, now):
    """Exchange a ratio in [0, 1] for another in three limbs, exactly: see mdmkit.exact_sums."""
    for i in range(LIMBS):
        before *= _LIMB
        now *= _LIMB
        gone, new = np.int64(before), np.int64(now)
        before -= gone
        now -= new
        totals[at + i] += new - gone


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
    """Queue a target whose ratio changes, and keep what it was when the bin began."""
    if targets[g, BIN] != counters[BIN_NOW]:
        targets[g, BIN] = counters[BIN_NOW]
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
        if kept and normal > 0:
            counters[FALSE] -= 1
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
    predicted[r, KEPT] = 1
    t = predicted[r, TOUCHING]
    if t != NONE:
        cover(t, touching, nodes, targets, target_queue, counters)
        queue_row(t, touching, queue, counters)
    elif predicted[r, PLAIN] > 0:
        counters[FALSE] += 1


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
def gain(r, t, gained, predicted, touching, weights, queue, counters, drift):
    """Note that a kept component which touches targets gained normal pixels."""
    drift[SIOU_FALL] += gained * weights[t, SIOU_FALL]
    drift[PPV_FALL] += gained * weights[t, PPV_FALL]
    if touching[t, LATE] == 0:
        touching[t, LATE] = 1
        queue[1, counters[N_LATE]] = t
        counters[N_LATE] += 1
    if predicted[r, PLAIN] > touching[t, CALM] and touching[t, URGENT] == 0:
        touching[t, URGENT] = 1
        queue[0, counters[N_URGENT]] = t
        counters[N_URGENT] += 1


@inner_kernel
def unite_plain(a, b, parent, predicted, touching, weights, queue, counters, drift):
    """Join to component a the component b, not kept unless a is, which touches no target."""
    parent[b] = a
    before, gained = predicted[a, PLAIN], predicted[b, PLAIN]
    predicted[a, SIZE] += predicted[b, SIZE]
    predicted[a, PLAIN] += gained
    if predicted[a, KEPT] and gained > 0:
        if predicted[b, KEPT]:
            counters[FALSE] -= 1
        if predicted[a, TOUCHING] != NONE:
            gain(a, predicted[a, TOUCHING], gained, predicted, touching, weights, queue, counters,
                 drift)  # fmt: skip
        elif before == 0:
            counters[FALSE] += 1


@inner_kernel
def unite(a, b, parent, predicted, touching, weights, nodes, table, targets, target_queue, queue,
          totals, counters, drift):  # fmt: skip
    """Join to component a the component b, not kept unless a is, which touches a target."""
    kept = predicted[a, KEPT]
    t, s = predicted[a, TOUCHING], predicted[b, TOUCHING]
    joining = predicted[b, PLAIN]  # normal pixels that the targets of row t gain
    if kept and t == NONE and predicted[a, PLAIN] > 0:
        counters[FALSE] -= 1
    if kept and predicted[b, KEPT] == 0:
        cover(s, touching, nodes, targets, target_queue, counters)
    if t == NONE or touching[s, NODES] > touching[t, NODES]:
        t, s = s, t
        joining = predicted[a, PLAIN]
    parent[b] = a
    predicted[a, SIZE] += predicted[b, SIZE]
    predicted[a, PLAIN] += predicted[b, PLAIN]
    predicted[a, TOUCHING] = t
    touching[t, ROOT] = a
    if kept:
        drift[SIOU_FALL] += joining * weights[t, SIOU_FALL]
        queue_row(t, touching, queue, counters)
    if s != NONE:
        discount(s, touching, weights, totals, counters)
        absorb(s, t, predicted[a, PLAIN], kept, touching, weights, nodes, table, targets,
               target_queue, counters)  # fmt: skip


@inner_kernel
def look_ahead(start, order, width, label, ahead):
    """Place in `label`, and class, of the next pixels.

    One after the other, each would wait for memory; here the reads overlap (those of the rows
    above and below only bring them near).
    """
    stride = width + 1
    for k in range(min(AHEAD, order.size - start)):
        i = order[start + k]
        q = i + np.int64((i + 0.5) * (1.0 / width)) + stride + 1  # i + row: exact below 2^50
        ahead[k, 0] = q
        ahead[k, 1] = -2 - label[q]
        ahead[k, 2] = label[q - stride] + label[q + stride]


@inner_kernel
def join_pixels(start, order, flags, width, min_prediction, joins, label, ahead, active, parent,
                predicted, touching, weights, nodes, table, targets, target_queue, queue, totals, counters,
                drift, limits):  # fmt: skip
    """Add pixels up to the end of a level at which something is to be done; returns that end."""
    stride = width + 1
    for i in range(start, order.size):
        if i % AHEAD == 0:
            look_ahead(i, order, width, label, ahead)
        q, g = ahead[i % AHEAD, 0], ahead[i % AHEAD, 1]
        above = three_bits(active, q - stride - 1)
        beside = three_bits(active, q - 1)
        below = three_bits(active, q + stride - 1)
        mask = np.int64(above | (beside & _ONE) << _3 | (beside >> _2) << _4 | below << _5)
        active[q >> 6] |= _ONE << np.uint64(q & 63)
        if mask == 0:
            r = counters[BORN]
            counters[BORN] += 1
            parent[r] = r
            predicted[r, SIZE] = predicted[r, PLAIN] = predicted[r, KEPT] = 0
            predicted[r, TOUCHING] = NONE
        else:
            r = find(parent, np.int64(label[q + joins[mask, 0]]))
            for k in range(1, joins[mask, 4]):
                other = find(parent, np.int64(label[q + joins[mask, k]]))
                if other == r:
                    continue
                if predicted[other, KEPT] > predicted[r, KEPT] or (
                    predicted[other, KEPT] == predicted[r, KEPT]
                    and predicted[other, SIZE] > predicted[r, SIZE]
                ):
                    r, other = other, r
                if predicted[other, TOUCHING] == NONE:
                    unite_plain(r, other, parent, predicted, touching, weights, queue, counters,
                                drift)  # fmt: skip
                else:
                    unite(r, other, parent, predicted, touching, weights, nodes, table, targets,
                          target_queue, queue, totals, counters, drift)  # fmt: skip
        label[q] = r
        predicted[r, SIZE] += 1
        if g == NORMAL_CLASS:
            predicted[r, PLAIN] += 1
            if predicted[r, KEPT]:
                if predicted[r, TOUCHING] != NONE:
                    gain(r, predicted[r, TOUCHING], 1, predicted, touching, weights, queue,
                         counters, drift)  # fmt: skip
                elif predicted[r, PLAIN] == 1:
                    counters[FALSE] += 1
        elif g > 0:
            add_overlap(r, g, predicted, touching, weights, nodes, table, targets, target_queue,
                        queue, counters)  # fmt: skip
        if predicted[r, KEPT] == 0 and predicted[r, SIZE] >= min_prediction:
            keep(r, predicted, touching, nodes, targets, target_queue, queue, counters)
        if flags[i] != 0 and (
            flags[i] != LAST
            or counters[N_URGENT] > 0
            or counters[HIT] != 0
            or counters[FALSE] < counters[LOW]
            or counters[FALSE] > counters[HIGH]
            or drift[SIOU_FALL] > limits[SIOU_FALL]
            or drift[PPV_FALL] > limits[PPV_FALL]
        ):
            return i + 1
    return order.size


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
