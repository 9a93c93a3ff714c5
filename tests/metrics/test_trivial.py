"""The trivial level: what constant predictions score, by the measure itself."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from mdmkit import F1, choose_thresholds, mdm, threshold_curve
from tests.conftest import random_scores

METRICS = ("f1", "iou", "precision", "recall", "siou", "ppv", "mean_f1", "pro", "boundary_iou@px=1")


def of_constant(target, metric):
    """The larger, where defined, of d at the two predictions that a constant map has."""
    curve = threshold_curve(np.full(target.shape, 0.5), target, metric)
    return max((v for v in (curve(0.25), curve(0.75)) if not isnan(v)), default=None)


@pytest.mark.parametrize("metric", METRICS)
def test_margins_know_what_a_constant_map_scores(metric):
    rng = np.random.default_rng(0)
    for _ in range(25):
        shape = tuple(rng.integers(2, 9, 2))
        scores = random_scores(rng, shape, rng.choice(["ties", "noise"]), "float32")
        target = (rng.random(shape) < 0.3).astype(np.uint8)
        target[rng.random(shape) < 0.1] = 255
        target[0, 0] = 1
        level = of_constant(target, metric)
        assert mdm(scores, target, 0.5, metric).trivial == level
        assert threshold_curve(scores, target, metric).margin(0.2).trivial == level


def test_little_memory_and_several_frames_change_no_level():
    rng = np.random.default_rng(1)
    scores = [rng.random((20, 30)) for _ in range(3)]
    target = [(rng.random((20, 30)) < 0.1).astype(np.uint8) for _ in range(3)]
    p = np.mean(target)
    margin = mdm(scores, target, 0.1, memory=1)
    assert margin.trivial == mdm(scores, target, 0.1).trivial == pytest.approx(2 * p / (1 + p))
    images = mdm(scores, target, 0.1, aggregate="per_image")
    levels = [F1()(t.sum(), (t == 0).sum(), 0, 0) for t in target]
    assert images.trivial == pytest.approx(np.mean(levels))


def test_metrics_of_masks_have_a_level_too():
    def jaccard(prediction, target):
        return (prediction & target).sum() / max(1, (prediction | target).sum())

    target = np.array([[0, 0, 1, 255]], np.uint8)
    assert mdm([[0.1, 0.9, 0.5, 0.2]], target, 0.1, jaccard).trivial == pytest.approx(1 / 3)


def test_noise_has_no_margin_above_the_trivial_level_of_pixel_metrics():
    rng = np.random.default_rng(2)
    scores, target = rng.random((200, 200)), (rng.random((200, 200)) < 0.2).astype(np.uint8)
    level = mdm(scores, target, 0.1).trivial
    assert mdm(scores, target, level + 0.01).value == 0
    assert mdm(scores, target, level - 0.05).value > 0


def test_thresholds_say_that_a_margin_is_passed_by_doing_nothing():
    frames = [([[0.1, 0.2, 0.4, 0.9]], [[0, 0, 1, 1]])]  # all: F1 2/3
    for t, said in ((0.6, True), (0.7, False)):
        text = choose_thresholds({"mine": frames}, t_margin=t).to_text()
        assert ("does not exceed the trivial level 0.6667" in text) == said
