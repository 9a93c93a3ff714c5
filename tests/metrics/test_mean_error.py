"""AUTC and F-beta equal plain formulas at every threshold."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mdmkit import evaluate, threshold_curve
from tests.conftest import DTYPES, random_scores
from tests.reference import brute

KINDS = ("ties", "uniform")


def drawn(seed, n=3):
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(n):
        shape = tuple(rng.integers(2, 9, 2))
        target = rng.choice([0, 1, 255], shape, p=[0.6, 0.3, 0.1]).astype(np.uint8)
        frames.append((random_scores(rng, shape, "ties", rng.choice(DTYPES)), target))
    frames.append((np.array([[0.25, 0.75]]), np.array([[0, 1]], np.uint8)))
    return frames


def levels(worlds):
    """0, the distinct scores in (0, 1), and 1."""
    scores = np.concatenate([scores[valid] for scores, _, valid in worlds])
    return np.unique(np.concatenate([[0.0, 1.0], scores]))


@pytest.mark.parametrize("seed", range(15))
def test_autc_is_the_mean_error_over_all_thresholds(seed):
    frames = drawn(seed)
    worlds = [brute.world(*frame) for frame in frames]
    area = 0.0
    for low, high in pairwise(levels(worlds)):
        tp, fp, fn, tn = brute.counts(worlds, low)  # the same on [low, high)
        area += (high - low) * (fp / (fp + tn) + fn / (fn + tp)) / 2
    assert evaluate(frames, "autc")["autc"] == pytest.approx(area, abs=1e-12)
    assert evaluate(frames, "autc", memory=0)["autc"] == pytest.approx(area, abs=1e-4)


def test_autc_depends_on_the_normaliser_and_on_both_classes():
    scores, target = [[2.0, 4.0, 10.0]], [[0, 1, 1]]
    found = evaluate([(scores, target)], "autc", normalize="minmax")["autc"]
    assert found == pytest.approx((0 + 1 - (0.25 + 1) / 2) / 2)
    assert evaluate([([[0.3, 0.6]], [[1, 1]])], "autc,recall@z=0.5")["autc"] is None


@pytest.mark.parametrize("beta", [0.5, 1, 2, 3.5])
@pytest.mark.parametrize("seed", range(6))
def test_fbeta_agrees_with_its_formula_at_every_threshold(beta, seed):
    frames = drawn(seed)
    worlds = [brute.world(*frame) for frame in frames]

    def plain(worlds, z):
        tp, fp, fn, _ = brute.counts(worlds, z)
        whole = (1 + beta**2) * tp + beta**2 * fn + fp
        return (1 + beta**2) * tp / whole if whole else float("nan")

    curve = threshold_curve(frames, metric=f"fbeta@beta={beta}")
    for z in levels(worlds):
        assert curve(z) == pytest.approx(plain(worlds, z), nan_ok=True, abs=1e-15), z
    names = f"fbeta@beta={beta:g}@z=0.3,mdm_fbeta@beta={beta:g}@0.4"
    values = evaluate(frames, names)
    assert values[f"fbeta@beta={beta:g}@z=0.3"] == pytest.approx(plain(worlds, 0.3), abs=1e-15)
    assert values[f"mdm_fbeta@beta={beta:g}@0.4"] == curve.margin(0.4).value
