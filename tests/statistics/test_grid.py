"""Sweeps beyond the memory budget: brackets hold, and a second pass makes numbers exact."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import Frame, InputError, compare, count_metric, evaluate, threshold_curve
from mdmkit.core.arguments import as_bytes
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.transforms import Band, HalfPrecision, QuantileBins
from mdmkit.evaluation import gathering
from mdmkit.metrics.measures import MarginAt, Measure
from mdmkit.statistics import accumulator
from mdmkit.statistics.binned_steps import BinnedSteps, inside_bins
from mdmkit.statistics.edges import unit_edges, with_edges
from mdmkit.statistics.kinds import ChangedStatistic, ComponentStatistic, PixelStatistic
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.totals import DirectBins, Totals
from tests.conftest import examples, small_frames

EVERYTHING = (
    "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,fpr@tpr=0.5,f1@z=0.3,siou@z=0.45,fpr@z=0.3,"
    "mdm_f1@0.3,mdm_iou@0.2,mdm_precision@0.3,mdm_siou@0.2,mdm_ppv@0.3,mdm_mean_f1@0.1"
)
KEYS = EVERYTHING.split(",")
EXACT_AFTER_A_SECOND_PASS = [key for key in KEYS if key not in ("ap", "auroc")]


FEW = np.array([-2.0, -1.0, 2.0])  # and eight steps, so that small maps have something to lose


def coarse_edges(thresholds, parts=1):
    return with_edges(np.union1d(FEW, unit_edges(8 * parts)), thresholds)


@pytest.fixture(autouse=True)
def coarse_bins(monkeypatch):
    monkeypatch.setattr(accumulator, "_edges", coarse_edges)
    monkeypatch.setattr(accumulator, "_component_edges", coarse_edges)
    monkeypatch.setattr(gathering, "FEW_PIXELS", 0)


@contextmanager
def one_look():
    """Components at every score from the start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gathering, "FEW_PIXELS", 2**62)
        yield


def assert_in_brackets(result, exact):
    """Numbers lie in their brackets; a bracket without a lower end holds "undefined", too."""
    for key in KEYS:
        value, shown = exact[key], result[key]
        low, high = result.numbers[key].bracket or (None, None)
        for number in (value, shown):
            if number is None or (low is None and high is None):
                assert low is None, key
            else:
                assert low is None or low - 1e-12 <= number, key
                assert high is None or number <= high + 1e-12, key


def scaled(frames, factor, offset):
    return [(np.asarray(s, np.float64) * factor + offset, t) for s, t in frames]


@examples(400)
@given(small_frames(), st.integers(0, 3))
def test_brackets_hold_the_exact_value(frames, min_prediction):
    exact = evaluate(frames, EVERYTHING, min_prediction=min_prediction)
    rough = evaluate(iter(frames), EVERYTHING, min_prediction=min_prediction, memory=0)
    assert_in_brackets(rough, exact)


@examples(400)
@given(small_frames(), st.integers(0, 3))
def test_a_second_pass_makes_numbers_exact(frames, min_prediction):
    exact = evaluate(frames, EVERYTHING, min_prediction=min_prediction)
    again = evaluate(frames, EVERYTHING, min_prediction=min_prediction, memory=0)
    assert_in_brackets(again, exact)
    for key in EXACT_AFTER_A_SECOND_PASS:
        assert again[key] == exact[key], key
        if exact[key] is not None:
            assert again.numbers[key].bracket == (exact[key], exact[key]), key
        for companion in ("interval", "threshold"):
            assert getattr(again.numbers[key], companion) == getattr(exact.numbers[key], companion)


@examples(300)
@given(small_frames(), st.sampled_from(["minmax", "sigmoid", "rank"]), st.booleans())
def test_brackets_hold_for_unbounded_scores(frames, normalize, once):
    frames = scaled(frames, 6, -3)
    scores = np.concatenate([s[np.asarray(t) != 255] for s, t in frames])
    if normalize == "minmax" and scores.min() == scores.max():
        return
    exact = evaluate(frames, EVERYTHING, normalize=normalize)
    given_frames = iter(frames) if once else frames
    assert_in_brackets(evaluate(given_frames, EVERYTHING, normalize=normalize, memory=0), exact)


