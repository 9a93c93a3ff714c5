"""Batches of synthetic scenes, varied; each follows from the seed and the update's number alone."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray

from maskomaly.tiny.labels import CLASSES
from maskomaly.tiny.network import to_input
from maskomaly.tiny.scenes import Scene, draw_scene
from maskomaly.tiny.settings import TrainingConfig


@functools.lru_cache(maxsize=16384)
def known_scene(seed: int, kind: str) -> Scene:
    """Return a scene as `draw_scene` does, drawn once and kept."""
    return draw_scene(seed, kind)


def draw_batch(
    step: int, config: TrainingConfig
) -> tuple[torch.Tensor, list[torch.Tensor], list[torch.Tensor]]:
    """Return the scenes of one update.

    Returns
    -------
    images : float32 tensor, (batch, 3, height, width)
    masks : list of float32 tensors, (classes present, height, width)
    classes : list of int64 tensors, (classes present,)
    """
    rng = np.random.default_rng((config.seed, step))
    images, masks, classes = [], [], []
    for seed in rng.integers(config.scenes, size=config.batch):
        image, labels = vary(known_scene(int(seed), "train"), rng)
        # A few stray pixels are no object to be asked for.
        present = [c for c in range(len(CLASSES)) if np.count_nonzero(labels == c) > 8]
        images.append(image)
        masks.append(torch.from_numpy(np.stack([labels == c for c in present]).astype(np.float32)))
        classes.append(torch.tensor(present))
    brightness = torch.from_numpy(rng.uniform(-0.3, 0.3, size=(config.batch, 2))).float()
    pixels = to_input(np.stack(images))
    pixels = pixels * (1.0 + brightness[:, :1, None, None]) + brightness[:, 1:, None, None]
    return pixels, masks, classes


def vary(scene: Scene, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Flip a scene half of the time, and enlarge a random part of it half of the time."""
    image, labels = scene.image, scene.labels
    if rng.random() < 0.5:
        image, labels = image[:, ::-1], labels[:, ::-1]
    if rng.random() < 0.5:
        height, width = labels.shape
        zoom = rng.uniform(1.0, 1.6)
        top = rng.uniform(0.0, height - height / zoom)
        left = rng.uniform(0.0, width - width / zoom)
        rows = (top + np.arange(height) / zoom).astype(int)[:, None]
        columns = (left + np.arange(width) / zoom).astype(int)
        image, labels = image[rows, columns], labels[rows, columns]
    return image, labels
