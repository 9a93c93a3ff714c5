"""Component statistics at every threshold, plainly: the oracle of the fast sweep.

Union-find over pixels in descending score, totals after every level. In plain Python, which the small
maps of tests take less time for than a compiler; `compile_loops` is for maps by the thousand.

NO VALIDATION HERE. On entry must hold: `order` lists each valid pixel once, descending in score;
`ends` ascends; `target` has one entry a pixel of the frame padded by one: the number 1..K of a
ground-truth component, 0 where normal, SMALL where a component is too small to count.

Invariants after each pixel:
- the pixels seen so far form the predicted components, by 8-connectivity; each has one root;
- a component is KEPT once it has `min_prediction` pixels (those in too-small targets included);
- COVERED of target g = its pixels in kept components;
- BEYOND of g = normal pixels of the kept components that touch g, less what is still PENDING;
- a component's overlaps with targets are linked, in ascending order of target.
Components and targets whose numbers may have changed wait in a queue until the level is complete;
only then are their ratios divided, so that equal scores act at once.

State lives in few arrays, addressed by named columns (numba passes those cheaply):
`parent` (N,) union-find; `predicted` (N, 9) by root; `overlaps` (N, 3) linked nodes; `targets`
(K + 1, 7); `totals` (7 + 2 Q,); `queued_components` (N,), `queued_targets` (K + 1,); `counters`.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label as label_components

from mdmkit.core.exact_sums import LIMB_BITS, LIMBS
from mdmkit.core.labels import ANOMALOUS as ANOMALOUS_CLASS
from mdmkit.statistics.components import QUALITIES, ComponentCounts
from mdmkit.statistics.pixel_order import pixel_order
from mdmkit.statistics.steps import Steps

SMALL = -2
NONE = -1

# predicted: pixels in all, normal ones, anomalous ones; head of the list of overlaps; kept?;
# normal pixels not yet passed on; queued?; the ratio now counted in the totals, as two integers
SIZE, NORMAL, ANOMALOUS, FIRST, KEPT, PENDING, QUEUED, PART, WHOLE = range(9)
# overlaps: number of the target, pixels in it, next node
TARGET, COUNT, NEXT = range(3)
# targets: pixels, those covered, normal pixels of touching components; queued?; ratio as counted
PIXELS, COVERED, BEYOND, T_QUEUED, T_PART, T_WHOLE = range(6)
# totals: limbs of the sums of sIoU and of PPV, number of predicted components, then TP and FP
SIOU, PPV, PREDICTED, TP = 0, LIMBS, 2 * LIMBS, 2 * LIMBS + 1
# counters: queued components and targets, components born, nodes in use, first free node
N_COMPONENTS, N_TARGETS, BORN, NODES, FREE = range(5)

_LIMB = float(1 << LIMB_BITS)

#: Names of the functions below that numba can compile.
LOOPS = []


def loop(function):
    LOOPS.append(function.__name__)
    return function


def compile_loops():
    """Compile all of them, before the first is called."""
    from mdmkit.statistics.kernels import kernel

    globals().update({name: kernel(globals()[name]) for name in LOOPS})


@loop
def find(parent, i):
    """Root of i, halving the path."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@loop
def add_ratio(totals, at, ratio, sign):
    """Add (or take out) a ratio in [0, 1] at three limbs, exactly: see mdmkit.core.exact_sums."""
    rest = ratio
    for i in range(LIMBS):
        rest *= _LIMB
        limb = np.int64(rest)
        rest -= limb
        totals[at + i] += sign * limb


@loop
def passed(ratio, qualities):
    """Number of leading entries of the ascending `qualities` that the ratio reaches (>=)."""
    n = 0
    while n < qualities.size and ratio >= qualities[n]:
        n += 1
    return n


@loop
def queue_component(r, predicted, queued_components, counters):
    if predicted[r, QUEUED] == 0:
        predicted[r, QUEUED] = 1
        queued_components[counters[N_COMPONENTS]] = r
        counters[N_COMPONENTS] += 1


@loop
def queue_target(g, targets, queued_targets, counters):
    if targets[g, T_QUEUED] == 0:
        targets[g, T_QUEUED] = 1
        queued_targets[counters[N_TARGETS]] = g
        counters[N_TARGETS] += 1