def test_the_rank_of_the_largest_score_of_a_target_is_bounded_by_its_group():
    # 1.5, 1.625 and perhaps more share a bin: the rank of 1.625 may be that of any of them
    for others, top in (([1.5, 3.0], 0.75), ([1.5, 1.75], 1.0)):
        frames = [([others], [[0, 0]]), ([[1.625, -3.0]], [[1, 0]])]
        exact = evaluate(frames, "mdm_siou@0.2", normalize="rank")
        rough = evaluate(iter(frames), "mdm_siou@0.2", normalize="rank", memory=0)
        assert exact["mdm_siou@0.2"] == 0.5
        low, high = rough.numbers["mdm_siou@0.2"].bracket
        assert low <= 0.5 <= high <= top


@pytest.mark.parametrize("key", ["precision@z=0.9", "ppv@z=0.9"])
def test_a_bracket_holds_undefined(key):
    # no score has a rank above 0.9; of two that share a bin, either might
    frames = [([[2.1, 2.05, 0.6]], [[0, 1, 0]])]
    assert evaluate(frames, key, normalize="rank")[key] is None
    low, high = evaluate(iter(frames), key, normalize="rank", memory=0).numbers[key].bracket
    assert low is None
    assert 0 < high <= 1 + 1e-9


@examples(100)
@given(small_frames())
def test_a_metric_of_which_nothing_is_declared_has_no_narrow_bracket(frames):
    accuracy = count_metric(lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn), name="accuracy")
    measure = MarginAt(accuracy, 0.5)
    exact = evaluate(frames, [measure])[measure.key]
    low, high = evaluate(iter(frames), [measure], memory=0).numbers[measure.key].bracket
    assert low <= exact <= high
    assert evaluate(frames, [measure], memory=0)[measure.key] == exact


@examples(300)
@given(small_frames(most=1), st.lists(st.booleans(), min_size=10, max_size=10))
def test_grid_of_steps_is_exact_at_edges_and_in_refined_cells(frames, resolved):
    steps = PixelCounts.of(Frame(*frames[0]))
    edges = unit_edges(8)
    grid = BinnedSteps.of(steps, edges)
    cells = np.array(resolved)
    seen = grid.as_steps(edges, inside_bins(steps, edges, cells))
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
    assert not any(number.binned for number in result.numbers.values())
    assert {"ap", "best_f1", "best_f1_threshold", "all_predicted"} < set(result.to_dict())
    assert not any(key.endswith("_bracket") for key in result.to_dict())


@pytest.mark.parametrize(("text", "expected"), [("2G", 2**31), ("1.5 MiB", 3 * 2**19), ("0", 0)])
def test_memory_is_given_in_the_usual_units(text, expected):
    assert as_bytes(text) == expected


def test_other_units_of_memory_are_refused():
    with pytest.raises(
        InputError, match="memory: expected a size such as 500M or 2G, found 'lots'"
    ):
        as_bytes("lots")


def test_the_table_says_that_scores_fell_on_a_grid():
    rng = np.random.default_rng(0)
    frames = [(rng.random((8, 8)), rng.integers(0, 2, (8, 8))) for _ in range(3)]
    rough, exact = (compare({"a": frames}, metrics="ap", memory=m) for m in (0, 2**30))
    assert "a: scores fell into bins" in str(rough)
    assert "bins" not in str(exact)


@examples(100)
@given(small_frames(), st.integers(0, 3))
def test_per_image_numbers_take_the_grid_and_are_exact(frames, min_prediction):
    keys = [key for key in KEYS if key != "fpr@z=0.3"]
    options = {"aggregate": "per_image", "min_prediction": min_prediction}
    again = evaluate(frames, keys, **options)
    with one_look():
        assert again == evaluate(frames, keys, **options)


