"""Histograms of scores by class, in one pass over a frame.

NO VALIDATION HERE. On entry must hold: `scores` (or `keys`) and `labels` are flat, contiguous and
of one size, at most 2^31 pixels; `labels` and `codes` are uint8, `meanings` their classes below
UNKNOWN; `even` and `odd` hold zeros. Nothing need hold of the values: labels without a meaning are
counted as UNKNOWN, scores outside [0, 1] and NaN in the bin OUTSIDE, for the caller to refuse.

A block of pixels at a time: vector loops write the place of each pixel in the table, class by
class and bin by bin; a scalar loop then counts. It reads several places as one word, and counts
neighbours in two tables, as one would stall where neighbouring pixels have equal scores.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import kernel

CLASSES = 4  # NORMAL, ANOMALOUS, IGNORED of mdmkit.core.frame, and
UNKNOWN = 3
#: Equal bins of (0, 1); a power of two, so that their edges k / BINS are exact.
BINS = 4096
#: Bin 0 holds the score 0, bin k scores in [(k - 1) / BINS, k / BINS) but 0, bin BINS + 1 the
#: score 1, the next one others.
OUTSIDE = BINS + 2
ROW = BINS + 3
_BLOCK = 1024


@kernel
def look_up(labels, codes, meanings, classes):
    """The class of each label."""
    for i in range(labels.size):
        classes[i] = UNKNOWN
    for c in range(codes.size):
        code = codes[c]
        meaning = meanings[c]
        for i in range(labels.size):
            before = classes[i]  # read apart from the choice: only so is this a vector loop
            classes[i] = meaning if labels[i] == code else before


@kernel
def place_in_bins(scores, classes, places):
    """Where a score of a class is counted: class * ROW + bin."""
    bins = scores.dtype.type(BINS)
    for i in range(scores.size):
        score = scores[i]
        place = np.int32(score * bins) + np.int32(score > 0)
        place = place if (score >= 0) & (score <= 1) else np.int32(OUTSIDE)
        places[i] = np.uint16(place + np.int32(classes[i]) * np.int32(ROW))


@kernel
def place_by_key(keys, row, classes, places):
    """Where a key of a class is counted: class * row + key, the last of the row for larger ones."""
    last = np.uint32(row - np.uint32(1))
    for i in range(keys.size):
        places[i] = np.uint32(classes[i]) * row + min(np.uint32(keys[i]), last)


@kernel
def count_quadruples(words, even, odd):
    """Count four 16-bit places a word."""
    low = np.uint64(0xFFFF)
    one = np.uint32(1)
    for i in range(words.size):
        word = words[i]
        even[word & low] += one
        odd[(word >> np.uint64(16)) & low] += one
        even[(word >> np.uint64(32)) & low] += one
        odd[word >> np.uint64(48)] += one


@kernel
def count_pairs(words, even, odd):
    """Count two 32-bit places a word."""
    low = np.uint64(0xFFFFFFFF)
    one = np.uint32(1)
    for i in range(words.size):
        word = words[i]
        even[word & low] += one
        odd[word >> np.uint64(32)] += one


@kernel
def count_bins(scores, labels, codes, meanings, even, odd):
    """Count float scores in bins; `even` + `odd` (CLASSES * ROW + 1,) uint32 are the counts.

    The last entry takes the places that fill up the last word.
    """
    classes = np.empty(_BLOCK, np.uint8)
    places = np.empty(_BLOCK, np.uint16)
    words = places.view(np.uint64)
    for start in range(0, scores.size, _BLOCK):
        n = min(_BLOCK, scores.size - start)
        look_up(labels[start : start + n], codes, meanings, classes[:n])
        place_in_bins(scores[start : start + n], classes[:n], places[:n])
        whole = (n + 3) // 4
        places[n : 4 * whole] = CLASSES * ROW
        count_quadruples(words[:whole], even, odd)


@kernel
def count_keys(keys, labels, codes, meanings, even, odd):
    """Count uint8 or uint16 keys; `even` + `odd` (CLASSES * row + 1,) uint32 are the counts.

    Keys of row - 1 and more are counted together. The last entry takes the place that fills up the
    last word.
    """
    row = np.uint32(even.size // CLASSES)
    classes = np.empty(_BLOCK, np.uint8)
    places = np.empty(_BLOCK, np.uint32)
    words = places.view(np.uint64)
    for start in range(0, keys.size, _BLOCK):
        n = min(_BLOCK, keys.size - start)
        look_up(labels[start : start + n], codes, meanings, classes[:n])
        place_by_key(keys[start : start + n], row, classes[:n], places[:n])
        whole = (n + 1) // 2
        places[n : 2 * whole] = CLASSES * row
        count_pairs(words[:whole], even, odd)
