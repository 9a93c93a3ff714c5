"""Margins of `evaluate` and `compare` from bins equal those of the full sweep, sorting nothing."""

from __future__ import annotations

import numpy as np
import pytest

import mdmkit.statistics.pixel_scores as pixel_scores
from mdmkit import MarginAt, NoTargetError, RangeError, SIoU, compare, evaluate, threshold_curve
from tests.conftest import cases
from tests.statistics.test_bounded import NAMED, OWN, T, drawn, specificity


@pytest.fixture
def sorted_frames(monkeypatch):
    """A list that grows with each frame whose every score is sorted."""
    found = []
    of = pixel_scores.split_keys
    monkeypatch.setattr(
        pixel_scores, "split_keys", lambda frame: found.append(frame.shape) or of(frame)
    )
    return found


def full(frames, metric, t):
    scores, target = zip(*frames, strict=True)
    return threshold_curve(list(scores), list(target), metric=metric).margin(t)


@pytest.mark.parametrize("seed", range(cases(200)))
def test_margins_of_drawn_frames_equal_the_full_sweep(seed, sorted_frames):
    rng = np.random.default_rng(seed)
    kinds = ["float32", "float64", "float16"][: rng.integers(1, 4)]
    frames = [drawn(rng, rng.choice(kinds)) for _ in range(rng.integers(1, 4))]
    metric = [*NAMED, *OWN][rng.integers(len(NAMED) + len(OWN))]
    asked = [MarginAt(metric, t, key=f"m{i}") for i, t in enumerate(T[::2])]
    results = [
        evaluate(frames, metrics=asked),
        compare({"a": frames}, metrics=asked, jobs=2)["a"],
        evaluate(frames, metrics=asked, memory=0),
    ]
    assert len(sorted_frames) <= len(frames)  # of the last one alone
    for i, margin in enumerate(full(frames, metric, T[::2])):
        for result in results:
            assert result[f"m{i}"] == margin.value
            assert result.numbers[f"m{i}"].interval == margin.interval
            assert result.numbers[f"m{i}"].bracket == (margin.value, margin.value)


def test_counts_and_images_are_as_in_the_full_sweep(sorted_frames):
    rng = np.random.default_rng(0)
    frames = [drawn(rng, "float32") for _ in range(12)]
    quick = evaluate(frames, "mdm_f1@0.5,mdm_iou@0.25")
    each = evaluate(frames, "mdm_f1@0.5,mdm_iou@0.25", aggregate="per_image")
    assert sorted_frames == []
    whole = evaluate(frames, "mdm_f1@0.5,mdm_iou@0.25,ap")
    assert len(sorted_frames) == 12
    for name in ("frames", "pixels", "anomalous_pixels", "components"):
        assert getattr(quick, name) == getattr(whole, name) == getattr(each, name)
    assert quick.numbers == {k: whole.numbers[k] for k in quick}
    slow = evaluate(frames, "mdm_f1@0.5,mdm_iou@0.25,ap", aggregate="per_image")
    assert each.numbers == {k: slow.numbers[k] for k in each}


def test_margins_of_components_need_no_sorted_pixels(sorted_frames):
    rng = np.random.default_rng(1)
    frames = [(rng.random((120, 120)).astype(np.float32), rng.random((120, 120)) < 0.2)]
    found = evaluate(frames, "mdm_siou@0.1,mdm_f1@0.25")
    assert sorted_frames == []
    known = evaluate(frames, "mdm_siou@0.1,mdm_f1@0.25,ap")
    assert found.numbers == {k: known.numbers[k] for k in found}


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("score", [1.5, -0.25])
def test_scores_outside_are_told_as_they_are(score, place):
    good = np.array([[0.1, 0.3, 0.7]], np.float32), np.array([[0, 0, 1]])
    bad = np.array([[0.1, score, 0.7]], np.float32), np.array([[0, 1, 0]])
    frames = [good, bad] if place else [bad, good]
    low, high = min(score, float(np.float32(0.1))), max(score, float(np.float32(0.7)))
    with pytest.raises(RangeError, match=rf"found {low} to {high}"):
        evaluate(frames, "mdm_f1@0.5")


def test_nothing_to_detect_is_an_error():
    with pytest.raises(NoTargetError, match="at least one anomalous pixel"):
        evaluate([(np.full((3, 3), 0.5, np.float32), np.zeros((3, 3), int))], "mdm_f1@0.5")


def test_undefined_just_beside_is_looked_at():
    scores = np.linspace(0.2, 0.9, 40, dtype=np.float32)[None]
    target = (scores > 0.6).astype(int)
    found = evaluate([(scores, target)], metrics=[MarginAt(specificity, 0.9, key="m")])
    assert found.numbers["m"].interval == full([(scores, target)], specificity, 0.9).interval


def test_a_metric_that_is_not_monotone_is_swept(sorted_frames):
    from mdmkit import count_metric

    @count_metric
    def wave(tp, fp, fn, tn):
        return (tp + fp) % 3 / 2

    frames = [drawn(np.random.default_rng(2), "float32")]
    found = evaluate(frames, metrics=[MarginAt(wave, 0.5, key="m"), MarginAt(SIoU(0, 0), 0.5)])
    assert sorted_frames
    assert found.numbers["m"].interval == full(frames, wave, 0.5).interval
