"""Drawn score maps of any size: smooth or noisy, with few or many ground-truth components."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, zoom


def _texture(rng, shape, sigma):
    """Smooth noise of unit variance, drawn coarsely and enlarged."""
    step = max(1, int(sigma // 4))
    coarse = rng.standard_normal((shape[0] // step + 3, shape[1] // step + 3))
    field = zoom(gaussian_filter(coarse, sigma / step), step, order=1)[: shape[0], : shape[1]]
    return (field - field.mean()) / field.std()


def scene(targets=8, noise=0.0, dtype="float32", shape=(1024, 2048), seed=0):
    """A score map and its labels: discs of 1 in textured 0, the top tenth 255."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    largest = np.sqrt(0.04 * shape[0] * shape[1] / targets / np.pi)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for _ in range(targets):
        radius = rng.uniform(0.4, 1) * largest
        row, column = rng.uniform(0.15, 1) * shape[0], rng.uniform(0, 1) * shape[1]
        near = (slice(max(0, int(row - radius)), int(row + radius) + 2),
                slice(max(0, int(column - radius)), int(column + radius) + 2))  # fmt: skip
        inside = (rows[near[0]] - row) ** 2 + (columns[:, near[1]] - column) ** 2 < radius**2
        target[near][inside] = 1
    soft = gaussian_filter(target.astype(np.float32), 2.0)
    texture = 0.75 * _texture(rng, shape, 40) + 0.5 * _texture(rng, shape, 10)
    texture += 0.35 * _texture(rng, shape, 3)
    logit = -2.6 + texture + 3.6 * soft + noise * rng.standard_normal(shape)
    target[: shape[0] // 10] = 255
    return (1 / (1 + np.exp(-logit))).astype(dtype), target
