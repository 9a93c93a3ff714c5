"""Adding pixels to predicted components: union-find over basins, not pixels.

NO VALIDATION HERE. See `mdmkit.statistics.kernels.state`.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inlined_kernel, inner_kernel
from mdmkit.statistics.kernels.basins import ALONE, BASIN, MARKED, MEETING, MEETING_SHIFT
from mdmkit.statistics.kernels.overlaps import (
    absorb,
    add_overlap,
    cover,
    keep,
    normal_pixels,
    queue_row,
    row_of,
)
from mdmkit.statistics.kernels.state import (
    CALM,
    COUNTED,
    FALSE,
    FRESH,
    KEPT,
    LATE,
    MARKED_PIXELS,
    MERGED,
    MIXED,
    N_LATE,
    N_URGENT,
    NODES,
    NONE,
    PART,
    ROOT,
    ROWS_KEPT,
    SEEDS,
    SINCE,
    SIZE_SHIFT,
    STAINED,
    SWALLOWED,
    TAKEN_IN,
    TOUCHING,
    TURNED,
    URGENT,
)
from mdmkit.statistics.kernels.updating import discount

_LOUD = MARKED | MEETING << MEETING_SHIFT  # bits that call for more than counting a pixel


@inlined_kernel
def root_of(tree, i):
    """Root of the component that basin i is in, halving the path.

    Places are unsigned: numba looks whether signed ones are below 0.
    """
    above = tree[i]
    while above >= 0:
        further = tree[np.uint64(above)]
        if further < 0:
            return np.uint64(above)
        tree[i] = further
        i = np.uint64(further)
        above = tree[i]
    return i


@inlined_kernel
def gain(t, normal, s):
    """Note that a kept component which touches targets gained normal pixels; it has `normal`."""
    touching, counters = s.touching, s.counters
    if touching[t, LATE] == 0:
        touching[t, LATE] = 1
        s.queue[1, counters[N_LATE]] = t
        counters[N_LATE] += 1
    if normal > touching[t, CALM] and touching[t, URGENT] == 0:
        touching[t, URGENT] = 1
        s.queue[0, counters[N_URGENT]] = t
        counters[N_URGENT] += 1


@inlined_kernel
def note_union(a, b, s):
    """Note for bounds that component b joins the kept component a."""
    predicted, counters = s.predicted, s.counters
    facts = ~s.tree[b]
    if facts & KEPT == 0:
        counters[FRESH] += facts >> SIZE_SHIFT
        return
    since = predicted[b, SINCE]
    if since < counters[PART] and predicted[a, SINCE] < counters[PART]:
        counters[MERGED] += 1
    predicted[a, SINCE] = min(predicted[a, SINCE], since)


@inlined_kernel
def hang(a, b, s):
    """Join to component a the component b, as far as their pixels go."""
    tree, predicted = s.tree, s.predicted
    facts, others = ~tree[a], ~tree[b]
    if others & MIXED:
        if facts & MIXED == 0:
            predicted[a, MARKED_PIXELS], predicted[a, TOUCHING] = 0, NONE
        predicted[a, MARKED_PIXELS] += predicted[b, MARKED_PIXELS]
    tree[a] = ~((facts + (others >> SIZE_SHIFT << SIZE_SHIFT)) | others & MIXED)
    tree[b] = a


@inlined_kernel
def unite_plain(a, b, s):
    """Join to component a the component b, not kept unless a is, which touches no target."""
    counters = s.counters
    other_kept = ~s.tree[b] & KEPT != 0
    counters[SWALLOWED] += not other_kept
    if ~s.tree[a] & KEPT:
        note_union(a, b, s)
        t = row_of(a, s)
        if other_kept:
            counters[FALSE] -= 1
            counters[TURNED] += t != NONE
        if t != NONE:
            gained = normal_pixels(b, s)
            if gained > 0:
                gain(t, normal_pixels(a, s) + gained, s)
    hang(a, b, s)


@inner_kernel
def unite(a, b, s):
    """Join to component a the component b, not kept unless a is, which touches a target."""
    predicted, touching, counters = s.predicted, s.touching, s.counters
    kept, other_kept = ~s.tree[a] & KEPT != 0, ~s.tree[b] & KEPT != 0
    t, other = row_of(a, s), row_of(b, s)
    counters[STAINED] += 1
    counters[SWALLOWED] += not other_kept
    if kept:
        note_union(a, b, s)
        if t == NONE:
            counters[FALSE] -= 1
            counters[TURNED] += 1
        counters[ROWS_KEPT] += np.int64(t == NONE) - np.int64(other_kept)
        if not other_kept:
            cover(other, s)
    if t == NONE or touching[other, NODES] > touching[t, NODES]:
        t, other = other, t
    hang(a, b, s)
    predicted[a, TOUCHING] = t
    touching[t, ROOT] = a
    if kept:
        queue_row(t, s)
    if other != NONE:
        touching[t, TAKEN_IN] += touching[other, TAKEN_IN] + touching[other, COUNTED]
        discount(other, s)
        absorb(other, t, normal_pixels(a, s), kept, s)


@inlined_kernel
def _order(facts):
    """Which of two components takes in the other: kept ones first, then the larger."""
    return np.int64(facts) | np.int64(facts & KEPT) << 32


@inlined_kernel
def join_basins(r, start, stop, words, s):
    """Join the component r and those of the basins words[start:stop]; returns its root."""
    tree = s.tree
    for i in range(start, stop):
        other = root_of(tree, np.uint64(words[i]))
        if other == r:
            continue
        swap = _order(~tree[other]) > _order(~tree[r])
        r, other = other if swap else r, r if swap else other
        if row_of(other, s) == NONE:
            unite_plain(r, other, s)
        else:
            unite(r, other, s)
    return r


@inlined_kernel
def add_marked(r, g, s):
    """Count a pixel of a ground-truth component in component r; g: a target, or SMALL."""
    tree, predicted = s.tree, s.predicted
    if ~tree[r] & MIXED == 0:
        tree[r] = ~(~tree[r] | MIXED)
        predicted[r, MARKED_PIXELS], predicted[r, TOUCHING] = 0, NONE
    normal = normal_pixels(r, s)
    tree[r] -= 1 << SIZE_SHIFT
    predicted[r, MARKED_PIXELS] += 1
    if g > 0:
        s.counters[STAINED] += 1
        add_overlap(r, g, ~tree[r] & KEPT != 0, normal, s)


@inlined_kernel
def keep_if_large(r, s):
    """Let a component count from now on if it is large enough, and not in small targets only."""
    if ~s.tree[r] >> SIZE_SHIFT >= s.min_prediction:
        t = row_of(r, s)
        if t != NONE or normal_pixels(r, s) > 0:
            size = ~s.tree[r] >> SIZE_SHIFT
            s.tree[r] = ~(~s.tree[r] | KEPT)
            s.predicted[r, SINCE] = s.counters[PART]
            keep(t, size, s)


@inlined_kernel
def join_pixels(start, stop, words, s):
    """Add the pixels of a rank, whose records are words[start:stop]."""
    tree, counters = s.tree, s.counters
    fresh, seeds, i = 0, 0, start
    while i < stop:
        record = np.int64(words[np.uint64(i)])
        i += 1
        r = root_of(tree, np.uint64(record & BASIN))
        marked = False
        if record & _LOUD:
            meeting = (record >> MEETING_SHIFT) & MEETING
            r = join_basins(r, i, i + meeting, words, s)
            i += meeting
            marked = record & MARKED != 0
        seeds += (record & ALONE) != 0
        kept = ~tree[r] & KEPT != 0
        fresh += kept
        if marked:
            add_marked(r, np.int64(np.int32(words[i])), s)
            i += 1
        else:
            tree[r] -= 1 << SIZE_SHIFT
            if kept:
                t = row_of(r, s)
                if t != NONE:
                    gain(t, normal_pixels(r, s), s)
        if not kept:
            keep_if_large(r, s)
    counters[FRESH] += fresh
    counters[SEEDS] += seeds
