"""Curves that look at their frames again for what is asked, against every score."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

import mdmkit.evaluation.closer_looks
from mdmkit import PPV, MeanF1, SIoU, mdm, threshold_curve
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.evaluation.closer_looks import CloserCurve
from tests.fuzz import METRICS, assert_same_margins, random_frame
from tests.reference import brute, union


@pytest.fixture(autouse=True)
def always_bins():
    with patch.multiple(mdmkit.evaluation.closer_looks, BINS=8, few_scores=lambda frame: False):
        yield


@pytest.mark.parametrize("seed", range(15))
def test_margins_and_values_of_several_frames_are_exact(seed):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng) for _ in range(rng.integers(1, 4))]
    sizes = ComponentSizes(int(rng.integers(0, 4)), 0)
    whole = union.ComponentCounts.merged(union.component_sweep(f, sizes) for f in frames)
    assert_same_margins(frames, sizes, whole, dict.fromkeys(METRICS, (0.0, 0.2, 0.5)))


@pytest.mark.parametrize("metric", [SIoU(), PPV(), MeanF1()])
def test_margins_agree_with_relabelling(metric):
    rng = np.random.default_rng(5)
    for _ in range(5):
        scores = rng.random((9, 11)).astype(np.float32)
        target = (rng.random((9, 11)) < 0.2).astype(int)
        target[0, 0] = 1
        m = mdm(scores, target, 0.2, metric=metric)
        assert (m.value, m.interval) == brute.margin(
            [brute.world(scores, target)], 0.2, metric.name
        )
        assert m.bracket == (m.value, m.value)


def test_every_score_on_request():
    rng = np.random.default_rng(1)
    scores, target = rng.random((20, 20)), rng.random((20, 20)) < 0.3
    near = threshold_curve(scores, target, metric="siou")
    every = threshold_curve(scores, target, metric="siou", resolution="all")
    assert isinstance(near, CloserCurve)
    assert near.breakpoints.size < 20 < every.breakpoints.size
    assert not ((near.low > near.values) | (near.values > near.high)).any()
    z = np.linspace(0, 1, 7)
    np.testing.assert_array_equal(near(z), every(z))
    assert near.margin((0.1, 0.2)) == every.margin((0.1, 0.2))
    assert "exact where it is read" in repr(near)


def test_scores_of_an_iterator_are_recorded_at_once():
    scores, target = (
        np.random.default_rng(1).random((2, 6, 6)),
        np.eye(6, dtype=int)[None].repeat(2, 0),
    )
    near = threshold_curve(iter(scores), iter(target), metric="siou")
    assert not isinstance(near, CloserCurve)


def test_resolution_is_checked():
    with pytest.raises(ValueError, match="resolution: expected one of None, all, found 7"):
        threshold_curve([[0.5]], [[1]], metric="siou", resolution=7)
