"""Random networks of every family in folders, and how tests load them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from maskomaly import Network, Preprocessing, load_model
from tests.maskomaly.small_networks import BUILDERS, SQUARE, build

AS_IT_IS = Preprocessing.as_it_is(32)
# The first two have one input size, 64 x 96, though they differ; the third does not.
SIZES = [(50, 70), (64, 96), (33, 45)]


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """A folder of `save_pretrained` for each family."""
    root = tmp_path_factory.mktemp("networks")
    for family in BUILDERS:
        build(family).save_pretrained(root / family)
    return root


@cache
def loaded(folder, **options) -> Network:
    """A network, once for all tests that ask for it: they leave it as it is."""
    is_square = folder.name in SQUARE  # they have a default of their own
    options.setdefault("preprocessing", None if is_square else AS_IT_IS)
    return load_model(folder, device="cpu", **options)
