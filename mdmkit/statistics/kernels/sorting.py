"""Pixels by class and by score: splitting, gathering, merging and ordering them.

NO VALIDATION HERE. On entry must hold: `scores`, `keys` and `labels` are flat, contiguous and of
one size; `labels` is uint8 and `table` gives the class of each of its 256 values. Arrays said to
be sorted ascend and hold no NaN. -0.0 and 0.0 are one score.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import kernel

NORMAL, ANOMALOUS, IGNORED, UNKNOWN = range(4)  # the classes of mdmkit.core.frame
_DIGIT = 11
_DIGITS = 3  # of _DIGIT bits: enough for 32


@kernel
def range_between(scores, labels, table, low, high, smallest, largest):
    """Smallest and largest score of the pixels in use in [low, high), and those given.

    Ends as soon as they differ.
    """
    for i in range(scores.size):
        if smallest < largest:
            break
        score = np.float64(scores[i])
        if low <= score < high and table[labels[i]] < IGNORED:
            smallest = min(smallest, score)
            largest = max(largest, score)
    return smallest, largest


@kernel
def merge_classes(normal, anomalous, scores, changes):
    """Count sorted scores by class; returns the number of distinct ones.

    Writes them to `scores`, ascending in float64, with (anomalous, normal) pixels to `changes`.
    """
    n = 0
    i = 0
    j = 0
    while i < normal.size or j < anomalous.size:
        if j == anomalous.size or (i < normal.size and normal[i] < anomalous[j]):
            score = normal[i]
        else:
            score = anomalous[j]
        first_normal = i
        while i < normal.size and normal[i] == score:
            i += 1
        first_anomalous = j
        while j < anomalous.size and anomalous[j] == score:
            j += 1
        scores[n] = np.float64(score) + 0.0  # -0.0 becomes 0.0
        changes[n, 0] = j - first_anomalous
        changes[n, 1] = i - first_normal
        n += 1
    return n


@kernel
def pack_descending(bits, valid, records):
    """Records (key << 32 | flat index) of the valid pixels; keys ascend as scores descend.

    `bits` are those of float32 scores: of one sign they are ordered like the scores, negative
    ones backwards. Returns the number of records.
    """
    sign = np.uint32(0x80000000)
    n = 0
    for i in range(bits.size):
        b = bits[i]
        if b == sign:  # -0.0
            b = np.uint32(0)
        key = b if b & sign else ~(b | sign)
        records[n] = np.uint64(key) << np.uint64(32) | np.uint64(i)
        n += valid[i]
    return n


@kernel
def sort_records(records, spare):
    """Sort records by their high halves, stably, digit by digit; returns the array they end in.

    A digit which is the same in all of them costs nothing.
    """
    counts = np.zeros((_DIGITS, 1 << _DIGIT), np.int64)
    mask = np.uint64((1 << _DIGIT) - 1)
    for i in range(records.size):
        key = records[i] >> np.uint64(32)
        for d in range(_DIGITS):
            counts[d, key & mask] += 1
            key >>= np.uint64(_DIGIT)
    for d in range(_DIGITS):
        if counts[d].max() == records.size:
            continue
        places = np.cumsum(counts[d]) - counts[d]
        shift = np.uint64(32 + d * _DIGIT)
        for i in range(records.size):
            digit = records[i] >> shift & mask
            spare[places[digit]] = records[i]
            places[digit] += 1
        records, spare = spare, records
    return records


@kernel
def unpack_records(records, order, last):
    """Write the indices of sorted records, and 1 at the last of each key (`last` holds ones)."""
    for i in range(records.size):
        order[i] = np.uint32(records[i])
        if i > 0:
            last[i - 1] = records[i] >> np.uint64(32) != records[i - 1] >> np.uint64(32)
