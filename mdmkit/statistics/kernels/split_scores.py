"""Scores of pixels as sortable keys, split by class, and counted between each other.

NO VALIDATION HERE. On entry must hold: `bits` and `labels` are flat, contiguous and of one size;
`labels` is uint8 and `table` gives the class of each of its 256 values. Keys are unsigned integers
of 32 or 64 bits, ordered like the floats that they stand for; constants come in their own type, as
numba makes floats of uint64 beside other integers.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inner_kernel, kernel

NORMAL, ANOMALOUS, IGNORED, UNKNOWN = range(4)  # the classes of mdmkit.core.labels
_BLOCK = 256
_0, _1 = np.uint64(0), np.uint64(1)  # numba looks whether signed places are below 0
_DIGIT = 11  # bits that are sorted by at once: 2,048 places stay in the cache


@kernel
def order_keys(bits, sign, keys):
    """Keys of floats that are given by their bits."""
    for i in range(bits.size):
        b = bits[i]
        key = ~b if b & sign else b | sign
        keys[i] = sign if b == sign else key  # -0.0 is 0.0


@kernel
def split_by_class(bits, labels, table, sign, exponent, keys):
    """Move keys of normal pixels to the front of `keys`, those of anomalous ones to its back.

    `bits` are those of the floats, `sign` and `exponent` masks of them. Returns how many normal
    ones there are, where the anomalous ones start, and whether a label without a meaning or a
    score that is not finite was met at a pixel in use.
    """
    front = _0
    back = np.uint64(keys.size)  # front < back until the last pixel is done
    flagged = False
    for i in range(bits.size):
        b = bits[i]
        meaning = table[labels[i]]
        key = ~b if b & sign else b | sign
        key = sign if b == sign else key  # -0.0 is 0.0
        keys[front] = key  # both are written and one is kept, so that nothing branches
        keys[back - _1] = key
        front += np.uint64(meaning == NORMAL)
        back -= np.uint64(meaning == ANOMALOUS)
        flagged |= (meaning == UNKNOWN) | ((meaning != IGNORED) & (b & exponent == exponent))
    return front, back, flagged


@kernel
def may_meet(bits, first, last):
    """Whether any of the signed integers lies in first..last; wrongly so at most of negative ones.

    A difference below zero shows in the sign: one vector loop without a comparison.
    """
    kind = bits.dtype.type
    outside = kind(-1)
    for i in range(bits.size):
        outside = kind(outside & kind(kind(bits[i] - first) | kind(last - bits[i])))
    return outside >= 0


@kernel
def gather_between(bits, labels, table, firsts, lasts, sign, keys):
    """As `split_by_class`, of the few whose bits lie in any of some ranges firsts..lasts > 0.

    `bits` are signed integers, which for positive floats are ordered like these.
    """
    front = 0
    back = keys.size
    for start in range(0, bits.size, _BLOCK):
        stop = min(start + _BLOCK, bits.size)
        for j in range(firsts.size):
            if not may_meet(bits[start:stop], firsts[j], lasts[j]):
                continue  # most blocks end here
            for i in range(start, stop):
                if firsts[j] <= bits[i] <= lasts[j]:
                    key = keys.dtype.type(bits[i]) | sign
                    meaning = table[labels[i]]
                    if meaning == NORMAL:
                        keys[front] = key
                        front += 1
                    elif meaning == ANOMALOUS:
                        back -= 1
                        keys[back] = key
    return front, back


@kernel
def split_between(bits, labels, table, sign, lows, highs, keys):
    """As `split_by_class`, of the keys in any of the disjoint ascending ranges lows..highs."""
    front = 0
    back = keys.size
    for i in range(bits.size):
        b = bits[i]
        key = ~b if b & sign else b | sign
        key = sign if b == sign else key
        if key < lows[0] or key > highs[-1]:
            continue
        first, stop = 0, lows.size
        while stop - first > 1:
            middle = (first + stop) >> 1
            first, stop = (middle, stop) if lows[middle] <= key else (first, middle)
        meaning = table[labels[i]]
        if key <= highs[first] and meaning < IGNORED:
            if meaning == NORMAL:
                keys[front] = key
                front += 1
            else:
                back -= 1
                keys[back] = key
    return front, back


@inner_kernel
def sort_by_digit(keys, spare, shift):
    """Write keys to `spare`, sorted by a digit and else in order; False if all have the same."""
    mask = keys.dtype.type((1 << _DIGIT) - 1)
    counts = np.zeros(1 << _DIGIT, np.uint64)
    for i in range(keys.size):
        counts[(keys[i] >> shift) & mask] += _1
    if counts.max() == keys.size:
        return False
    places = np.cumsum(counts) - counts
    for i in range(keys.size):
        key = keys[i]
        digit = (key >> shift) & mask
        spare[places[digit]] = key
        places[digit] += _1
    return True


@kernel
def sort_keys(keys, spare, shifts):
    """Sort keys digit by digit; returns the one of the two arrays in which they end.

    `shifts` (one a digit, of the type of the keys) say where digits begin.
    """
    for d in range(shifts.size):
        if sort_by_digit(keys, spare, shifts[d]):
            keys, spare = spare, keys
    return keys


@kernel
def count_between(keys, levels, between, at):
    """Add the sorted keys strictly below each level, and above the one before, to `between`.

    Those at a level are added to `at`. `between` has an entry more, for those above all levels.
    """
    i = 0
    for j in range(levels.size):
        level = levels[j]
        start = i
        while i < keys.size and keys[i] < level:
            i += 1
        between[j] += i - start
        start = i
        while i < keys.size and keys[i] == level:
            i += 1
        at[j] += i - start
    between[levels.size] += keys.size - i


@kernel
def distinct(keys, levels, counts):
    """Write the different ones of sorted keys, and how often each occurs; returns their number."""
    n = 0
    i = 0
    while i < keys.size:
        start = i
        while i < keys.size and keys[i] == keys[start]:
            i += 1
        levels[n] = keys[start]
        counts[n] = i - start
        n += 1
    return n


@kernel
def count_in_bins(keys, tops, counts, least, greatest):
    """Add up sorted keys in the bins (tops[c - 1], tops[c]], the last without an upper end.

    Writes the least and greatest key of each bin; of empty ones, the least is the greater.
    """
    i = 0
    for c in range(tops.size + 1):
        start = i
        if c == tops.size:
            i = keys.size
        while i < keys.size and keys[i] <= tops[c]:
            i += 1
        counts[c] += i - start
        least[c], greatest[c] = keys.dtype.type(1), keys.dtype.type(0)
        if i > start:
            least[c], greatest[c] = keys[start], keys[i - 1]
