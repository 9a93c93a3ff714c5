"""Memory of a comparison: the statistics of one method, whatever the number of methods."""

import tracemalloc

import numpy as np

from mdmkit import compare


def _peak(methods, frames):
    tracemalloc.start()
    found = compare({f"m{k}": frames for k in range(methods)}, metrics="ap,auroc,mdm_f1@0.5")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, found


def test_five_methods_take_the_memory_of_one():
    rng = np.random.default_rng(0)
    target = np.zeros((256, 256), np.uint8)
    target[40:90, 60:150] = 1
    frames = [(rng.random((256, 256), np.float32), target) for _ in range(8)]
    compare({"warm": frames}, metrics="ap,auroc,mdm_f1@0.5")
    one, alone = _peak(1, frames)
    five, together = _peak(5, frames)
    assert five < 1.3 * one  # the frames themselves keep the classes of their pixels
    assert all(together[f"m{k}"]["ap"] == alone["m0"]["ap"] for k in range(5))
