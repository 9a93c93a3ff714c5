"""A band around borders, the slow way: the distance of every pixel to every pixel."""

from __future__ import annotations

import numpy as np


def near(classes, width):
    """Valid pixels with a pixel of the other class (0 normal, 1 anomalous) within `width`."""
    found = np.zeros(classes.shape, bool)
    for y, x in np.argwhere(classes != 2):
        others = np.argwhere(classes == 1 - classes[y, x])
        found[y, x] = any((y - v) ** 2 + (x - u) ** 2 <= width**2 for v, u in others)
    return found
