"""Pixels in descending order of score.

NO VALIDATION HERE. On entry must hold: `bits` are scores of one kind as unsigned integers of their
width, `valid` bool of the same shape (P,); valid scores are finite; there are fewer than 2^32.
"""

from __future__ import annotations

import numpy as np

from mdmkit.kernels import kernel

COUNT, FLOAT = range(2)  # unsigned integers ascend as they are; IEEE floats by sign and magnitude

_32 = np.uint64(32)


@kernel
def pack(bits, valid):
    """Records of float32 bits that ascend as scores descend: a key, then the pixel's index."""
    packed = np.empty(bits.size + 1, np.uint64)
    n = 0
    for i in range(bits.size):
        b = bits[i]
        if b == 0x80000000:  # -0.0 equals 0.0
            b = np.uint32(0)
        key = b if b >> 31 else ~(b | np.uint32(0x80000000))
        packed[n] = (np.uint64(key & np.uint32(0xFFFFFFFF)) << _32) | np.uint64(i)
        n += valid[i]
    return packed[:n]


@kernel
def unpack(packed):
    """Indices of sorted records, and 1 at the last of each key."""
    order = np.empty(packed.size, np.uint32)
    last = np.ones(packed.size, np.uint8)
    for i in range(packed.size):
        order[i] = np.uint32(packed[i])
        if i > 0:
            last[i - 1] = (packed[i] >> _32) != (packed[i - 1] >> _32)
    return order, last


@kernel
def sort_by_counting(bits, valid, kind):
    """Indices in descending order of scores of up to 16 bits, and 1 at the last of each score."""
    sign = 1 << (8 * bits.itemsize - 1)
    keys = np.empty(2 * sign, np.uint16)  # ascending as scores descend
    for b in range(2 * sign):
        if kind == COUNT:
            keys[b] = 2 * sign - 1 - b
        else:
            keys[b] = sign - 1 - b if b < sign else b
    if kind == FLOAT:
        keys[sign] = keys[0]  # -0.0 equals 0.0
    places = np.zeros(2 * sign + 1, np.int64)
    for i in range(bits.size):
        if valid[i]:
            places[keys[bits[i]] + 1] += 1
    for key in range(2 * sign):
        places[key + 1] += places[key]
    order = np.empty(places[-1], np.uint32)
    last = np.zeros(order.size, np.uint8)
    for key in range(2 * sign):
        if places[key + 1] > places[key]:
            last[places[key + 1] - 1] = 1
    for i in range(bits.size):
        if valid[i]:
            key = keys[bits[i]]
            order[places[key]] = i
            places[key] += 1
    return order, last
