"""Weights of the pixels of regions, so that covered fractions are integers that add.

NO VALIDATION HERE. `order` holds places of `regions` (the region of each pixel, from 0) in
descending order of score; `saturations` are positive.
"""

from __future__ import annotations

import numpy as np

from mdmkit.statistics.kernels import inner_kernel, kernel

UNIT_BITS = 40


@inner_kernel
def covered_units(pixels, saturation):
    """min(pixels / saturation, 1) in units of 2^-40, rounded down."""
    unit = np.int64(1) << UNIT_BITS
    if pixels >= saturation:
        return unit
    whole = np.int64(saturation)
    if whole == saturation:  # pixels * unit would overflow beyond 2^23 pixels
        return pixels * (unit // whole) + pixels * (unit % whole) // whole
    return np.int64(pixels * np.float64(unit) / saturation)


@kernel
def weigh(order, regions, saturations, weights):
    """What each pixel adds to the covered fraction of its region, joining it in this order."""
    covered = np.zeros(saturations.size, np.int64)
    before = np.zeros(saturations.size, np.int64)
    for place in order:
        region = regions[place]
        covered[region] += 1
        units = covered_units(covered[region], saturations[region])
        weights[place] = units - before[region]
        before[region] = units
