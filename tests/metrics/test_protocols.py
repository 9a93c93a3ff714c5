"""Protocols: each convention changes a number, and the numbers are those of the literal loops."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import Frame, InputError, compare, evaluate
from mdmkit.core.transforms import HalfPrecision, QuantileBins
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.metrics.protocols import PROTOCOLS
from mdmkit.metrics.protocols.maskomaly_release import fpr_beyond_tpr
from mdmkit.statistics.pixels import PixelCounts
from tests.conftest import examples, small_frames
from tests.reference import brute, release, smiyc

RANKING = "ap,auroc,fpr95,best_f1"
COMPONENTS = "siou_gt,ppv,mean_f1"


def both(frames, metrics, protocol, **options):
    """The exact numbers and those of a protocol."""
    return (evaluate(frames, metrics, protocol=name, **options) for name in ("exact", protocol))


def row(scores, target):
    return [(np.array([scores]), np.array([target]))]


def scene(seed, shape=(60, 80), dtype=np.float32):
    """A drawn frame with more pixels than bins, and an ignored corner."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    for _ in range(4):
        y, x = (int(rng.integers(0, side - 12)) for side in shape)
        target[y : y + rng.integers(3, 12), x : x + rng.integers(3, 12)] = 1
    scores = 0.35 * rng.random(shape) + 0.35 * target + 0.3 * rng.random(shape) ** 3
    target[-9:, -9:] = 255
    return scores.astype(dtype), target


# --------------------------------------------------------------------------------------- smiyc


@examples(150)
@given(small_frames())
def test_pixel_numbers_are_those_of_the_literal_curve(frames):
    result = evaluate(frames, RANKING, protocol="smiyc")
    if result["ap"] is None:  # no normal pixel
        return
    frames = [(brute.world(*frame)[0], frame[1]) for frame in frames if (frame[1] != 255).any()]
    points = smiyc.curve(frames)
    f1, z = smiyc.best(points)
    assert result["ap"] == pytest.approx(smiyc.ap(points), abs=1e-12)
    assert result["fpr95"] == smiyc.fpr95(points)
    assert (result["best_f1"], result.numbers["best_f1"].threshold) == (f1, float(np.float16(z)))
    assert result.numbers["best_f1"].all_predicted is False


@pytest.mark.parametrize("sizes", [(0, 0), (8, 5)])
def test_component_numbers_are_those_of_the_strict_prediction_at_the_best_edge(sizes):
    frames = [scene(seed) for seed in range(5)]
    min_prediction, min_target = sizes
    options = {"min_prediction": min_prediction, "min_target": min_target}
    result = evaluate(frames, f"best_f1,{COMPONENTS}", protocol="smiyc", **options)
    _, z = smiyc.best(smiyc.curve(frames))
    masks = [(smiyc.prediction(s, z).astype(np.float32), t) for s, t in frames]
    world = [brute.world(*mask) for mask in masks]
    assert result["siou_gt"] == pytest.approx(brute.siou(world, 0.5, **options), abs=1e-12)
    assert result["ppv"] == pytest.approx(brute.ppv(world, 0.5, **options), abs=1e-12)
    assert result["mean_f1"] == pytest.approx(brute.mean_f1(world, 0.5, **options), abs=1e-12)


def test_bins_move_average_precision():
    rng = np.random.default_rng(0)  # 1,500 anomalous pixels in 384 bins, in float16 already
    target = np.repeat([0, 1], [4000, 1500])
    frames = row((0.4 * target + 0.6 * rng.random(5500)).astype(np.float16), target)
    exact, binned = both(frames, "ap,fpr95", "smiyc")
    assert 0 < abs(exact["ap"] - binned["ap"]) < 0.01
    assert 0 < abs(exact["fpr95"] - binned["fpr95"]) < 0.01


def test_average_precision_is_exact_where_every_anomalous_pixel_is_an_edge():
    scores, target = scene(0)  # fewer than 384 anomalous pixels: precision is exact at each
    exact, binned = both([(scores.astype(np.float16), target)], "ap,auroc", "smiyc")
    assert exact["ap"] == pytest.approx(binned["ap"], abs=1e-15)
    assert exact["auroc"] != binned["auroc"]