@loop
def contribute(r, sign, predicted, overlaps, targets, queued_targets, counters):
    """Count (or discount) a component's pixels in the targets that it touches."""
    beyond = sign * (predicted[r, NORMAL] - predicted[r, PENDING])
    node = predicted[r, FIRST]
    while node != NONE:
        g = overlaps[node, TARGET]
        targets[g, COVERED] += sign * overlaps[node, COUNT]
        targets[g, BEYOND] += beyond
        queue_target(g, targets, queued_targets, counters)
        node = overlaps[node, NEXT]


@loop
def pass_pending_on(r, predicted, overlaps, targets, queued_targets, counters):
    """Pass the normal pixels that joined a kept component on to the targets it touches."""
    pending = predicted[r, PENDING]
    if pending == 0:
        return
    predicted[r, PENDING] = 0
    node = predicted[r, FIRST]
    while node != NONE:
        g = overlaps[node, TARGET]
        targets[g, BEYOND] += pending
        queue_target(g, targets, queued_targets, counters)
        node = overlaps[node, NEXT]


@loop
def join_overlaps(a, b, overlaps, counters):
    """Merge two ascending lists of overlaps into one; nodes left over become free."""
    head = NONE
    tail = NONE
    while a != NONE and b != NONE:
        if overlaps[a, TARGET] > overlaps[b, TARGET]:
            a, b = b, a
        node = a
        if overlaps[a, TARGET] == overlaps[b, TARGET]:
            overlaps[a, COUNT] += overlaps[b, COUNT]
            spare = b
            b = overlaps[b, NEXT]
            overlaps[spare, NEXT] = counters[FREE]
            counters[FREE] = spare
        a = overlaps[a, NEXT]
        if tail == NONE:
            head = node
        else:
            overlaps[tail, NEXT] = node
        tail = node
    rest = a if a != NONE else b
    if tail == NONE:
        return rest
    overlaps[tail, NEXT] = rest
    return head


@loop
def discount(r, predicted, totals, qualities):
    """Take a predicted component out of PPV and the false positives, as it was counted."""
    if predicted[r, WHOLE] == 0:
        return
    ppv = predicted[r, PART] / predicted[r, WHOLE]
    predicted[r, WHOLE] = 0
    add_ratio(totals, PPV, ppv, -1)
    totals[PREDICTED] -= 1
    for t in range(passed(ppv, qualities), qualities.size):
        totals[TP + qualities.size + t] -= 1


@loop
def unite(a, b, parent, predicted, overlaps, targets, totals, queued_targets, counters, qualities):
    """Join two components; returns the root, the larger of the two."""
    if predicted[b, SIZE] > predicted[a, SIZE]:
        a, b = b, a
    kept = predicted[a, KEPT]  # b is not larger, so a is kept if any of them is
    if predicted[b, KEPT] == 0 and predicted[b, FIRST] == NONE:  # the common, cheap case
        if kept:
            predicted[a, PENDING] += predicted[b, NORMAL]
    else:
        if kept:
            contribute(a, -1, predicted, overlaps, targets, queued_targets, counters)
        if predicted[b, KEPT]:
            contribute(b, -1, predicted, overlaps, targets, queued_targets, counters)
            discount(b, predicted, totals, qualities)
        predicted[a, FIRST] = join_overlaps(
            predicted[a, FIRST], predicted[b, FIRST], overlaps, counters
        )
        predicted[a, PENDING] = -predicted[b, NORMAL]  # so that all of both counts just below
        if kept:
            contribute(a, 1, predicted, overlaps, targets, queued_targets, counters)
        predicted[a, PENDING] = 0
    parent[b] = a
    predicted[a, SIZE] += predicted[b, SIZE]
    predicted[a, NORMAL] += predicted[b, NORMAL]
    predicted[a, ANOMALOUS] += predicted[b, ANOMALOUS]
    return a


@loop
def give_birth(parent, predicted, counters):
    """A new, empty component."""
    r = counters[BORN]
    counters[BORN] += 1
    parent[r] = r
    predicted[r, :] = 0
    predicted[r, FIRST] = NONE
    return r


@loop
def new_node(overlaps, counters):
    """A node that is free."""
    node = counters[FREE]
    if node != NONE:
        counters[FREE] = overlaps[node, NEXT]
    else:
        node = counters[NODES]
        counters[NODES] += 1
    return node


