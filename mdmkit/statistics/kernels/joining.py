"""Adding pixels to predicted components: union-find over components, not pixels.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mdmkit.statistics.kernels import inner_kernel
from mdmkit.statistics.kernels.overlaps import absorb, add_overlap, cover, keep, queue_row
from mdmkit.statistics.kernels.state import (
    AHEAD,
    BORN,
    CALM,
    COUNTED,
    FALSE,
    FRESH,
    HIGH,
    HIT,
    KEPT,
    LAST,
    LATE,
    LOW,
    MERGED,
    N_LATE,
    N_URGENT,
    NODES,
    NONE,
    NORMAL_CLASS,
    PART,
    PLAIN,
    PPV_FALL,
    ROOT,
    ROWS_KEPT,
    SIOU_FALL,
    SIZE,
    STAINED,
    SWALLOWED,
    TAKEN_IN,
    TOUCHING,
    TURNED,
    URGENT,
)
from mdmkit.statistics.kernels.updating import discount

_ONE, _2, _3, _4, _5, _SEVEN, _63 = (np.uint64(i) for i in (1, 2, 3, 4, 5, 7, 63))


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
def neighbours(active, q, stride):
    """The 8 bits around q, row by row."""
    above = three_bits(active, q - stride - 1)
    beside = three_bits(active, q - 1)
    below = three_bits(active, q + stride - 1)
    return np.int64(above | (beside & _ONE) << _3 | (beside >> _2) << _4 | below << _5)


@inner_kernel
def gain(t, gained, normal, touching, weights, queue, counters, drift):
    """Note that a kept component which touches targets gained normal pixels; it has `normal`."""
    drift[SIOU_FALL] += gained * weights[t, SIOU_FALL]
    drift[PPV_FALL] += gained * weights[t, PPV_FALL]
    if touching[t, LATE] == 0:
        touching[t, LATE] = 1
        queue[1, counters[N_LATE]] = t
        counters[N_LATE] += 1
    if normal > touching[t, CALM] and touching[t, URGENT] == 0:
        touching[t, URGENT] = 1
        queue[0, counters[N_URGENT]] = t
        counters[N_URGENT] += 1


@inner_kernel
def note_union(a, b, predicted, counters):
    """Note for bounds that component b joins the kept component a."""
    since = predicted[b, KEPT]
    if since == 0:
        counters[FRESH] += predicted[b, SIZE]
        return
    if since < counters[PART] and predicted[a, KEPT] < counters[PART]:
        counters[MERGED] += 1
    predicted[a, KEPT] = min(predicted[a, KEPT], since)


@inner_kernel
def unite_plain(a, b, parent, predicted, touching, weights, queue, counters, drift):
    """Join to component a the component b, not kept unless a is, which touches no target."""
    parent[b] = a
    gained = predicted[b, PLAIN]
    counters[SWALLOWED] += predicted[b, KEPT] == 0
    if predicted[a, KEPT]:
        note_union(a, b, predicted, counters)
        t = predicted[a, TOUCHING]
        if predicted[b, KEPT]:
            counters[FALSE] -= 1
            counters[TURNED] += t != NONE
        if t != NONE and gained > 0:
            gain(t, gained, predicted[a, PLAIN] + gained, touching, weights, queue, counters, drift)
    predicted[a, SIZE] += predicted[b, SIZE]
    predicted[a, PLAIN] += gained


@inner_kernel
def unite(a, b, parent, predicted, touching, weights, nodes, table, targets, target_queue, queue,
          totals, counters, drift):  # fmt: skip
    """Join to component a the component b, not kept unless a is, which touches a target."""
    kept = predicted[a, KEPT]
    t, s = predicted[a, TOUCHING], predicted[b, TOUCHING]
    joining = predicted[b, PLAIN]  # normal pixels that the targets of row t gain
    counters[STAINED] += 1
    counters[SWALLOWED] += predicted[b, KEPT] == 0
    if kept:
        note_union(a, b, predicted, counters)
        if t == NONE:
            counters[FALSE] -= 1
            counters[TURNED] += 1
        counters[ROWS_KEPT] += np.int64(t == NONE) - np.int64(predicted[b, KEPT] != 0)
        if predicted[b, KEPT] == 0:
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
        touching[t, TAKEN_IN] += touching[s, TAKEN_IN] + touching[s, COUNTED]
        discount(s, touching, weights, totals, counters)
        absorb(s, t, predicted[a, PLAIN], kept, touching, weights, nodes, table, targets,
               target_queue, counters)  # fmt: skip


@inner_kernel
def look_ahead(start, order, width, label, parent, ahead):
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
        above, below = label[q - stride], label[q + stride]
        ahead[k, 2] = parent[max(above, 0)] + parent[max(below, 0)]


@inner_kernel
def join_pixels(start, order, flags, width, min_prediction, joins, label, ahead, active, parent,
                predicted, touching, weights, nodes, table, targets, target_queue, queue, totals, counters,
                drift, limits):  # fmt: skip
    """Add pixels up to the end of a level at which something is to be done; returns that end."""
    stride = width + 1
    for i in range(start, order.size):
        if i % AHEAD == 0:
            look_ahead(i, order, width, label, parent, ahead)
        q, g = ahead[i % AHEAD, 0], ahead[i % AHEAD, 1]
        mask = neighbours(active, q, stride)
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
                kept, other_kept = predicted[r, KEPT] != 0, predicted[other, KEPT] != 0
                if other_kept > kept or (
                    other_kept == kept and predicted[other, SIZE] > predicted[r, SIZE]
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
        kept = predicted[r, KEPT] != 0
        counters[FRESH] += kept
        if g == NORMAL_CLASS:
            predicted[r, PLAIN] += 1
            if kept and predicted[r, TOUCHING] != NONE:
                gain(predicted[r, TOUCHING], 1, predicted[r, PLAIN], touching, weights, queue,
                     counters, drift)  # fmt: skip
        elif g > 0:
            counters[STAINED] += 1
            add_overlap(r, g, predicted, touching, weights, nodes, table, targets, target_queue,
                        queue, counters)  # fmt: skip
        if (
            not kept
            and predicted[r, SIZE] >= min_prediction
            and (predicted[r, PLAIN] > 0 or predicted[r, TOUCHING] != NONE)
        ):
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
