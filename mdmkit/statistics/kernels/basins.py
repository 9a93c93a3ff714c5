"""Basins: pixels of the sweep's order as records, which say what each of them joins.

NO VALIDATION HERE. On entry must hold: `rank` is the frame with a row above and below and one
column to the right, flat; pixels that are not swept, and those around the frame, have BEYOND_ALL.

Pixels come by rank, those of one rank row by row. Which neighbours come before a pixel follows from
ranks alone, so that each pixel can lead to an earlier neighbour ahead of the sweep. These walks end
in pixels without one, where a *basin* begins. All pixels of a basin join the component that the
basin is in; only where several meet (2 % of the pixels of smooth frames, 26 % of noisy ones) can
components join. The sweep then reads records in sequence and knows nothing of the frame.

Records are scattered by rank in the order of the frame: gathering them in the order of the sweep
took as long as the sweep.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from mdmkit.statistics.kernels import borrowed, inlined_kernel, inner_kernel, kernel
from mdmkit.statistics.kernels.labelling import NAME, STOP
from mdmkit.statistics.kernels.sorting import ANOMALOUS, IGNORED

BEYOND_ALL = np.int32(2**31 - 1)
_UNSWEPT, _ONE = np.uint64(BEYOND_ALL), np.uint64(1)
# a record: its basin; how many further basins meet there; whether the pixel is anomalous; whether
# no neighbour has a lower rank. Behind it follow the further basins, then the class of an anomalous
# pixel.
BASIN, MEETING, MEETING_SHIFT, MARKED, ALONE = 2**28 - 1, 3, 28, 2**30, 2**31
# traits of a pixel: no neighbour has a lower rank; several basins may meet there; it is anomalous
IS_ALONE, MEETS, IS_ANOMALOUS = (np.uint8(1 << i) for i in range(3))
_1, _2, _3, _4, _5, _6, _7 = (np.uint8(i) for i in range(1, 8))


@lru_cache(maxsize=16)
def joins_by_mask(stride):
    """Offsets of the neighbours to join, by the 8 bits of earlier ones: (256, 5), number last.

    Of neighbours that touch one another, one is enough. Bits 0..2 are the row above, 3 and 4 left
    and right, 5..7 the row below.
    """
    table = np.zeros((256, 5), np.int32)
    places = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
    for mask in range(256):
        left = [place for bit, place in enumerate(places) if mask >> bit & 1]
        # those known when the frame is read row by row first; the middle ones join most
        left.sort(key=lambda place: (place > (0, 0), abs(place[0]) + abs(place[1])))
        while left:
            group = [left.pop(0)]
            table[mask, table[mask, 4]] = group[0][0] * stride + group[0][1]
            table[mask, 4] += 1
            for y, x in group:
                near = [p for p in left if abs(p[0] - y) <= 1 and abs(p[1] - x) <= 1]
                group += near
                left = [p for p in left if p not in near]
    return table


@kernel
def rank_by_key(keys, classes, rank_of_key, rank, spans):
    """Write the rank of each pixel; negative ranks and ignored pixels are not swept.

    `spans` gets the first column of each row that is swept, and the one behind the last.
    """
    height, width = classes.shape
    rank[: width + 2] = rank[(height + 1) * (width + 1) :] = BEYOND_ALL
    for y in range(height):
        above = (y + 1) * (width + 1) + 1
        for x in range(width):
            r = np.int32(-1)
            if classes[y, x] != IGNORED:
                r = rank_of_key[keys[y * width + x]]
            rank[above + x] = r if r >= 0 else BEYOND_ALL
        rank[above + width] = BEYOND_ALL
        first, stop = 0, width
        while stop > 0 and rank[above + stop - 1] == BEYOND_ALL:
            stop -= 1
        while first < stop and rank[above + first] == BEYOND_ALL:
            first += 1
        spans[y, 0], spans[y, 1] = first, stop


@kernel
def rank_by_level(order, last, rank, spans):
    """Write ranks 0, 1, ... of flat indices in order, anew after each `last`."""
    rank[:] = BEYOND_ALL
    width = rank.size // (len(spans) + 2) - 1
    spans[:, 0], spans[:, 1] = 0, width
    level = 0
    for k in range(order.size):
        i = np.int64(order[k])
        row = np.int64((i + 0.5) * (1.0 / width))  # exact below 2^50
        rank[i + row + width + 2] = level
        level += last[k]


@inner_kernel
def neighbours_before(above, here, below, mask, traits):
    """Bits of the neighbours that come before each pixel of a row, and IS_ALONE: a vector loop."""
    for x in range(mask.size):
        p = here[x + 1]
        a, b, c, d = above[x], above[x + 1], above[x + 2], here[x]
        e, f, g, h = here[x + 2], below[x], below[x + 1], below[x + 2]
        m = np.uint8(a <= p) | np.uint8(b <= p) << _1 | np.uint8(c <= p) << _2
        m |= np.uint8(d <= p) << _3 | np.uint8(e < p) << _4 | np.uint8(f < p) << _5
        mask[x] = m | np.uint8(g < p) << _6 | np.uint8(h < p) << _7
        lowest = min(min(min(a, b), min(c, d)), min(min(e, f), min(g, h)))
        traits[x] = lowest >= p


@inlined_kernel
def basin_before(p, q, basin):
    """The basin of pixel p as far as it is known at place q; pixels on the way there learn it."""
    named = basin[p]
    if named >= 0:
        return named
    while named < 0 and -1 - named < q:
        named = basin[-1 - named]
    while basin[p] != named:
        following = -1 - np.int64(basin[p])
        basin[p] = named
        p = following
    return named


@kernel
def find_basins(rank, spans, classes, joins, mask, traits, basin, words):
    """Name a basin at each pixel, or (-1 - place) a pixel of it in a later place; their number.

    Adds to `words`, by rank, how many words its records take at most. `traits` says what a record
    has to say of a pixel beside its basin.
    """
    height, width = classes.shape
    stride = width + 1
    born = 0
    basin = borrowed(basin)
    first = joins[:, 0].astype(np.int64)
    room = np.maximum(joins[:, 4], 1)
    meets = np.where(joins[:, 4] > 1, MEETS, 0).astype(np.uint8)
    for y in range(height):
        first_x, stop_x = spans[y]
        start, stop = (y + 1) * stride + first_x, (y + 1) * stride + stop_x
        neighbours_before(
            rank[start - stride : stop - stride + 2],
            rank[start : stop + 2],
            rank[start + stride : stop + stride + 2],
            mask[start + 1 : stop + 1],
            traits[start + 1 : stop + 1],
        )
        for x in range(first_x, stop_x):
            here = (y + 1) * stride + 1 + x
            q = np.uint64(here)
            r = np.uint64(rank[q])
            if r == _UNSWEPT:
                continue
            m = mask[q]
            anomalous = classes[y, x] == ANOMALOUS
            words[r] += room[m] + anomalous
            traits[q] |= meets[m] | (IS_ANOMALOUS if anomalous else np.uint8(0))
            if m == 0:
                basin[q] = born
                born += 1
            else:
                before = here + first[m]
                basin[q] = basin_before(before, here, basin) if before < here else -1 - before
    return born


@kernel
def name_basins(rank, spans, basin):
    """Name the basin of every pixel: from the last place on, that of each later one is known."""
    stride = rank.size // (len(spans) + 2)
    for y in range(len(spans) - 1, -1, -1):
        last = (y + 1) * stride + spans[y, 1]
        for back in range(spans[y, 1] - spans[y, 0]):
            q = np.uint64(last - back)  # numba looks for signed ones below 0
            if rank[q] != BEYOND_ALL:
                named = np.int64(basin[q])
                basin[q] = basin[q if named >= 0 else np.uint64(-1 - named)]


@kernel
def scatter_records(rank, spans, runs, joins, mask, traits, basin, places, records):
    """Write the record of each pixel behind those of its rank.

    `places` gives where the records of a rank start; it is moved to where they end.
    """
    run = 0
    stride = rank.size // (len(spans) + 2)
    for y in range(len(spans)):
        for x in range(spans[y, 0], spans[y, 1]):
            here = (y + 1) * stride + 1 + x
            q = np.uint64(here)  # numba looks for signed ones below 0
            r = np.uint64(rank[q])
            if r == _UNSWEPT:
                continue
            place, own, trait = np.uint64(places[r]), np.int64(basin[q]), traits[q]
            end = place + _ONE
            record = own | (ALONE if trait & IS_ALONE else 0)
            if trait & (MEETS | IS_ANOMALOUS):
                m = mask[q]
                for j in range(1, joins[m, 4]):
                    other = np.int64(basin[here + joins[m, j]])
                    records[end] = other
                    end += np.uint64(other != own)
                record |= np.int64(end - place - _ONE) << MEETING_SHIFT
                if trait & IS_ANOMALOUS:
                    flat = y * (stride - 1) + x
                    while runs[run, STOP] <= flat:
                        run += 1
                    records[end] = runs[run, NAME]
                    end += _ONE
                    record |= MARKED
            records[place] = record
            places[r] = end