@loop
def add_overlap(r, g, predicted, overlaps, targets, queued_targets, counters):
    """Count one more pixel of target g in component r."""
    if predicted[r, KEPT]:
        targets[g, COVERED] += 1
        queue_target(g, targets, queued_targets, counters)
    before = NONE
    node = predicted[r, FIRST]
    while node != NONE and overlaps[node, TARGET] < g:
        before = node
        node = overlaps[node, NEXT]
    if node != NONE and overlaps[node, TARGET] == g:
        overlaps[node, COUNT] += 1
        return
    new = new_node(overlaps, counters)
    overlaps[new, TARGET] = g
    overlaps[new, COUNT] = 1
    overlaps[new, NEXT] = node
    if before == NONE:
        predicted[r, FIRST] = new
    else:
        overlaps[before, NEXT] = new
    if predicted[r, KEPT]:
        targets[g, BEYOND] += predicted[r, NORMAL] - predicted[r, PENDING]


@loop
def join_neighbours(q, label, stride, parent, predicted, overlaps, targets, totals,
                    queued_targets, counters, qualities):  # fmt: skip
    """Unite the components around pixel q; returns their root, a new one where there is none."""
    r = NONE
    for dy in (-stride, 0, stride):
        for neighbour in range(q + dy - 1, q + dy + 2):
            if label[neighbour] != NONE:
                other = find(parent, label[neighbour])
                if r == NONE:
                    r = other
                elif other != r:
                    r = unite(r, other, parent, predicted, overlaps, targets, totals,
                              queued_targets, counters, qualities)  # fmt: skip
    if r == NONE:
        r = give_birth(parent, predicted, counters)
    return r


@loop
def count_pixel(r, g, min_prediction, predicted, overlaps, targets, queued_components,
                queued_targets, counters):  # fmt: skip
    """Count a pixel of class g (a target, 0 or SMALL) in component r."""
    predicted[r, SIZE] += 1
    if g == 0:
        predicted[r, NORMAL] += 1
        if predicted[r, KEPT]:
            predicted[r, PENDING] += 1
    elif g != SMALL:
        predicted[r, ANOMALOUS] += 1
        add_overlap(r, g, predicted, overlaps, targets, queued_targets, counters)
    if predicted[r, KEPT] == 0 and predicted[r, SIZE] >= min_prediction:
        predicted[r, KEPT] = 1
        contribute(r, 1, predicted, overlaps, targets, queued_targets, counters)
    if predicted[r, KEPT]:
        queue_component(r, predicted, queued_components, counters)


@loop
def settle_components(parent, predicted, overlaps, targets, totals, queued_components,
                      queued_targets, counters, qualities):  # fmt: skip
    """Bring PPV and the false positives up to date."""
    for i in range(counters[N_COMPONENTS]):
        r = queued_components[i]
        predicted[r, QUEUED] = 0
        if parent[r] != r:
            continue
        pass_pending_on(r, predicted, overlaps, targets, queued_targets, counters)
        whole = predicted[r, ANOMALOUS] + predicted[r, NORMAL]
        if whole == 0:  # it lies in too-small targets only, and is counted nowhere
            continue
        discount(r, predicted, totals, qualities)
        predicted[r, PART] = predicted[r, ANOMALOUS]
        predicted[r, WHOLE] = whole
        ppv = predicted[r, PART] / whole
        add_ratio(totals, PPV, ppv, 1)
        totals[PREDICTED] += 1
        for t in range(passed(ppv, qualities), qualities.size):
            totals[TP + qualities.size + t] += 1
    counters[N_COMPONENTS] = 0


@loop
def settle_targets(targets, totals, queued_targets, counters, qualities):
    """Bring sIoU and the true positives up to date."""
    for i in range(counters[N_TARGETS]):
        g = queued_targets[i]
        targets[g, T_QUEUED] = 0
        before = targets[g, T_PART] / targets[g, T_WHOLE]
        targets[g, T_PART] = targets[g, COVERED]
        targets[g, T_WHOLE] = targets[g, PIXELS] + targets[g, BEYOND]
        now = targets[g, T_PART] / targets[g, T_WHOLE]
        if now == before:
            continue
        add_ratio(totals, SIOU, before, -1)
        add_ratio(totals, SIOU, now, 1)
        for t in range(passed(before, qualities), passed(now, qualities)):
            totals[TP + t] += 1
        for t in range(passed(now, qualities), passed(before, qualities)):
            totals[TP + t] -= 1
    counters[N_TARGETS] = 0


