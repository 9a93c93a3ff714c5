"""bootstrap(): replicates equal the numbers of the resampled frames, found the long way."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import InputError, bootstrap, evaluate
from mdmkit.frame_states import balanced_edges
from mdmkit.frames import Frame
from mdmkit.pixels import PixelSweep
from mdmkit.resampling import _draws

METRICS = (
    "ap,auroc,fpr95,best_f1,f1@z=0.5,siou_gt,ppv,mean_f1,mdm_f1@0.5,mdm_siou@0.25,"
    "ap@band=2,f1@z=0.5@band=1.5"
)
UNIT_FREE = "ap,auroc,fpr95,best_f1"


def frames(seed, count=5, shape=(6, 8), levels=12, contrast=0.4):
    """Frames of few distinct scores, so that a grid holds all of them."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        target = np.zeros(shape, np.uint8)
        row, column = rng.integers(0, 4), rng.integers(0, 5)
        target[row : row + 2, column : column + 3] = 1
        target[rng.random(shape) < 0.05] = 255
        scores = np.clip(rng.random(shape) * 0.6 + contrast * (target == 1), 0, 1)
        drawn.append((np.round(scores * levels) / levels, target))
    return drawn


def same(found, expected):
    return found == pytest.approx(np.nan if expected is None else expected, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_replicates_equal_evaluating_the_resampled_frames(seed):
    drawn = frames(seed)
    found = bootstrap({"mine": drawn}, metrics=METRICS, replicates=12, seed=seed, cells=64)
    for place, times in enumerate(_draws(len(drawn), 12, seed)):
        resampled = [drawn[frame] for frame in np.repeat(np.arange(len(drawn)), times)]
        expected = evaluate(resampled, METRICS)
        for key in found.keys:
            assert same(found.replicates["mine"][key][place], expected[key]), key


def test_the_number_itself_is_that_of_all_frames():
    drawn = frames(1)
    found = bootstrap({"mine": drawn}, metrics=METRICS, replicates=3, cells=64)
    expected = evaluate(drawn, METRICS)
    for key in found.keys:
        assert same(found.values["mine"][key], expected[key]), key


@pytest.mark.parametrize("seed", range(4))
def test_brackets_of_a_coarse_grid_hold_the_exact_number(seed):
    drawn = frames(seed, shape=(20, 24), levels=10**6)
    found = bootstrap({"mine": drawn}, metrics=METRICS, replicates=2, cells=16)
    expected = evaluate(drawn, METRICS)
    for key in found.keys:
        low, high = found.brackets["mine"][key]
        assert low - 1e-12 <= expected[key] <= high + 1e-12, key


def test_scores_without_bounds_are_ranked_too():
    drawn = [(8 * scores - 5, target) for scores, target in frames(2)]
    raw = bootstrap({"mine": drawn}, metrics=UNIT_FREE, replicates=20, cells=64)
    unit = bootstrap({"mine": frames(2)}, metrics=UNIT_FREE, replicates=20, cells=64)
    for key in ("ap", "auroc", "fpr95"):
        assert (raw.replicates["mine"][key] == unit.replicates["mine"][key]).all()


def test_a_normaliser_keeps_the_constants_of_all_frames():
    drawn = [(8 * scores - 5, target) for scores, target in frames(2)]
    low = min(s[t != 255].min() for s, t in drawn)
    high = max(s[t != 255].max() for s, t in drawn)
    unit = [((s - low) / (high - low), t) for s, t in drawn]
    mapped = bootstrap(
        {"m": drawn}, metrics="mdm_f1@0.5", normalize="minmax", replicates=20, cells=64
    )
    plain = bootstrap(
        {"m": [(np.clip(s, 0, 1), t) for s, t in unit]},
        metrics="mdm_f1@0.5",
        replicates=20,
        cells=64,
    )
    assert mapped.replicates["m"]["mdm_f1@0.5"] == pytest.approx(
        plain.replicates["m"]["mdm_f1@0.5"], abs=1e-12
    )


def test_differences_are_paired():
    drawn = frames(3)
    found = bootstrap({"a": drawn, "b": drawn}, replicates=50)
    assert found.difference("a", "b", "ap") == (0.0, 0.0, 0.0)
    value, low, high = found.interval("a", "ap")
    assert low < value < high


def test_a_clear_lead_excludes_zero_and_none_does_not():
    good, bad = frames(4, count=12, contrast=0.5), frames(4, count=12, contrast=0.2)
    lead = bootstrap({"good": good, "bad": bad}, replicates=400).difference("good", "bad", "ap")
    assert 0 < lead.low < lead.value < lead.high
    one, other = frames(5, count=12), frames(6, count=12)
    tie = bootstrap({"one": one, "other": other}, replicates=400).difference("one", "other", "ap")
    assert tie.low < 0 < tie.high


def test_a_seed_gives_the_same_sets_each_time():
    first = bootstrap({"m": frames(0)}, replicates=30, seed=7)
    again = bootstrap({"m": frames(0)}, replicates=30, seed=7)
    other = bootstrap({"m": frames(0)}, replicates=30, seed=8)
    assert (first.replicates["m"]["ap"] == again.replicates["m"]["ap"]).all()
    assert (first.replicates["m"]["ap"] != other.replicates["m"]["ap"]).any()


def test_draws_are_sets_of_as_many_frames():
    draws = _draws(7, 2000, 0)
    assert (draws.sum(axis=1) == 7).all()
    assert draws.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """The share of anomalous pixels found at z = 0.5 differs from frame to frame; truth: 0.6."""
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(120):
        shares = rng.beta(3, 2, size=30)
        drawn = []
        for share in shares:
            scores = (rng.random((1, 40)) < share) * 1.0
            drawn.append((scores, np.ones((1, 40), np.uint8)))
        found = bootstrap({"m": drawn}, metrics="recall@z=0.5", replicates=200, seed=trial)
        _, low, high = found.interval("m", "recall@z=0.5")
        covered += low <= 0.6 <= high
    assert 0.85 <= covered / 120 <= 0.99


def test_edges_divide_both_classes():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.random(10_000), 2 + rng.random(100)])[None]
    target = np.concatenate([np.zeros(10_000), np.ones(100)])[None].astype(np.uint8)
    edges = balanced_edges(PixelSweep.of(Frame(scores, target)), 40)
    assert edges.size <= 40
    assert (edges >= 2).sum() == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicates": 0}, "replicates: "),
        ({"confidence": 1.0}, "confidence: "),
        ({"cells": 1}, "cells: "),
        ({"metrics": "nothing"}, "metrics: "),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        bootstrap({"m": frames(0)}, **options)


def test_frames_must_be_several_and_readable_twice():
    with pytest.raises(InputError, match="at least 2"):
        bootstrap({"m": frames(0, count=1)})
    with pytest.raises(InputError, match="found m: 5, n: 4"):
        bootstrap({"m": frames(0), "n": frames(0, count=4)})
    with pytest.raises(InputError, match="found an iterator"):
        bootstrap({"m": iter(frames(0))})
    with pytest.raises(InputError, match="method: expected one of m"):
        bootstrap({"m": frames(0)}, replicates=2).interval("n", "ap")
    with pytest.raises(InputError, match="key: expected one of"):
        bootstrap({"m": frames(0)}, replicates=2).interval("m", "mean_f1")