@examples(50)
@given(small_frames(), st.sampled_from([0, 2**30]))
def test_threads_change_no_bit_in_two_passes(frames, memory):
    metrics = [key for key in KEYS if key not in ("ap", "auroc")]
    one, three = (compare({"a": frames}, metrics=metrics, memory=memory, jobs=j) for j in (1, 3))
    assert one["a"].numbers == three["a"].numbers


CHANGED = (
    "best_f1,siou_gt,ppv,mean_f1,fpr@tpr=0.5,siou@z=0.45,mdm_f1@0.3,mdm_siou@0.2,auroc@band=1.5,ap@band=2,fpr95@band=2,best_f1@band=2,"
    "fpr@tpr=0.5@band=2,f1@z=0.3@band=2,mdm_iou@0.2@band=2"
)
REFINED = ("best_f1", "siou", "ppv", "mean_f1", "fpr@tpr=", "fpr95@band", "f1@z", "mdm_")


def numbers(frames, **options):
    """What is exact after a second pass; or why there is nothing."""
    try:
        found = compare({"a": frames}, metrics=CHANGED, **options)["a"].numbers
    except InputError as error:
        return str(error)
    return {
        key: replace(number, bracket=None, binned=False)
        for key, number in found.items()
        if key.startswith(REFINED)
    }


@examples(300)
@given(
    small_frames(),
    st.sampled_from(["exact", "smiyc", "maskomaly-release"]),
    st.sampled_from([0, 3000, 2**31]),
    st.sampled_from([1, 3]),
    st.sampled_from(["none", "rank"]),
    st.sampled_from(["pooled", "per_image"]),
)
def test_bands_and_protocols_are_exact_whatever_memory_and_threads(
    frames, protocol, memory, jobs, normalize, aggregate
):
    options = {"protocol": protocol, "normalize": normalize, "aggregate": aggregate}
    found = numbers(frames, memory=memory, jobs=jobs, **options)
    with one_look():
        assert found == numbers(frames, **options)


@examples(100)
@given(small_frames(), st.sampled_from(["exact", "smiyc", "maskomaly-release"]), st.booleans())
def test_brackets_of_bands_and_protocols_hold(frames, protocol, once):
    metrics = "ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,f1@z=0.3@band=2"
    metrics += "".join(f",{name}@band={w}" for w in (1, 2) for name in ("ap", "fpr95", "best_f1"))
    options = {"protocol": protocol}
    rough = evaluate(iter(frames) if once else frames, metrics, memory=0, **options)
    exact = evaluate(iter(frames), metrics, **options)
    held = 0
    for key, value in exact.items():
        bracket = rough.numbers[key].bracket
        if value is not None and bracket is not None:
            held += 1
            low, high = bracket
            assert low is None or low - 1e-12 <= value, key
            assert value <= high + 1e-12, key
    assert held or exact["best_f1"] is None


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
@pytest.mark.parametrize("change", [Band(2), HalfPrecision(), QuantileBins(6)])
def test_changed_frames_on_a_grid_are_those_that_were_changed_before(change, dtype):
    rng = np.random.default_rng(3)
    target = rng.choice(np.array([0, 1, 255], np.uint8), (12, 15), p=[0.6, 0.3, 0.1])
    scores = rng.random(target.shape) * (255 if dtype == "uint8" else 1)
    frame = Frame(scores.astype(dtype), target)
    edges, resolved = unit_edges(8), np.arange(10) % 3 == 1
    direct = DirectBins(edges, edges, frozenset())
    for statistic in (PixelStatistic(), ComponentStatistic(ComponentSizes(2, 1))):
        changed = ChangedStatistic(change, statistic)
        in_bins = [
            Totals.of(seen, [of], direct=replace(direct, statistics=frozenset([of]))).by_statistic[
                of
            ]
            for seen, of in ((frame, changed), (change(frame), statistic))
        ]
        assert_equal_arrays(*in_bins)
        seen = ((changed, frame), (statistic, change(frame)))
        if isinstance(statistic, PixelStatistic):
            intervals = np.array([[0.1, 0.3], [0.25, 0.5]])
            inside = [of.between(one, intervals).rows() for of, one in seen]
        else:
            inside = [of.inside(BinnedFrame.of(one, edges), edges, resolved) for of, one in seen]
        assert_equal_arrays(*inside)