@loop
def record_change(row, values):
    """Write values into a row; returns whether they differ from what stood there."""
    differ = False
    for t in range(values.size):
        differ |= row[t] != values[t]
        row[t] = values[t]
    return differ


@loop
def doubled(rows):
    """A copy with room for twice as many rows."""
    larger = np.empty((2 * rows.shape[0], rows.shape[1]), rows.dtype)
    larger[: rows.shape[0]] = rows
    return larger


@loop
def sweep_components(order, ends, target, sizes, min_prediction, qualities):
    """Totals after each level, levels descending in score.

    Parameters: `order` (P,) flat indices; `ends` (L,) int64; `target` (H + 2, W + 2) int32;
    `sizes` (K + 1,) int64 pixels of each target; `qualities` (Q,) ascending thresholds on
    sIoU and PPV.
    Returns sums (L, 7): limbs of sIoU, limbs of PPV, number of predicted components; and hits
    (M, 1 + 2 Q): a level where TP or FP changed, TP and FP there.
    """
    stride = target.shape[1]
    height, width = target.shape[0] - 2, stride - 2
    births = ((height + 1) // 2) * ((width + 1) // 2)  # pixels born isolated: none are adjacent
    flat_target = target.ravel()
    label = np.full(flat_target.size, NONE, np.int32)
    parent = np.empty(births, np.int32)
    predicted = np.empty((births, 9), np.int32)
    overlaps = np.empty((births, 3), np.int32)
    targets = np.zeros((sizes.size, 6), np.int64)
    targets[:, PIXELS] = sizes
    targets[:, T_WHOLE] = sizes
    queued_components = np.empty(births, np.int32)
    queued_targets = np.empty(sizes.size, np.int32)
    counters = np.zeros(5, np.int64)
    counters[FREE] = NONE
    totals = np.zeros(TP + 2 * qualities.size, np.int64)

    sums = np.empty((ends.size, TP), np.int64)
    hits = np.zeros((64, 1 + 2 * qualities.size), np.int32)
    latest = np.zeros(2 * qualities.size, np.int64)
    n_hits = 0
    start = 0
    for level in range(ends.size):
        for i in range(start, ends[level]):
            q = (order[i] // width + 1) * stride + order[i] % width + 1
            r = join_neighbours(q, label, stride, parent, predicted, overlaps, targets, totals,
                                queued_targets, counters, qualities)  # fmt: skip
            label[q] = r
            count_pixel(r, flat_target[q], min_prediction, predicted, overlaps, targets,
                        queued_components, queued_targets, counters)  # fmt: skip
        start = ends[level]
        settle_components(parent, predicted, overlaps, targets, totals, queued_components,
                          queued_targets, counters, qualities)  # fmt: skip
        settle_targets(targets, totals, queued_targets, counters, qualities)
        sums[level] = totals[:TP]
        if record_change(latest, totals[TP:]):
            if n_hits == hits.shape[0]:
                hits = doubled(hits)
            hits[n_hits, 0] = level
            hits[n_hits, 1:] = latest
            n_hits += 1
    return sums, hits[:n_hits]


def component_sweep(frame, sizes):
    """The ComponentCounts of a frame, by the plain kernel."""
    numbers, count = label_components(frame.classes == ANOMALOUS_CLASS, np.ones((3, 3), int))
    pixels = np.bincount(numbers.ravel(), minlength=count + 1)
    pixels[0] = 0
    kept = pixels >= max(sizes.min_target, 1)
    renumber = np.where(kept, np.cumsum(kept), SMALL).astype(np.int32)
    renumber[0] = 0
    levels = pixel_order(frame)
    sums, hits = sweep_components(
        levels.order.astype(np.int32),
        levels.ends,
        np.pad(renumber[numbers], 1),
        np.append(0, pixels[kept]).astype(np.int64),
        sizes.min_prediction,
        QUALITIES,
    )
    return ComponentCounts(
        sizes,
        int(kept.sum()),
        int(pixels.max()),
        Steps.from_totals(levels.scores, sums[:, :LIMBS]),
        Steps.from_totals(levels.scores, sums[:, LIMBS:]),
        Steps.from_totals(levels.scores[hits[:, 0]], hits[:, 1:].astype(np.int64)),
    )