def test_few_pixels_are_binned_at_each_score():
    frames = row(np.float16([0.1, 0.2, 0.3, 0.7, 0.8]), [0, 0, 1, 0, 1])
    exact, binned = both(frames, "ap,auroc,fpr95", "smiyc")
    assert exact.numbers == binned.numbers


def test_scores_are_rounded_to_float16():
    # 0.5 + 2^-13 rounds to 0.5: the two pixels tie
    frames = row(np.float32([0.1, 0.5, 0.5 + 2**-13]), [0, 0, 1])
    exact, rounded = both(frames, "ap", "smiyc")
    assert (exact["ap"], rounded["ap"]) == (1.0, 0.5)


def test_the_component_prediction_is_strict_where_the_curve_is_not():
    # best F1 is that of the pixels >= 0.5; the prediction > 0.5 loses the second component
    scores, target = np.float16([0.75, 0.25, 0.5, 0.25]), [1, 0, 1, 0]
    exact, strict = both(row(scores, target), "best_f1,siou_gt,ppv,mean_f1", "smiyc")
    assert (exact["best_f1"], strict["best_f1"]) == (1.0, 1.0)
    assert (exact.numbers["best_f1"].threshold, strict.numbers["best_f1"].threshold) == (0.25, 0.5)
    assert (exact["siou_gt"], strict["siou_gt"]) == (1.0, 0.5)
    assert (exact["mean_f1"], strict["mean_f1"]) == (1.0, 2 / 3)


def test_the_threshold_is_rounded_to_float16():
    # quantiles fall between scores: the best edge rounds up to a float16 that two pixels have,
    # and the strict prediction loses them
    rng = np.random.default_rng(1)
    level = np.concatenate([rng.integers(0, 600, 385), rng.integers(300, 900, 385)])
    scores, target = 0.5 + level * 2.0**-11, np.repeat([0, 1], 385)
    result = evaluate(row(scores, target), "best_f1,siou_gt", protocol="smiyc")
    _, z = smiyc.best(smiyc.curve(row(scores, target)))
    rounded = float(np.float16(z))
    assert (z < rounded, int((scores == rounded).sum())) == (True, 2)
    assert result.numbers["best_f1"].threshold == rounded
    at = evaluate(row(scores, target), [f"siou@z={z!r}", f"siou@z={rounded!r}"])
    assert at[f"siou@z={z!r}"] != at[f"siou@z={rounded!r}"]
    assert result["siou_gt"] == at[f"siou@z={rounded!r}"]


def test_edges_are_those_of_each_frame():
    # pooling exact scores is not pooling each frame's bins
    frames = [scene(1), scene(2)]
    merged = [tuple(np.vstack(parts) for parts in zip(*frames, strict=True))]
    apart, together = (evaluate(f, "ap", protocol="smiyc")["ap"] for f in (frames, merged))
    assert apart != together
    assert apart == pytest.approx(smiyc.ap(smiyc.curve(frames)), abs=1e-12)


def test_frames_without_anomalies_or_valid_pixels_join_the_curve():
    scores, target = scene(4)
    frames = [
        (scores, target), (scores, np.zeros_like(target)), (scores, np.full_like(target, 255))
    ]  # fmt: skip
    result = evaluate(frames, "ap,fpr95", protocol="smiyc")
    assert result["ap"] == pytest.approx(smiyc.ap(smiyc.curve(frames[:2])), abs=1e-12)


def test_scores_beyond_float16_are_refused_with_the_way_out():
    with pytest.raises(InputError, match=r"up to 65504.*smiyc.*found 70000\.0.*protocol exact"):
        evaluate(row(np.float32([0, 7e4]), [0, 1]), "ap", protocol="smiyc")
    assert evaluate(row(np.float32([0, 7e4]), [255, 1]), "ap")["ap"] is None


def test_ignored_pixels_may_hold_anything():
    scores = np.float32([[0.2, 0.8, np.inf, np.nan, 1e9]])
    result = evaluate([(scores, [[0, 1, 255, 255, 255]])], "ap,best_f1", protocol="smiyc")
    assert result["ap"] == result["best_f1"] == 1.0


