"""Borders at single thresholds, by binary morphology and distance transforms of scipy."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt, generate_binary_structure

CROSS, SQUARE = (generate_binary_structure(2, connectivity) for connectivity in (1, 2))


def border(mask, ignored, structure):
    """What an erosion takes away: ignored pixels are foreground for it, the outside is not."""
    return mask & ~ignored & ~binary_erosion(mask | ignored, structure, border_value=0)


def band_counts(scores, target, ignored, depth, z):
    """Band of the prediction inside and outside that of the target, and the size of the latter."""
    window = np.ones((2 * depth + 1, 2 * depth + 1), bool)
    predicted = border((scores > z) & ~ignored, ignored, window)
    wanted = border(target & ~ignored, ignored, window)
    return (predicted & wanted).sum(), (predicted & ~wanted).sum(), wanted.sum()


def match_counts(scores, target, ignored, px, neighbours, z):
    """Predicted borders near the target's, others; the target's near predicted ones, and all."""
    structure = CROSS if neighbours == 4 else SQUARE
    predicted = border((scores > z) & ~ignored, ignored, structure)
    wanted = border(target & ~ignored, ignored, structure)
    near_wanted, near_predicted = (
        distance_transform_edt(~mask) <= px if mask.any() else np.zeros(mask.shape, bool)
        for mask in (wanted, predicted)
    )
    near = predicted & near_wanted
    return near.sum(), (predicted & ~near).sum(), (wanted & near_predicted).sum(), wanted.sum()
