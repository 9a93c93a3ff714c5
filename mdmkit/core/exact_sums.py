"""Exact sums of ratios: float64 values in [0, 1] as integers, so that no order of adding matters.

A ratio of two counts below 2^31 is 0 or at least 2^-31, so its float64 is a multiple of 2^-84.
It is cut into three limbs of 28 bits (2^-28, 2^-56, 2^-84), which are summed as int64: exact for
up to 2^35 values. The mean of a sum equals `math.fsum(values) / n` to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LIMBS = 3
LIMB_BITS = 28
_MASK = (1 << LIMB_BITS) - 1
#: Units of one in which bounds of sums are kept: int64 holds sums of up to 2^29 ratios.
UNIT_BITS = 34
UNITS = float(1 << UNIT_BITS)


def split(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Limbs of values in [0, 1], shape (..., 3); the numpy twin of the kernel's `split_ratio`."""
    limbs = np.empty((*values.shape, LIMBS), np.int64)
    rest = values
    for i in range(LIMBS):
        rest = rest * float(1 << LIMB_BITS)  # a power of two: exact
        limbs[..., i] = rest
        rest = rest - limbs[..., i]
    return limbs


def total(limbs: NDArray[np.int64]) -> NDArray[np.float64]:
    """Correctly rounded sums, shape (...), from summed limbs of shape (..., 3)."""
    top, middle, low = (limbs[..., i] for i in range(LIMBS))
    middle = middle + (low >> LIMB_BITS)
    # 53 + 38 bits: both halves are exact in float64, so their sum is rounded once
    high_half = (top << 18) + (middle >> 10)
    low_half = ((middle & 1023) << LIMB_BITS) | (low & _MASK)
    return np.asarray(high_half * 2.0**-46 + low_half * 2.0**-84)


def _carried(limbs: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """Carry, so that the two lower parts of a sum are below 2^28."""
    top, middle, low = (limbs[..., i] for i in range(LIMBS))
    middle = middle + (low >> LIMB_BITS)
    return top + (middle >> LIMB_BITS), middle & _MASK, low & _MASK


def in_digits(limbs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Split sums, shape (..., 4): whole part, then three digits below 2^28.

    A sum of fewer than 2^32 values has digits that fit into 32 bits.
    """
    top, middle, low = _carried(limbs)
    return np.asarray(np.stack([top >> LIMB_BITS, top & _MASK, middle, low], axis=-1))


def of_digits(digits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Limbs, shape (..., 3), in the place of sums of `in_digits`, shape (..., 4).

    Further columns stay as they are.
    """
    digits[..., 1] += digits[..., 0] << LIMB_BITS
    digits[..., 0] = 0
    return digits[..., 1:]


def floor_units(limbs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums in units of 2^-34, rounded down, shape (...)."""
    top, middle, _ = _carried(limbs)
    more = UNIT_BITS - LIMB_BITS
    return np.asarray((top << more) + (middle >> (LIMB_BITS - more)))


def mean(limbs: NDArray[np.int64], count: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """`math.fsum(values) / count` for each row of summed limbs; NaN where count is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total(limbs) / count)
