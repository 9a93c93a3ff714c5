"""Small Dask clusters, and frames for them."""

from __future__ import annotations

import logging
from contextlib import contextmanager

import numpy as np
import pytest

WARNINGS = [
    # a port that is taken is no failure: tests run side by side
    pytest.mark.filterwarnings("ignore:Port .* is already in use:UserWarning"),
    # sockets of workers that were killed are left to the garbage collector by distributed
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
METRICS = "ap,fpr95,best_f1,mdm_f1@0.3,mdm_siou@0.2"


@contextmanager
def connected(**options):
    """A client of two workers of one thread each."""
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    options |= {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, silence_logs=logging.CRITICAL) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
    ):
        yield client


def drawn(seed, shape=(270, 260), dtype="float32", factor=1.0):
    """A score map of patches, with more distinct scores than a grid has cells; and its target."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    row, column = rng.integers(0, np.array(shape) - 40)
    target[row : row + 40, column : column + 30] = 1
    target[:4] = 255
    patches = np.kron(rng.random((shape[0] // 10, shape[1] // 10)), np.ones((10, 10)))
    scores = patches**2 * 0.7 + rng.random(shape) * 0.003 + (target == 1) * 0.2
    if dtype == "uint8":
        return (scores * 255).astype(np.uint8), target
    return (scores * factor).astype(dtype), target
