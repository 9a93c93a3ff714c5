"""Cells of a grid of thresholds: which pixels lie in which, and pixels in the order of cells.

NO VALIDATION HERE. On entry must hold: `scores`, `classes` and `keys` are flat, contiguous and of
one size; `edges` ascend strictly, and infinity follows them; table[k] edges lie in slots before k
(any, if they are regular).

A key is 2 c for scores within cell c, (edges[c - 1], edges[c]), and 2 c + 1 for those at edges[c].
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inner_kernel, kernel
from mdmkit.statistics.kernels.sorting import ANOMALOUS, IGNORED

SLOT_SHIFT = 11  # 4,096 slots between a power of two and the next
SLOTS = 1 << (32 - SLOT_SHIFT)
_HIGH = np.uint64(1) << np.uint64(32)


@inner_kernel
def slot_of(score):
    """Leading bits of the score's float32, as an integer that rises with the score."""
    bits = np.float32(score + 0.0).view(np.int32)  # -0.0 becomes 0.0
    return np.int64((bits ^ ((bits >> 31) & 0x7FFFFFFF)) >> SLOT_SHIFT) + (SLOTS >> 1)


@kernel
def count_slots(edges, table):
    """Count in table[k + 1] the edges of slot k."""
    for i in range(edges.size - 1):
        table[slot_of(edges[i]) + 1] += 1


@inner_kernel
def key_of(score, edges, table):
    """The key of a score: a slot of the table, and bisection among the few edges there."""
    slot = slot_of(score)
    first, stop = np.int64(table[slot]), np.int64(table[slot + 1])
    while stop - first > 2:  # two edges at most, as a rule
        middle = (first + stop) >> 1
        below = edges[middle] < score
        first = middle + 1 if below else first
        stop = stop if below else middle
    first += edges[first] < score  # what follows the slot is greater: nothing branches
    first += edges[first] < score
    return 2 * first + np.int64(edges[first] == score)


@inner_kernel
def regular_key_of(score, steps):
    """The key of a score where the edges are 0, 1 / steps, ..., 1, a power of two: exact."""
    place = min(max(score, 0.0), 1.0) * steps
    below = np.int64(place)
    key = 2 * below + 1 + np.int64(place > below)
    return key if 0 <= score <= 1 else (0 if score < 0 else 2 * steps + 2)


@kernel
def place_scores(scores, classes, edges, table, steps, keys, counts):
    """Write the key of each valid pixel and count by key: high half anomalous ones, low half all.

    `steps`, if not 0, says that edges are regular. Returns the smallest and the largest score.
    """
    smallest, largest = np.inf, -np.inf
    for i in range(scores.size):
        if classes[i] == IGNORED:
            continue
        score = np.float64(scores[i])
        smallest, largest = min(smallest, score), max(largest, score)
        regular = steps > 0
        key = regular_key_of(score, steps) if regular else key_of(score, edges, table)
        keys[i] = key
        counts[key] += _HIGH + np.uint64(1) if classes[i] == ANOMALOUS else np.uint64(1)
    return smallest, largest


@kernel
def place_keys(raw, classes, key_of_raw, keys, counts):
    """The same for scores of up to 16 bits, by a table of the key of each."""
    for i in range(raw.size):
        if classes[i] == IGNORED:
            continue
        key = key_of_raw[raw[i]]
        keys[i] = key
        counts[key] += _HIGH + np.uint64(1) if classes[i] == ANOMALOUS else np.uint64(1)
