"""Bins of scores: which pixels lie in which.

NO VALIDATION HERE. On entry must hold: `scores`, `classes` and `keys` are flat, contiguous and of
one size; `edges` ascend strictly, and infinity follows them; `table` is that of `fill_table`.

A key is 2 c for scores within bin c, (edges[c - 1], edges[c]), and 2 c + 1 for those at edges[c].
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import borrowed, inlined_kernel, inner_kernel, kernel
from mdmkit.statistics.kernels.sorting import ANOMALOUS, IGNORED

SLOT_SHIFT = 11  # 4,096 slots between a power of two and the next
INSIDE = np.int64((1 << SLOT_SHIFT) - 1)
AT_START, OTHERS = 1, 2  # which edges a slot has, if any: one at its very start, or others
_HALF, _ONE = np.int64(0x3F000000), np.int64(0x3F800000)  # bits of float32 0.5 and 1
_MAGNITUDE = np.int64(0x7FFFFFFF)
_HIGH = np.uint64(1) << np.uint64(32)
_BLOCK = 2048
_1 = np.uint64(1)


@inlined_kernel
def place_of(score):
    """An integer that rises with the score, by the bits of a float32: fine near 0, and near 1.

    Different float32 have different places; another score has that of a float32 next to it.
    """
    upper = (score > 0.5) & (score <= 1)
    bits = np.int64(np.float32(1.0 - score if upper else score).view(np.int32))
    place = bits if bits >= 0 else -(bits & _MAGNITUDE)  # 0 for -0.0
    place = 2 * _HALF - place if upper else place
    return place + (2 * _HALF - _ONE if score > 1 else 0)


@kernel
def slot_of(score):
    """The slot of a score: places in a row."""
    return place_of(score) >> SLOT_SHIFT


@kernel
def fill_table(edges, first, table):
    """Write of each slot, from `first` on, 4 times the edges in slots before and which it has."""
    k = 0
    for i in range(edges.size - 1):
        place = place_of(edges[i])
        slot = (place >> SLOT_SHIFT) - first
        alone = k <= slot and place & INSIDE == 0 and np.float32(edges[i]) == edges[i]
        while k <= slot:
            table[k] = 4 * i
            k += 1
        table[slot] = table[slot] & ~3 | (AT_START if alone else OTHERS)
    while k < table.size:
        table[k] = 4 * (edges.size - 1)
        k += 1


@inner_kernel
def key_among(score, edges, start, stop):
    """The key of a score above the edges before `start`, and below those from `stop` on."""
    while stop - start > 2:  # two edges at most, as a rule
        middle = (start + stop) >> 1
        below = edges[middle] < score
        start = middle + 1 if below else start
        stop = stop if below else middle
    start += edges[start] < score  # what follows the slot is greater: nothing branches
    start += edges[start] < score
    return 2 * start + np.int64(edges[start] == score)


@inlined_kernel
def key_of(score, edges, first, table, inexact):
    """The key of a score, mostly by its slot alone; `inexact` is 1 for scores that are no float32.

    Slots before the table have no edges, as its first one has none; nor have those behind it.
    """
    place = place_of(score)
    slot = np.uint64(min(max((place >> SLOT_SHIFT) - first, 0), table.size - 1))
    entry = np.int64(table[slot])
    edge = entry & AT_START
    at_edge = edge & np.int64(place & INSIDE == 0)  # bits: branches here would be coin tosses
    if entry & OTHERS | at_edge & inexact:
        return key_among(score, edges, entry >> 2, np.int64(table[slot + _1]) >> 2)
    return 2 * ((entry >> 2) + edge) - at_edge


@inner_kernel
def regular_key_of(score, steps):
    """The key of a score where the edges are 0, 1 / steps, ..., 1, a power of two: exact."""
    place = min(max(score, 0.0), 1.0) * steps
    below = np.int64(place)
    key = 2 * below + 1 + np.int64(place > below)
    return key if 0 <= score <= 1 else (0 if score < 0 else 2 * steps + 2)


@kernel
def place_scores(scores, classes, edges, first, table, keys):
    """Write the key of each valid pixel; returns the smallest and the largest score."""
    edges, table = borrowed(edges), borrowed(table)
    inexact = np.int64(scores.itemsize > 4)
    smallest, largest = np.inf, -np.inf
    for i in range(scores.size):
        if classes[i] != IGNORED:
            score = np.float64(scores[i])
            smallest, largest = min(smallest, score), max(largest, score)
            keys[i] = key_of(score, edges, first, table, inexact)
    return smallest, largest


@kernel
def place_regularly(scores, classes, steps, keys):
    """The same where the edges are 0, 1 / steps, ..., 1."""
    smallest, largest = np.inf, -np.inf
    for i in range(scores.size):
        if classes[i] != IGNORED:
            score = np.float64(scores[i])
            smallest, largest = min(smallest, score), max(largest, score)
            keys[i] = regular_key_of(score, steps)
    return smallest, largest


@kernel
def place_among(scores, at, above, keys):
    """Write the key of each pixel where edges are few: vector loops, an edge at a time.

    `at` are the edges, rounded up to the type of the scores, and `above` rounded down.
    """
    for start in range(0, scores.size, _BLOCK):
        block, own = scores[start : start + _BLOCK], keys[start : start + _BLOCK]
        own[:] = 0
        for j in range(at.size):
            first, below = at[j], above[j]
            for i in range(block.size):
                own[i] += np.uint32(block[i] >= first) + np.uint32(block[i] > below)


@kernel
def mark_keys(raw, classes, met):
    """Mark the keys of scores of up to 16 bits that valid pixels have."""
    for i in range(raw.size):
        if classes[i] != IGNORED:
            met[raw[i]] = True


@kernel
def place_keys(raw, classes, key_of_raw, keys):
    """Write the key of each valid pixel by a table of those of scores of up to 16 bits."""
    for i in range(raw.size):
        if classes[i] != IGNORED:
            keys[i] = key_of_raw[raw[i]]


@kernel
def count_keys(keys, classes, counts):
    """Count valid pixels by key: in the high half anomalous ones, in the low half all.

    Apart from the placing, whose loop is twice as slow with it.
    """
    for i in range(keys.size):
        if classes[i] != IGNORED:
            one = _HIGH + np.uint64(1) if classes[i] == ANOMALOUS else np.uint64(1)
            counts[keys[i]] += one


@kernel
def find_keys(keys, classes, wanted, places):
    """Write the places of valid pixels with wanted keys, ascending; returns their number."""
    n = 0
    for i in range(keys.size):
        if classes[i] != IGNORED and wanted[keys[i]]:
            places[n] = i
            n += 1
    return n