def test_unbounded_scores_have_a_curve():
    frames = row(np.float16([-27.0, -3.5, 2.0, -1.5]), [0, 0, 1, 1])
    result = evaluate(frames, "ap,best_f1", protocol="smiyc")
    assert (result["ap"], result.numbers["best_f1"].threshold) == (1.0, -1.5)


def test_margins_and_fixed_thresholds_stay_exact():
    exact, other = both([scene(5)], "mdm_f1@0.5,f1@z=0.5,siou@z=0.5", "smiyc")
    assert exact.numbers == other.numbers


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
def test_a_normaliser_leaves_the_curve_alone(aggregate):
    frames = [scene(seed) for seed in range(3)]
    options = {"aggregate": aggregate, "protocol": "smiyc"}
    metrics = f"{RANKING},{COMPONENTS}"
    plain = evaluate(frames, metrics, **options)
    assert plain.numbers == evaluate(frames, metrics, normalize="rank", **options).numbers


@pytest.mark.parametrize("protocol", ["smiyc", "maskomaly-release"])
def test_beyond_memory_brackets_hold_and_a_second_pass_is_exact(protocol):
    metrics = f"{RANKING},{COMPONENTS},mdm_f1@0.3,ap@band=2"
    frames = [scene(seed) for seed in range(4)]
    exact = evaluate(frames, metrics, protocol=protocol)
    once = evaluate(iter(frames), metrics, protocol=protocol, memory=1)
    twice = evaluate(frames, metrics, protocol=protocol, memory=1)
    brackets = {k: n.bracket for k, n in once.numbers.items() if n.bracket and k != "best_f1"}
    assert len(brackets) >= 7
    for key, (low, high) in brackets.items():
        assert low - 1e-9 <= exact[key] <= high + 1e-9
    for key in ("best_f1", "siou_gt", "ppv", "mean_f1", "mdm_f1@0.3"):
        assert twice[key] == exact[key]


@pytest.mark.parametrize("protocol", ["smiyc", "maskomaly-release"])
def test_brackets_hold_where_a_few_cells_have_all_scores(protocol):
    metrics = f"{RANKING},{COMPONENTS},ap@band=2"
    for seed in range(12):
        frames = [(2**-13 * s, t) for s, t in (scene(seed), scene(seed + 50))]
        exact = evaluate(frames, metrics, protocol=protocol)
        once = evaluate(iter(frames), metrics, protocol=protocol, memory=1)
        wide = 0
        for key, number in once.numbers.items():
            low, high = number.bracket or (exact[key], exact[key])
            assert low - 1e-9 <= exact[key] <= high + 1e-9, (seed, key)
            wide += high > low
        assert wide >= 3


def test_shards_merge_to_the_whole():
    frames = [scene(seed) for seed in range(3)]
    evaluation = Evaluation(f"{RANKING},{COMPONENTS},ap@band=2", protocol="smiyc")
    for frame in reversed(frames):
        evaluation.update(Frame(*frame))
    assert evaluation.result() == evaluate(
        frames, f"{RANKING},{COMPONENTS},ap@band=2", protocol="smiyc"
    )


@pytest.mark.parametrize("dtype", ["float16", "uint8", "float64"])
def test_changes_of_scores_keep_their_order_and_never_raise_them(dtype):
    scores, target = scene(6)
    scores = np.round(scores * 255).astype(dtype) if dtype == "uint8" else scores.astype(dtype)
    frame = Frame(scores, target)
    half = HalfPrecision()(frame).scores[frame.valid].astype(float)
    binned = QuantileBins()(frame).scores[frame.valid]
    assert (binned <= half).all()
    order = np.argsort(half, kind="stable")
    assert (np.diff(binned[order]) >= 0).all()
    assert set(binned) <= set(QuantileBins().edges(HalfPrecision()(frame)).tolist())


# ----------------------------------------------------------------------------- maskomaly-release


@examples(60)
@given(small_frames(most=2), st.sampled_from([0.0, 0.3, 0.5, 0.7]))
def test_margins_are_those_of_the_literal_loop(frames, t_margin):
    key = f"mdm_f1@{t_margin}"
    result = evaluate(frames, key, protocol="maskomaly-release")
    parts = [brute.world(*frame) for frame in frames]
    scores = np.concatenate([s[valid] for s, _, valid in parts])
    anomalous = np.concatenate([a[valid] for _, a, valid in parts])
    assert result[key] == release.run_length(scores, anomalous, t_margin)


