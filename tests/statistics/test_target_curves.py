"""Curves of single ground-truth components, against relabelling."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import component_curves
from mdmkit.statistics.pixel_order import pixel_order
from tests.fuzz import random_case
from tests.reference import brute


def by_relabelling(world, z, sizes):
    """(Covered, background) pixels of each ground-truth component under A > z."""
    scores, anomalous, valid = world
    predicted, _ = brute.label(valid & (np.where(valid, scores, -np.inf) > z), brute.EIGHT)
    kept = np.bincount(predicted.ravel()) >= sizes.min_prediction
    kept[0] = False
    targets, count = brute.label(anomalous & valid, brute.EIGHT)
    rows = []
    for i in range(1, count + 1):
        inside = targets == i
        if inside.sum() >= sizes.min_target:
            touching = np.unique(predicted[inside & kept[predicted]])
            joined = np.isin(predicted, touching) & (predicted > 0)
            rows.append([(joined & inside).sum(), (joined & valid & ~anomalous).sum()])
    return rows


@pytest.mark.parametrize("seed", range(40))
def test_curves_agree_with_relabelling_on_random_maps(seed):
    rng, frame, sizes = random_case(seed)
    target = np.where(frame.valid, frame.classes, 255)
    world = brute.world(frame.scores, target)
    levels = pixel_order(frame).scores
    least = {"min_prediction": sizes.min_prediction, "min_target": sizes.min_target}
    some = np.append(rng.choice(levels, 3), [0.25, 0.5])
    for asked in (None, some):
        curves = component_curves(frame.scores, target, thresholds=asked, **least)
        for z in np.append(levels[:: max(1, levels.size // 8)], 0.3) if asked is None else some:
            seen = [[c.covered_pixels[c.step(z)], c.background[c.step(z)]] for c in curves]
            assert seen == by_relabelling(world, z, sizes), z


def test_components_come_in_the_order_of_their_first_pixels():
    target = np.array([[0, 0, 1], [1, 0, 0], [1, 0, 1]])
    curves = component_curves(np.full((2, 3, 3), 0.5), np.stack([target, target.T]))
    assert [(c.frame, c.place, c.pixels) for c in curves] == [
        (0, (0, 2), 1), (0, (1, 0), 2), (0, (2, 2), 1),
        (1, (0, 1), 2), (1, (2, 0), 1), (1, (2, 2), 1),
    ]  # fmt: skip


def test_sizes_and_thresholds_are_checked():
    with pytest.raises(ValueError, match="thresholds: expected finite numbers"):
        component_curves([[0.5]], [[1]], thresholds=[])
    many = np.random.default_rng(0).random((80, 80))
    with pytest.raises(ValueError, match="fit into memory=1000 bytes; name thresholds"):
        component_curves(many, many > 0.5, memory=1000)
