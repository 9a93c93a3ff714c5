"""Minimum filters of keys, and the thresholds between which a pixel lies at a border.

NO VALIDATION HERE. Keys are unsigned, ordered like the scores, and at least 1; 0 stands for what
lies outside the image (below every score). Arrays of one call have one shape and are contiguous.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inner_kernel, kernel


@inner_kernel
def _least(one, other, out, n):
    for x in range(n):
        out[x] = min(one[x], other[x])


@kernel
def erode_rows(keys, depth, out):
    """Minimum over 2 `depth` + 1 neighbours in a row, 0 where they leave the image.

    Minima over windows of 2, 4, 8, ... pixels, the last two of which overlap: each of these few
    passes over a row is one instruction for many pixels, as none depends on the one before (a
    recursive filter of fewer operations took three times as long).
    """
    height, width = keys.shape
    window = 2 * depth + 1
    minima = np.empty((2, width), keys.dtype)
    for y in range(height):
        known, wider = minima[0], minima[1]
        out[y] = 0
        if width < window:
            continue
        known[:] = keys[y]
        size = 1
        while 2 * size <= window:
            _least(known, known[size:], wider, width - 2 * size + 1)
            known, wider = wider, known
            size *= 2
        _least(known, known[window - size :], out[y][depth:], width - window + 1)


@kernel
def erode_columns(keys, depth, out):
    """As `erode_rows`, in columns; overwrites `keys`."""
    height, width = keys.shape
    window = 2 * depth + 1
    from_start = np.empty(width, keys.dtype)
    out[:] = 0
    for start in range(0, height - window + 1, window):
        # windows that begin in this block end in the next
        for y in range(start + window - 2, start - 1, -1):
            for x in range(width):
                keys[y, x] = min(keys[y, x], keys[y + 1, x])
        for x in range(width):
            out[start + depth, x] = keys[start, x]
        for k in range(1, min(window, height - start - window + 1)):
            below = keys[start + window + k - 1]
            for x in range(width):
                from_start[x] = below[x] if k == 1 else min(from_start[x], below[x])
                out[start + k + depth, x] = min(keys[start + k, x], from_start[x])


@kernel
def erode_cross(keys, out):
    """Minimum over a pixel and its 4 neighbours; 0 at the edges of the image."""
    height, width = keys.shape
    out[:] = 0
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            least = min(keys[y, x], min(keys[y, x - 1], keys[y, x + 1]))
            out[y, x] = min(least, min(keys[y - 1, x], keys[y + 1, x]))


@kernel
def split_intervals(lows, highs, valid, inside, ends):
    """Gather the ends of the intervals [low, high) that are not empty, of valid pixels, flat.

    Rows of `ends`: lower and upper ends of the pixels that are inside, then those of the others.
    Returns how many each row has; a lower end of 0 is none.
    """
    counts = np.zeros(4, np.int64)
    for i in range(lows.size):
        low, high = lows[i], highs[i]
        if valid[i] and low < high:
            kind = 0 if inside[i] else 2
            ends[kind + 1, counts[kind + 1]] = high
            counts[kind + 1] += 1
            if low > 0:
                ends[kind, counts[kind]] = low
                counts[kind] += 1
    return counts


@kernel
def dilate(marks, dy, dx, out):
    """Set `out` at all places (y + dy, x + dx) of the image for the pixels that are marked."""
    height, width = marks.shape
    for y in range(height):
        for x in range(width):
            if marks[y, x]:
                for k in range(dy.size):
                    u, v = y + dy[k], x + dx[k]
                    if 0 <= u < height and 0 <= v < width:
                        out[u, v] = 1


@kernel
def match_intervals(marks, dy, dx, lows, highs, valid, matched_lows, matched_highs):
    """Unions of the intervals [low, high) around each pixel that is marked.

    Writes the ends of disjoint intervals, as many as fit; returns how many lower and upper ones
    there are.
    """
    height, width = marks.shape
    low, high = np.empty(dy.size, lows.dtype), np.empty(dy.size, lows.dtype)
    n = 0
    m = 0
    for y in range(height):
        for x in range(width):
            if not marks[y, x]:
                continue
            count = 0
            for k in range(dy.size):
                u, v = y + dy[k], x + dx[k]
                if 0 <= u < height and 0 <= v < width and valid[u, v] and lows[u, v] < highs[u, v]:
                    low[count] = lows[u, v]
                    high[count] = highs[u, v]
                    count += 1
            if count == 0:
                continue
            order = np.argsort(low[:count])
            start, stop = low[order[0]], high[order[0]]
            for j in range(1, count + 1):
                if j < count and low[order[j]] <= stop:
                    stop = max(stop, high[order[j]])
                    continue
                if m < matched_highs.size:
                    matched_highs[m] = stop
                m += 1
                if start > 0:
                    if n < matched_lows.size:
                        matched_lows[n] = start
                    n += 1
                if j < count:
                    start, stop = low[order[j]], high[order[j]]
    return n, m


@kernel
def count_ends(lows, highs, keys, changes):
    """Change of a count at each key: ends of sorted `highs` there less those of sorted `lows`.

    Both have a key of no score, the largest, behind their last end. Keys at which nothing changes
    in the end are left out; returns how many remain, of which there is room for one more. Without
    branches, which nobody could foretell here: three times as fast.
    """
    i, j, n = 0, 0, 0
    change = 0
    last = highs.dtype.type(0)
    for _ in range(lows.size + highs.size - 2):
        low, high = lows[i], highs[j]
        rises = high < low
        key = high if rises else low
        keys[n] = last
        changes[n] = change
        n += (key != last) & (change != 0)
        change = (change if key == last else 0) + (1 if rises else -1)
        last = key
        j += rises
        i += not rises
    keys[n] = last
    changes[n] = change
    return n + (change != 0)


@kernel
def merge_columns(runs, changes, starts, keys, rows):
    """Changes of several counts at each key, shape (n, k), from those of each alone.

    Those of count c, at sorted keys, are `changes[starts[c]:starts[c + 1]]`. Returns how many keys
    there are.
    """
    places = starts[:-1].copy()
    n = 0
    left = runs.size
    while left > 0:
        key = runs.dtype.type(np.iinfo(runs.dtype).max)  # a key of no score
        for c in range(places.size):
            if places[c] < starts[c + 1]:
                key = min(key, runs[places[c]])
        for c in range(places.size):
            here = places[c] < starts[c + 1] and runs[places[c]] == key
            rows[n, c] = changes[places[c]] if here else 0
            places[c] += here
            left -= here
        keys[n] = key
        n += 1
    return n