@pytest.mark.parametrize("t_margin", [0.3, 0.5])
def test_a_comparison_equals_the_literal_loop(t_margin):
    frames = [scene(seed) for seed in range(2)]
    key = f"mdm_f1@{t_margin}"
    found = compare({"a": frames}, metrics=["fpr95", key], protocol="maskomaly-release")["a"]
    scores = np.concatenate([s[t != 255] for s, t in frames])
    anomalous = np.concatenate([t[t != 255] == 1 for _, t in frames])
    expected = release.run_length(scores, anomalous, t_margin)
    assert found[key] == expected
    assert expected > 0
    assert found["fpr@tpr>0.9"] == release.fpr_beyond(scores, anomalous)
    low, high = found.numbers[key].interval
    assert high - low == pytest.approx(expected, abs=1e-12)


def test_a_run_of_thresholds_is_not_the_width_of_the_range():
    # F1 is 1 on [0.25, 0.7505); of the grid it is so at 0.251, ..., 0.750 where A >= z
    frames = row(np.float64([0.25, 0.7505]), [0, 1])
    exact, run = both(frames, "mdm_f1@0.7", "maskomaly-release")
    assert exact["mdm_f1@0.7"] == 0.5005
    assert run["mdm_f1@0.7"] == 0.5
    assert run.numbers["mdm_f1@0.7"].interval == (0.251, 0.751)
    assert run.numbers["mdm_f1@0.7"].resolution == 0.001


def test_the_score_of_a_threshold_is_predicted():
    # at z = 0.5 the pixel of 0.5 is predicted, so that 0.5 itself passes: 0.001 ... 0.500
    frames = row(np.float32([0.0, 0.5]), [0, 1])
    assert evaluate(frames, "mdm_f1@0.7", protocol="maskomaly-release")["mdm_f1@0.7"] == 0.501
    lower = row(np.float32([0.0, 0.4999]), [0, 1])
    assert evaluate(lower, "mdm_f1@0.7", protocol="maskomaly-release")["mdm_f1@0.7"] == 0.5


def test_thresholds_are_float32():
    # the float32 0.7 is below the double 0.7, and equals the threshold all the same
    frames = row(np.float32([0.0, 0.7]), [0, 1])
    assert evaluate(frames, "mdm_f1@0.7", protocol="maskomaly-release")["mdm_f1@0.7"] == 0.701


def test_a_score_of_zero_is_never_predicted():
    # with the zeros predicted at z = 0, F1 would be 1 there
    frames = row(np.float32([0.0, 0.0]), [1, 1])
    assert evaluate(frames, "mdm_f1@0.7", protocol="maskomaly-release")["mdm_f1@0.7"] == 0.0


def test_one_is_no_threshold():
    frames = row(np.float32([0.0, 1.0]), [0, 1])
    result = evaluate(frames, "mdm_f1@0.7", protocol="maskomaly-release")
    assert (result["mdm_f1@0.7"], result.numbers["mdm_f1@0.7"].interval) == (1.0, (0.0, 1.0))


def test_a_metric_that_equals_t_does_not_pass():
    # up to 0.25 everything is predicted: F1 = 2 / 3; up to 0.75 one anomalous pixel: 2 / 3; then 0
    frames = row(np.float32([0.5, 0.75, 0.5, 0.25]), [1, 1, 0, 0])
    at = [f"mdm_f1@{t!r}" for t in (2 / 3, 0.66)]
    equal, below = (evaluate(frames, key, protocol="maskomaly-release")[key] for key in at)
    assert equal == 0.25  # 0.251 ... 0.500, where F1 is 4 / 5
    assert below == 0.751


def test_nothing_passes_without_an_interval():
    frames = row(np.float32([0.9, 0.1, 0.2]), [0, 1, 0])
    result = evaluate(frames, "mdm_f1@0.7", protocol="maskomaly-release")
    assert (result["mdm_f1@0.7"], result.numbers["mdm_f1@0.7"].interval) == (0.0, None)


