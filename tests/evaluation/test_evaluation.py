"""evaluate: names, sizes, aggregation, normalisers, what is undefined or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import FBeta, Frame, InputError, NoTargetError, evaluate, mdm
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.metrics.measures import MarginAt
from mdmkit.metrics.names import DEFAULT_NAMES
from tests.conftest import examples, small_frames
from tests.reference import brute


def test_default_is_every_metric_with_mdm_at_two_t():
    result = evaluate([([[0.1, 0.9, 0.2]], [[0, 1, 0]])])
    assert DEFAULT_NAMES == (
        "ap", "auroc", "fpr95", "best_f1", "siou_gt", "ppv", "mean_f1",
        "mdm_f1@0.5", "mdm_siou@0.5", "mdm_mean_f1@0.5",
        "mdm_f1@0.7", "mdm_siou@0.7", "mdm_mean_f1@0.7",
    )  # fmt: skip
    assert set(DEFAULT_NAMES) == set(result)
    assert result.numbers["mdm_f1@0.7"].interval == (0.2, 0.9)
    assert result.numbers["mdm_f1@0.7"].bracket == (result["mdm_f1@0.7"], result["mdm_f1@0.7"])


@examples(300)
@given(small_frames(), st.integers(0, 4), st.integers(0, 3))
def test_component_metrics_are_those_of_the_best_f1_prediction(frames, min_prediction, min_target):
    world = [brute.world(*frame) for frame in frames]
    sizes = {"min_prediction": min_prediction, "min_target": min_target}
    if not brute.components(world, 0, 0, min_target)[0]:
        return
    result = evaluate(frames, "best_f1,siou_gt,ppv,mean_f1", **sizes)
    if result["best_f1"] is None:  # no normal pixel
        assert result["siou_gt"] is None
        return
    z = -1.0 if result.numbers["best_f1"].all_predicted else result.numbers["best_f1"].threshold
    ppv = brute.ppv(world, z, **sizes)
    assert result["siou_gt"] == brute.siou(world, z, **sizes)
    assert result["mean_f1"] == brute.mean_f1(world, z, **sizes)
    assert result["ppv"] == (None if np.isnan(ppv) else ppv)


@examples(200)
@given(small_frames(), st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0]))
def test_numbers_at_a_fixed_threshold(frames, z):
    world = [brute.world(*frame) for frame in frames]
    names = ["f1", "iou", "precision", "recall", "siou", "mean_f1"]
    result = evaluate(frames, [f"{name}@z={z}" for name in names] + [f"fpr@z={z}"])
    for name in names:
        expected = brute.METRICS[name](world, z)
        assert result[f"{name}@z={z}"] == (None if np.isnan(expected) else expected)
    _, fp, _, tn = brute.counts(world, z)
    assert result[f"fpr@z={z}"] == (fp / (fp + tn) if fp + tn else None)


@examples(200)
@given(small_frames(), st.integers(1, 3))
def test_shards_merge_to_the_whole(frames, cut):
    whole = evaluate(frames)
    evaluation = Evaluation()
    contributions = [evaluation.contribution(Frame(*frame)) for frame in frames]
    for contribution in contributions[cut:] + contributions[:cut]:
        evaluation.add(contribution)
    assert evaluation.result() == whole


def test_counts_describe_the_frames():
    target = np.zeros((6, 6), np.uint8)
    target[0, 0] = target[4:, 4:] = 1
    target[2] = 255
    result = evaluate([(np.eye(6), target)], "ap", min_target=2)
    assert (result.frames, result.pixels, result.anomalous_pixels, result.components) == (
        1,
        30,
        5,
        1,
    )


def test_unbounded_scores_keep_ranking_metrics_and_lose_margins():
    frames = [([[-3.0, 2.0, 0.5]], [[0, 1, 0]])]
    result = evaluate(frames, "ap,mdm_f1@0.5,f1@z=0.7")
    assert (result["ap"], result["mdm_f1@0.5"]) == (1.0, None)
    assert result.numbers["mdm_f1@0.5"].interval is None
    assert result["f1@z=0.7"] == 1.0  # a threshold on raw scores needs no range
    assert (
        "expected values in [0, 1] or a normaliser, found -3.0 to 2.0"
        in result.refused["mdm_f1@0.5"]
    )
    with pytest.raises(InputError, match=r"expected values in \[0, 1\] or a normaliser"):
        evaluate(frames, "mdm_f1@0.5,mdm_siou@0.5")
    squeezed = evaluate(frames, "mdm_f1@0.7", normalize="minmax")
    assert squeezed.numbers["mdm_f1@0.7"].interval == (0.7, 1.0)


def test_ranking_and_best_f1_use_raw_scores_whatever_the_normaliser():
    frames = [([[-60.0, 60.0, 50.0]], [[0, 1, 0]])]  # the sigmoid makes 50 and 60 equal
    raw, squashed = (
        evaluate(frames, "ap,best_f1"),
        evaluate(frames, "ap,best_f1", normalize="sigmoid"),
    )
    assert raw.numbers == squashed.numbers
    assert dict(raw) == {"ap": 1.0, "best_f1": 1.0}
    assert raw.numbers["best_f1"].threshold == 50.0
    assert raw.numbers["best_f1"].all_predicted is False


@examples(200)
@given(small_frames(), st.sampled_from(["none", "minmax", "sigmoid", "rank"]))
def test_per_image_is_the_mean_over_images_where_defined(frames, normalize):
    names = ["ap", "ppv", "mdm_f1@0.3", "mdm_siou@0.3"]
    world = [brute.world(*frame) for frame in frames]
    valid = np.concatenate([scores[keep] for scores, _, keep in world])
    if normalize == "minmax" and valid.min() == valid.max():
        return
    result = evaluate(frames, names, aggregate="per_image", normalize=normalize)
    if normalize != "none":  # margins per image are checked against mdm
        margin = mdm(*zip(*frames, strict=True), 0.3, aggregate="per_image", normalize=normalize)
        assert result["mdm_f1@0.3"] == margin.value
        return
    for name in names:
        images = []
        for scores, target in frames:
            if (np.asarray(target) == 1).any():
                value = evaluate([(scores, target)], [name])[name]
                images += [value] if value is not None else []
        if images:
            assert result[name] == pytest.approx(np.mean(images), abs=1e-12)
        else:
            assert result[name] is None
        assert result.numbers[name].images.defined == len(images)
        assert result.numbers[name].images.undefined == len(frames) - len(images)


def test_per_image_normaliser_takes_its_constants_from_all_frames():
    frames = [([[0.0, 4.0]], [[0, 1]]), ([[0.0, 8.0]], [[0, 1]])]
    result = evaluate(frames, "mdm_f1@0.7", aggregate="per_image", normalize="minmax")
    assert result["mdm_f1@0.7"] == 0.75  # 0.5 and 1, not 1 and 1
    scores, target = zip(*frames, strict=True)
    margin = mdm(
        [np.array(s) for s in scores], [np.array(t) for t in target], 0.7,
        aggregate="per_image", normalize="minmax",
    )  # fmt: skip
    assert margin.value == 0.75


def test_iterator_cannot_be_read_twice():
    frames = iter([([[0.0, 4.0]], [[0, 1]])])
    with pytest.raises(InputError, match="expected a list, found an iterator"):
        evaluate(frames, "mdm_f1@0.7", aggregate="per_image", normalize="minmax")


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
@pytest.mark.parametrize(
    "name", ["ap", "auroc", "fpr95", "best_f1", "f1@z=0.5", "ap@band=3", "mdm_f1@0.5", "siou_gt"]
)
def test_nothing_to_detect_is_an_error_for_whatever_needs_anomalies(name, aggregate):
    frames = [([[0.1, 0.9]], [[0, 0]])]
    with pytest.raises(NoTargetError, match="expected at least one anomalous pixel, found none"):
        evaluate(frames, ["fpr@z=0.5", name], aggregate=aggregate)
    assert evaluate(frames, "fpr@z=0.5")["fpr@z=0.5"] == 0.5


def test_an_image_without_anomalies_is_undefined():
    frames = [([[0.1, 0.9]], [[0, 0]]), ([[0.1, 0.9]], [[0, 1]])]
    found = evaluate(frames, "ap", aggregate="per_image")
    assert found["ap"] == 1
    assert found.numbers["ap"].images.undefined == 1


def test_no_component_large_enough_is_an_error_for_component_metrics():
    frames = [(np.eye(3), np.eye(3, dtype=int))]
    with pytest.raises(InputError, match=r"at least 9 pixels, found none \(the largest has 3\)"):
        evaluate(frames, "siou_gt", min_target=9)
    assert evaluate(frames, "ap", min_target=9).components == 0


def test_measures_of_own_metrics():
    result = evaluate([([[0.25, 0.75]], [[0, 1]])], ["ap", MarginAt(FBeta(2), 0.9)])
    assert result.numbers["mdm_fbeta@beta=2@0.9"].interval == (0.25, 0.75)


def test_callable_with_a_normaliser_sees_normalised_masks():
    def all_right(prediction, target):
        return float((prediction == target).all())

    m = mdm([[-2.0, 2.0]], [[0, 1]], 0.5, metric=all_right, normalize="minmax")
    assert m.interval == (0.0, 1.0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mdm_f1", "say which T"),
        ("siou", "say which T"),
        ("nonsense", "found 'nonsense'"),
        ("mdm_f1@1.0", r"t_margin: expected a number in \[0, 1\), found 1.0"),
        ("mdm_f1@high", "expected a number after the sign"),
        ("f1@z=nan", "expected a number after the sign"),
        ("fpr@tpr=0", "expected a TPR in"),
        ("mdm_dice@0.5", "found 'mdm_dice@0.5'"),
        ("", "found none"),
    ],
)
def test_unknown_names_are_refused(name, message):
    with pytest.raises(InputError, match=message):
        evaluate([([[0.25, 0.75]], [[0, 1]])], name)


def test_t_is_spelled_one_way():
    result = evaluate([([[0.25, 0.75]], [[0, 1]])], "mdm_f1@.50,mdm_f1@0.5,f1@z=.3")
    assert set(result) == {"mdm_f1@0.5", "f1@z=0.3"}
