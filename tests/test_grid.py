"""Sweeps beyond the memory budget: brackets hold, and a second pass makes numbers exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mdmkit.grid
from mdmkit import InputError, compare, count_metric, evaluate
from mdmkit.grid import GridSteps, unit_edges, within
from mdmkit.measures import MarginAt
from mdmkit.options import parse_memory
from mdmkit.pixels import PixelSweep
from mdmkit.steps import Steps
from tests.conftest import small_frames

EVERYTHING = (
    "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,fpr@tpr=0.5,f1@z=0.3,siou@z=0.45,fpr@z=0.3,"
    "mdm_f1@0.3,mdm_iou@0.2,mdm_precision@0.3,mdm_siou@0.2,mdm_ppv@0.3,mdm_mean_f1@0.1"
)
KEYS = EVERYTHING.split(",")
EXACT_AFTER_A_SECOND_PASS = [key for key in KEYS if key not in ("ap", "auroc")]


@pytest.fixture(autouse=True)
def coarse_grid(monkeypatch):
    """Eight steps, so that small maps have something to lose."""
    monkeypatch.setattr(mdmkit.grid, "CELLS", 8)


def assert_in_brackets(result, exact):
    for key in KEYS:
        value = exact[key]
        if value is None or result[key] is None:  # undefined at one of two best predictions
            continue
        low, high = result[f"{key}_bracket"]
        assert low - 1e-12 <= result[key] <= high + 1e-12, key
        assert low - 1e-12 <= value <= high + 1e-12, key


def scaled(frames, factor, offset):
    return [(np.asarray(s, np.float64) * factor + offset, t) for s, t in frames]


@settings(max_examples=400)
@given(small_frames(), st.integers(0, 3))
def test_brackets_hold_the_exact_value(frames, min_prediction):
    exact = evaluate(frames, EVERYTHING, min_prediction=min_prediction)
    rough = evaluate(iter(frames), EVERYTHING, min_prediction=min_prediction, memory=0)
    assert_in_brackets(rough, exact)


@settings(max_examples=400)
@given(small_frames(), st.integers(0, 3))
def test_a_second_pass_makes_numbers_exact(frames, min_prediction):
    exact = evaluate(frames, EVERYTHING, min_prediction=min_prediction)
    again = evaluate(frames, EVERYTHING, min_prediction=min_prediction, memory=0)
    assert_in_brackets(again, exact)
    for key in EXACT_AFTER_A_SECOND_PASS:
        assert again[key] == exact[key], key
        if exact[key] is not None:
            assert again[f"{key}_bracket"] == (exact[key], exact[key]), key
        for companion in ("_interval", "_threshold"):
            assert again.values.get(key + companion) == exact.values.get(key + companion)


@settings(max_examples=300)
@given(small_frames(), st.sampled_from(["minmax", "sigmoid", "rank"]), st.booleans())
def test_brackets_hold_for_unbounded_scores(frames, normalize, once):
    frames = scaled(frames, 6, -3)
    scores = np.concatenate([s[np.asarray(t) != 255] for s, t in frames])
    if normalize == "minmax" and scores.min() == scores.max():
        return
    exact = evaluate(frames, EVERYTHING, normalize=normalize)
    given_frames = iter(frames) if once else frames
    assert_in_brackets(evaluate(given_frames, EVERYTHING, normalize=normalize, memory=0), exact)


@settings(max_examples=100)
@given(small_frames())
def test_a_metric_of_which_nothing_is_declared_has_no_narrow_bracket(frames):
    accuracy = count_metric(lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn), name="accuracy")
    measure = MarginAt(accuracy, 0.5)
    exact = evaluate(frames, [measure])[measure.key]
    low, high = evaluate(iter(frames), [measure], memory=0)[f"{measure.key}_bracket"]
    assert low <= exact <= high
    assert evaluate(frames, [measure], memory=0)[measure.key] == exact


@settings(max_examples=300)
@given(small_frames(most=1), st.lists(st.booleans(), min_size=10, max_size=10))
def test_grid_of_steps_is_exact_at_edges_and_in_refined_cells(frames, refined):
    from mdmkit import Frame

    steps = PixelSweep.of(Frame(*frames[0]))
    edges = unit_edges()
    grid = GridSteps.of(steps, edges)
    cells = np.array(refined)
    seen = grid.as_steps(Steps, edges, within(steps, edges, cells))
    for z in [-1.0, *edges]:
        assert seen.above(z).tolist() == steps.above(z).tolist()
    for z in steps.scores:
        cell = np.searchsorted(edges, z, side="right")
        assert (grid.low[cell] <= steps.above(z)).all()
        assert (grid.high[cell] >= steps.above(z)).all()
        if cells[cell]:
            assert seen.above(z).tolist() == steps.above(z).tolist()


def test_exact_within_the_budget_says_nothing_of_brackets():
    result = evaluate([([[0.1, 0.9]], [[0, 1]])], "ap,best_f1")
    assert set(result.values) == {"ap", "best_f1", "best_f1_threshold", "all_predicted"}


@pytest.mark.parametrize(("text", "expected"), [("2G", 2**31), ("1.5 MiB", 3 * 2**19), ("0", 0)])
def test_memory_is_given_in_the_usual_units(text, expected):
    assert parse_memory(text) == expected


def test_other_units_of_memory_are_refused():
    with pytest.raises(
        InputError, match="memory: expected a size such as 500M or 2G, found 'lots'"
    ):
        parse_memory("lots")


def test_the_table_says_that_scores_fell_on_a_grid():
    rng = np.random.default_rng(0)
    frames = [(rng.random((8, 8)), rng.integers(0, 2, (8, 8))) for _ in range(3)]
    rough, exact = (compare({"a": frames}, metrics="ap", memory=m) for m in (0, 2**30))
    assert "a: scores fell on a grid of thresholds" in str(rough)
    assert "grid" not in str(exact)
