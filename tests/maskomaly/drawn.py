"""Outputs of no network in particular, for tests of what is computed from them."""

from __future__ import annotations

import torch

from maskomaly import Geometry, MaskOutputs


def random_outputs(
    seed: int,
    queries: int = 7,
    classes: int = 4,
    mask: tuple[int, int] = (6, 9),
    geometry: Geometry | None = None,
    sharpness: float = 3.0,
) -> MaskOutputs:
    """Outputs with confident and unsure queries, large and small masks, drawn with a seed."""
    draw = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(queries, classes + 1, generator=draw)
    masks = sharpness * torch.randn(queries, *mask, generator=draw)
    height, width = mask
    geometry = geometry or Geometry(
        image=(3 * height, 3 * width), content=(4 * height, 4 * width - 1),
        padded=(4 * height, 4 * width),
    )  # fmt: skip
    return MaskOutputs(logits.softmax(1), masks, geometry)