def test_the_rate_is_taken_beyond_ninety_percent_and_named_so():
    scores = np.linspace(1, 0, 40)
    target = np.array([1] * 18 + [0] * 10 + [1] * 2 + [0] * 10)  # TPR 0.9 at FPR 0
    exact, other = both(row(scores, target), "fpr95", "maskomaly-release")
    assert exact["fpr95"] == 0.5
    assert "fpr95" not in other
    assert other["fpr@tpr>0.9"] == release.fpr_beyond(scores, target == 1) == 0.5
    assert evaluate(row(scores, target), "fpr@tpr=0.9")["fpr@tpr=0.9"] == 0.0


def test_points_on_one_line_of_the_roc_curve_are_passed_over():
    # one anomalous and one normal pixel at each of 20 scores: the first vertex is the last point
    scores = np.repeat(np.arange(20) / 20, 2)
    target = np.tile([0, 1], 20)
    sweep = PixelCounts.of(Frame([scores], [target]))
    assert fpr_beyond_tpr(sweep, 0.9) == release.fpr_beyond(scores, target == 1) == 1.0
    assert evaluate(row(scores, target), "fpr@tpr=0.91")["fpr@tpr=0.91"] == 0.95


@examples(150)
@given(small_frames(), st.sampled_from([0.5, 0.9]))
def test_the_rate_is_that_of_scikit_learn(frames, tpr):
    sweep = PixelCounts.merged([PixelCounts.of(Frame(*frame)) for frame in frames])
    parts = [brute.world(*frame) for frame in frames]
    scores = np.concatenate([s[valid] for s, _, valid in parts])
    anomalous = np.concatenate([a[valid] for _, a, valid in parts])
    if anomalous.all():
        assert np.isnan(fpr_beyond_tpr(sweep, tpr))
    else:
        assert fpr_beyond_tpr(sweep, tpr) == release.fpr_beyond(scores, anomalous, tpr)


def test_ranking_and_component_numbers_stay_exact():
    metrics = f"ap,auroc,best_f1,fpr@tpr=0.9,{COMPONENTS}"
    exact, other = both([scene(7)], metrics, "maskomaly-release")
    assert exact.numbers == other.numbers


# ------------------------------------------------------------------------------ how they are said


@pytest.mark.parametrize("protocol", list(PROTOCOLS))
def test_the_protocol_is_recorded(protocol):
    comparison = compare({"a": [scene(8)]}, metrics="ap,mdm_f1@0.3", protocol=protocol)
    assert comparison.settings["protocol"] == protocol
    assert comparison["a"].settings["protocol"] == protocol
    for form in ("table", "markdown", "latex"):
        text = " ".join(comparison.to_text(form).split()).casefold()
        assert (f"protocol {protocol}" in text) is (protocol != "exact")
    assert json.loads(comparison.to_text("json-long"))[0]["protocol"] == protocol
    assert f",{protocol}" in comparison.to_text("csv")


def test_unknown_protocols_are_refused():
    for wrong in ("smyic", None, 3):
        with pytest.raises(InputError, match="expected one of exact, smiyc, maskomaly-release"):
            evaluate([scene(0)], "ap", protocol=wrong)


# ------------------------------------------------------------------------------------ real frames


@pytest.mark.parametrize("method", ["espnetv2-entropy", "espnetv2-maxlogit"])
def test_real_frames_have_the_numbers_of_the_literal_curve(real_frames, method):
    from mdmkit.io import read_mask, read_scores

    folder = real_frames / "scores" / method
    frames = []
    for path in sorted(folder.glob("*.hdf5"))[:2]:
        target = read_mask(real_frames / "frames" / f"{path.stem}.labels" / "labels_semantic.png")
        frames.append((read_scores(path)[::4, ::4], target[::4, ::4]))
    result = evaluate(frames, RANKING, protocol="smiyc", anomaly_label=2)
    points = smiyc.curve(frames, anomaly=2)
    f1, z = smiyc.best(points)
    assert result["ap"] == pytest.approx(smiyc.ap(points), abs=1e-12)
    assert result["fpr95"] == smiyc.fpr95(points)
    assert (result["best_f1"], result.numbers["best_f1"].threshold) == (f1, float(np.float16(z)))