def assert_equal_arrays(one, other):
    """Equal in every field, to the bit."""
    for name in (field.name for field in fields(one)):
        a, b = getattr(one, name), getattr(other, name)
        if is_dataclass(a) and not isinstance(a, ComponentSizes):
            assert_equal_arrays(a, b)
        else:
            assert np.array_equal(a, b), name


def test_each_pass_reads_each_frame_once():
    rng = np.random.default_rng(0)
    frames = [(rng.random((8, 8)), rng.integers(0, 2, (8, 8))) for _ in range(4)]
    read = []

    class Reading:
        def __iter__(self):
            for index, frame in enumerate(frames):
                read.append(index)
                yield frame

    again = evaluate(Reading(), "mdm_f1@0.3,mdm_siou@0.2")
    assert read == [0, 1, 2, 3] * 2
    exact = evaluate(iter(frames), "mdm_f1@0.3,mdm_siou@0.2")
    assert again.numbers["mdm_siou@0.2"].interval == exact.numbers["mdm_siou@0.2"].interval


def test_a_measure_that_cannot_be_refined_sees_every_score():
    class Scores(Measure):
        key = "scores"

        def compute(self, sweeps):
            return sweeps.pixels.rows().scores.size

    frames = [(np.arange(64).reshape(8, 8) / 64, np.eye(8, dtype=int))]
    assert evaluate(frames, [Scores()])["scores"] == 64


@examples(100)
@given(small_frames(), st.sampled_from(["f1", "siou", "mean_f1"]))
def test_a_curve_beyond_its_memory_has_bounds(frames, metric):
    scores, target = [s for s, _ in frames], [t for _, t in frames]
    exact = threshold_curve(scores, target, metric=metric)
    rough = threshold_curve(iter(scores), iter(target), metric=metric, memory=0)
    at = np.searchsorted(rough.breakpoints, exact.breakpoints, side="right") - 1
    assert (rough.low[at] <= exact.values + 1e-12).all()
    assert (rough.high[at] >= exact.values - 1e-12).all()
    low, high = rough.margin(0.3).bracket
    assert low <= exact.margin(0.3).value <= high


@pytest.mark.parametrize(
    "edges",
    [unit_edges(8), unit_edges(1), np.array([0.5]), np.array([-1e308, 0.25, 1e308]),
     np.array([0.25, np.nextafter(0.25, 1), 0.5]), np.array([0.0, 5e-324, 1e-300, 0.5])],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint32"])
def test_counting_by_cell_equals_reducing_a_sweep(edges, dtype):
    rng = np.random.default_rng(1)
    scores = rng.choice([*edges, *np.nextafter(edges, 9), -2, 3, 0.1, 0.25, -0.0], (20, 20))
    if dtype == "uint32":
        scores = scores.clip(0, 1) * (2**32 - 1)
    scores = scores.clip(-6e4, 6e4).astype(dtype)
    target = rng.choice([0, 1, 255], scores.shape)
    frame = Frame(scores, target)
    exact = PixelBins.of(PixelStatistic().of(frame), edges)
    counted = PixelBins.of_frame(BinnedFrame.of(frame, edges))
    np.testing.assert_array_equal(counted.counts, exact.counts)
    assert (counted.least <= exact.least).all()
    assert (counted.greatest >= exact.greatest).all()
    assert counted.as_groups().extremes == exact.as_groups().extremes


def test_undefined_numbers_have_no_bracket_and_fit_into_json():
    frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    found = compare({"m": frames}, metrics="ppv@z=0.95,f1@z=0.5", memory=0)
    assert found["m"]["ppv@z=0.95"] is None
    assert found["m"].numbers["ppv@z=0.95"].bracket is None
    assert '"ppv@z=0.95_bracket": null' in found.to_text("json")
