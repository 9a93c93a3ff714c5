"""Objects found and false alarms at every threshold, against relabelling."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame
from mdmkit.statistics.detections import ALARM_FRAMES, DetectionRule, Detections
from mdmkit.statistics.pixel_order import pixel_order
from mdmkit.statistics.stepped_counts import SteppedCounts
from tests.fuzz import random_case
from tests.reference import brute


def by_relabelling(frame, z, sizes, rule):
    """(Components found, false alarms) of the prediction A > z."""
    target = np.where(frame.valid, frame.classes, 255)
    world = [brute.world(frame.scores, target)]
    sious, ppvs = brute.components(world, z, sizes.min_prediction, sizes.min_target)
    shares = sious if rule.by == "siou" else covered_shares(world[0], z, sizes)
    return sum(s >= rule.found for s in shares), sum(p < rule.false for p in ppvs)


def covered_shares(world, z, sizes):
    scores, anomalous, valid = world
    predicted, _ = brute.label(valid & (np.where(valid, scores, -np.inf) > z), brute.EIGHT)
    kept = np.bincount(predicted.ravel()) >= sizes.min_prediction
    kept[0] = False
    targets, count = brute.label(anomalous & valid, brute.EIGHT)
    inside = [targets == i for i in range(1, count + 1)]
    return [kept[predicted][t].mean() for t in inside if t.sum() >= sizes.min_target]


def rule_of(rng):
    return DetectionRule(
        float(rng.choice([0.25, 0.5, 1.0])),
        float(rng.choice([0.25, 0.5, 1.0])),
        str(rng.choice(["covered", "siou"])),
    )


@pytest.mark.parametrize("block", range(2))
def test_detections_agree_with_relabelling_on_random_maps(block):
    for seed in range(30 * block, 30 * block + 30):
        rng, frame, sizes = random_case(seed)
        rule = rule_of(rng)
        seen = Detections.of(frame, sizes, rule)
        scores = pixel_order(frame).scores
        for z in np.append(-np.inf, scores[:: max(1, scores.size // 12)]):
            row = seen.steps.totals[np.searchsorted(seen.thresholds, z, side="right") - 1]
            found, alarms = by_relabelling(frame, z, sizes, rule)
            assert row.tolist() == [found, alarms, alarms > 0], (seed, z)


def test_a_normal_frame_has_alarms_and_no_target():
    seen = Detections.of(Frame([[0.9, 0.0, 0.8, 0.1]], [[0, 0, 0, 0]]), ComponentSizes())
    assert seen.targets == 0
    assert np.isnan(seen.found).all()
    assert seen.alarms[np.searchsorted(seen.thresholds, 0.5, side="right") - 1] == 2
    assert seen.alarms[0] == 1  # everything is one component
    assert seen.most_alarms[0] == 2


def test_frames_merge_in_any_order():
    parts = [Detections.of(random_case(seed)[1], ComponentSizes(1, 2)).counts for seed in range(6)]
    one, other = (Detections(SteppedCounts.merged(each)) for each in (parts, parts[::-1]))
    np.testing.assert_array_equal(one.steps.scores, other.steps.scores)
    np.testing.assert_array_equal(one.steps.changes, other.steps.changes)
    assert one.frames == 6
    assert one.steps.totals[:, ALARM_FRAMES].max() <= 6


@pytest.mark.parametrize("wrong", [{"found": 0}, {"false": 1.5}, {"by": "iou"}])
def test_rules_are_checked(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected"):
        DetectionRule(**wrong)
