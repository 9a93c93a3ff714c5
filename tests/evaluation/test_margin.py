"""mdm and threshold_curve: hand-drawn maps, then brute force on thousands of random ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mdmkit import F1, PPV, FBeta, IoU, MeanF1, SIoU, count_metric, mdm, threshold_curve
from mdmkit.metrics import ComponentMetric
from tests.conftest import examples, small_frames
from tests.reference import brute

METRICS = list(brute.METRICS)
COMPONENT = {"siou": SIoU, "ppv": PPV, "mean_f1": MeanF1}


def split(frames):
    return [scores for scores, _ in frames], [target for _, target in frames]


def test_margin_of_a_perfect_map_is_the_gap():
    # every z in [0.25, 0.75) separates the two classes; below, F1 = 2/3
    m = mdm([[0.25, 0.75]], [[0, 1]], t_margin=0.7)
    assert (m.value, m.interval, m.threshold) == (0.5, (0.25, 0.75), 0.5)
    assert float(m) == 0.5
    assert m.bracket == (0.5, 0.5)
    assert (m.t_margin, m.metric) == (0.7, "f1")


def test_margin_includes_the_last_step_only_where_the_metric_passes_there():
    assert mdm([[0.25, 0.75]], [[0, 1]], 0.5, metric="recall").interval == (0.0, 0.75)
    assert mdm([[0.25, 1.0]], [[0, 1]], 0.9).interval == (0.25, 1.0)


def test_margin_is_zero_without_interval_where_nothing_passes():
    m = mdm([[0.75, 0.25]], [[0, 1]], t_margin=0.7)
    assert (m.value, m.interval, m.threshold) == (0.0, None, None)


def test_required_quality_is_exceeded_strictly():
    # F1 is exactly 2/3 below 0.25
    tie = 2 / 3
    assert mdm([[0.25, 0.75]], [[0, 1]], tie).interval == (0.25, 0.75)
    assert mdm([[0.25, 0.75]], [[0, 1]], np.nextafter(tie, 0)).interval == (0.0, 0.75)


def test_of_equally_long_runs_the_lower_one_counts():
    # passes where exactly three or one pixels are predicted: on [0, 0.25) and on [0.5, 0.75)
    scores, target = [[0.25, 0.5, 0.75]], [[1, 0, 1]]
    m = mdm(scores, target, 0.5, metric=lambda p, t: float(p.sum() in (3, 1)))
    assert m.interval == (0.0, 0.25)


def test_prediction_compares_in_exact_arithmetic():
    # the float32 0.3 is greater than the double 0.3
    curve = threshold_curve(np.float32([[0.3, 0.0]]), [[1, 0]])
    assert curve(0.3) == 1.0
    assert threshold_curve(np.array([[0.3, 0.0]]), [[1, 0]])(0.3) == 0.0


def test_negative_zero_is_zero():
    curve = threshold_curve(np.array([[-0.0, 0.0, 0.5]]), [[0, 0, 1]])
    assert curve.breakpoints.tolist() == [0.0, 0.5]
    assert mdm(np.array([[-0.0, 0.5]]), [[0, 1]], 0.5).interval == (0.0, 0.5)


def test_empty_prediction_has_no_precision_and_passes_nothing():
    curve = threshold_curve([[0.5, 0.25]], [[1, 0]], metric="precision")
    assert np.isnan(curve(0.5))
    assert curve.margin(0.0).interval == (0.0, 0.5)


def test_curve_takes_arrays_and_refuses_thresholds_outside_the_unit_interval():
    curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    assert curve([0.0, 0.25, 0.6, 1.0]).tolist() == [0.8, 1.0, 2 / 3, 0.0]
    with pytest.raises(ValueError, match=r"z: expected thresholds in \[0, 1\]"):
        curve(1.5)


def test_several_t_give_a_tuple_in_their_order():
    margins = mdm([[0.25, 0.75]], [[0, 1]], [0.9, 0.5, 0.1])
    assert [m.t_margin for m in margins] == [0.9, 0.5, 0.1]
    assert [m.value for m in margins] == [0.5, 0.75, 0.75]


@examples(1500)
@given(small_frames(), st.sampled_from(METRICS), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.6, 0.75]))
def test_margin_agrees_with_brute_force(frames, metric, t):
    m = mdm(*split(frames), t, metric=metric)
    value, interval = brute.margin([brute.world(*f) for f in frames], t, metric)
    assert (m.value, m.interval) == (value, interval)


@examples(1500)
@given(
    small_frames(), st.sampled_from(list(COMPONENT)), st.integers(0, 6), st.integers(0, 5),
    st.sampled_from([0.0, 0.2, 0.5]),
)  # fmt: skip
def test_margin_agrees_with_brute_force_whatever_the_sizes(frames, metric, prediction, target, t):
    world = [brute.world(*f) for f in frames]
    sizes = {"min_prediction": prediction, "min_target": target}
    if not brute.components(world, 0.0, 0, target)[0]:
        with pytest.raises(ValueError, match="min_target: expected a ground-truth component"):
            mdm(*split(frames), t, metric=COMPONENT[metric](**sizes))
        return
    m = mdm(*split(frames), t, metric=COMPONENT[metric](**sizes))
    assert (m.value, m.interval) == brute.margin(world, t, metric, **sizes)
    assert (m.min_prediction, m.min_target) == (prediction, target)


@examples(500)
@given(small_frames(), st.sampled_from(METRICS))
def test_curve_equals_brute_force_to_the_last_bit(frames, metric):
    world = [brute.world(*f) for f in frames]
    curve = threshold_curve(*split(frames), metric=metric)
    z = brute.steps(world)
    np.testing.assert_array_equal(curve(z), brute.curve(world, metric))


@examples(300)
@given(small_frames(), st.sampled_from(METRICS), st.randoms())
def test_order_of_frames_does_not_matter(frames, metric, random):
    shuffled = list(frames)
    random.shuffle(shuffled)
    assert mdm(*split(frames), 0.3, metric=metric) == mdm(*split(shuffled), 0.3, metric=metric)


@examples(300)
@given(small_frames(most=1), st.sampled_from(METRICS))
def test_flipping_or_transposing_changes_nothing(frames, metric):
    ((scores, target),) = frames
    m = mdm(scores, target, 0.3, metric=metric)
    assert m == mdm(scores[::-1], target[::-1], 0.3, metric=metric)
    assert m == mdm(scores.T, target.T, 0.3, metric=metric)


@examples(300)
@given(small_frames(most=1), st.sampled_from(["f1", "iou", "precision", "recall"]))
def test_ignoring_equals_deleting(frames, metric):
    ((scores, target),) = frames
    valid = target != 255
    kept = mdm(scores[valid][None], target[valid][None], 0.3, metric=metric)
    assert mdm(scores, target, 0.3, metric=metric) == kept


@examples(300)
@given(small_frames(), st.sampled_from(METRICS))
def test_margin_falls_as_t_rises(frames, metric):
    values = [m.value for m in mdm(*split(frames), [0.0, 0.2, 0.4, 0.6, 0.8], metric=metric)]
    assert all(0 <= low <= high <= 1 for high, low in pairwise(values))


@examples(300)
@given(small_frames())
@example([(np.array([[0.5]]), np.array([[1]]))])
def test_callable_on_masks_agrees_with_the_count_metric(frames):
    ((scores, target),) = frames[:1]

    def overlap(prediction, truth):
        union = (prediction | truth).sum()
        return (prediction & truth).sum() / union if union else np.nan

    mine = mdm(scores, target, 0.3, metric=overlap)
    assert (mine.value, mine.interval) == brute.margin([brute.world(scores, target)], 0.3, "iou")
    assert mine.bracket == (mine.value, mine.value)
    assert mine.metric == "overlap"


def test_callable_with_many_steps_is_sampled_and_says_so():
    rng = np.random.default_rng(0)
    scores, target = rng.random((40, 40)), rng.random((40, 40)) < 0.5
    m = mdm(scores, target, 0.1, metric=lambda p, t: (p & t).sum() / (p | t).sum())
    assert m.bracket is None
    assert m.resolution == 0.001
    assert m.value == pytest.approx(mdm(scores, target, 0.1, metric="iou").value, abs=0.002)


def test_callable_averages_over_frames_where_it_is_defined():
    scores = [np.array([[0.5, 0.25]]), np.array([[0.5, 0.25]])]
    target = [np.array([[1, 0]]), np.array([[0, 0]])]
    curve = threshold_curve(
        scores, target, metric=lambda p, t: p.sum() / t.sum() if t.sum() else np.nan
    )
    assert curve([0.0, 0.3]).tolist() == [2.0, 1.0]


def test_count_metric_takes_one_function():
    @count_metric
    def accuracy(tp, fp, fn, tn):
        return (tp + tn) / (tp + fp + fn + tn)

    m = mdm([[0.25, 0.75]], [[0, 1]], 0.5, metric=accuracy)
    assert (m.interval, m.metric) == ((0.25, 0.75), "accuracy")


def test_count_metric_may_divide_by_zero_silently():
    m = mdm([[0.5, 0.5]], [[1, 0]], 0.2, metric=count_metric(lambda tp, fp, fn, tn: tp / (tp + fp)))
    assert m.interval == (0.0, 0.5)


def test_metrics_are_given_by_name_class_or_object():
    for metric in ("f1", F1, F1(), FBeta(1)):
        assert mdm([[0.25, 0.75]], [[0, 1]], 0.7, metric=metric).interval == (0.25, 0.75)
    assert mdm([[0.25, 0.75]], [[0, 1]], 0.5, metric=IoU).interval == (0.25, 0.75)


def test_f_beta_weighs_recall():
    # z = 0: TP 1, FP 3, FN 0: F2 = 5/8, F0.5 = 1.25/(1.25 + 3)
    curve = threshold_curve([[0.5, 0.5, 0.5, 0.5]], [[1, 0, 0, 0]], metric=FBeta(2))
    assert curve(0) == 5 / 8
    half = threshold_curve([[0.5, 0.5, 0.5, 0.5]], [[1, 0, 0, 0]], metric=FBeta(0.5))
    assert half(0) == 1.25 / 4.25


def test_sizes_are_in_the_repr():
    m = mdm([[0.25, 0.75]], [[0, 1]], 0.5, metric=SIoU(min_prediction=1, min_target=1))
    assert "min_prediction=1, min_target=1" in repr(m)
    assert "min_prediction=0, min_target=0" in repr(SIoU())
    assert "min_prediction=0, min_target=0" in repr(
        threshold_curve([[0.25, 0.75]], [[0, 1]], metric="siou")
    )


def test_per_image_is_the_mean_over_images_with_a_target():
    scores = [[[0.25, 0.75]], [[0.5, 0.75]], [[0.5, 0.75]]]
    target = [[[0, 1]], [[0, 1]], [[0, 0]]]
    m = mdm(np.array(scores), np.array(target), 0.7, aggregate="per_image")
    assert (m.value, m.interval, m.threshold) == (0.375, None, None)
    assert (m.images.values, m.images.undefined) == ((0.5, 0.25), 1)


@examples(200)
@given(small_frames(), st.sampled_from(["minmax", "sigmoid", "rank"]), st.sampled_from(METRICS))
def test_normalised_margin_equals_that_of_normalised_maps(frames, kind, metric):
    world = [brute.world(*f) for f in frames]
    valid = np.concatenate([scores[keep] for scores, _, keep in world])
    if kind == "minmax" and valid.min() == valid.max():
        return
    maps = {
        "minmax": lambda a: (a - valid.min()) / (valid.max() - valid.min()),
        "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
        "rank": lambda a: (valid < a[..., None]).sum(axis=-1) / valid.size,
    }
    normalised = [(maps[kind](scores), truth, keep) for scores, truth, keep in world]
    m = mdm(*split(frames), 0.3, metric=metric, normalize=kind)
    value, interval = brute.margin(normalised, 0.3, metric)
    assert m.value == pytest.approx(value, abs=1e-12)
    assert m.interval == (pytest.approx(interval, abs=1e-12) if interval else None)


@dataclass(frozen=True)
class Found(ComponentMetric):
    """Share of the targets with sIoU >= 0.5."""

    name = "found"

    def part(self, sweep):
        return sweep.hits

    def values(self, totals, targets):
        return totals[..., 5] / targets


def test_a_component_metric_of_one_s_own_has_the_margin_of_its_curve():
    scores = [[0.9, 0.9, 0.1, 0.2, 0.6, 0.1]]
    target = [[1, 1, 0, 0, 1, 0]]
    # from z = 0.1 on they stand apart; the second is found up to 0.6, the first up to 0.9
    assert mdm(scores, target, 0.75, metric=Found()).interval == (0.1, 0.6)
    assert mdm(scores, target, 0.25, metric=Found()).interval == (0.1, 0.9)
    assert threshold_curve(scores, target, Found()).margin(0.75).interval == (0.1, 0.6)
