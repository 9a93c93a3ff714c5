"""Curves and counts that figures are drawn of."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import Frame, threshold_curve
from mdmkit.statistics.pixels import PixelCounts


@pytest.fixture
def curves():
    rng = np.random.default_rng(0)
    target = np.zeros((40, 60), np.uint8)
    target[10:25, 20:40] = 1
    return {
        name: threshold_curve(
            np.clip(gain * (target + rng.normal(0, 0.1, target.shape)), 0, 1), target
        )
        for name, gain in (("wide", 0.9), ("narrow", 0.2), ("flat", 0.0))
    }


@pytest.fixture
def sweeps():
    rng = np.random.default_rng(1)
    target = rng.random((60, 70)) < 0.2
    return {
        name: PixelCounts.of(
            Frame(np.round(gain * target + rng.random(target.shape), digits), target)
        )
        for name, gain, digits in (("coarse", 0.5, 1), ("fine", 1.0, 9))
    }
