"""Thresholds under requirements: what is recommended, kept, taken elsewhere and checked."""

from __future__ import annotations

import json
import random
from functools import partial

import numpy as np
import pytest

from mdmkit import (
    Certification,
    FBeta,
    Frame,
    InputError,
    InputTypeError,
    NoMarginError,
    check_threshold,
    choose_thresholds,
    count_metric,
    mdm,
    parse_requirements,
    read_threshold,
    recommend_threshold,
    transfer_threshold,
)
from mdmkit.plots import requirements_figure, save_figure
from mdmkit.thresholds.chosen import few_of
from mdmkit.thresholds.error_bars import error_bars
from mdmkit.thresholds.sources import ReadFrames
from mdmkit.uncertainty.resampling import draws_of
from tests.thresholds.test_certify import FRAMES, plateau

# scores of one frame, anomalous from 0.4 up: recall 1 below 0.4, 1/2 up to 0.9; FPR 1/2 from 0.1
VAL = [([[0.1, 0.2, 0.4, 0.9]], [[0, 0, 1, 1]])]


def test_the_middle_of_the_range_is_recommended():
    found = recommend_threshold(VAL, require="recall >= 1, fpr < 0.5")
    assert found.interval == (0.2, 0.4)
    assert found.threshold == found.raw_threshold == pytest.approx(0.3)
    assert found.values == {"recall >= 1": 1.0, "fpr < 0.5": 0.0}
    assert found.point.f1 == 1
    assert found.certificate is None


def test_false_alarms_alone_take_the_lowest_threshold_and_recall_the_last_step():
    alarms = recommend_threshold(VAL, require="fpr <= 0.5")
    assert (alarms.interval, alarms.threshold) == ((0.1, 1.0), 0.1)
    assert alarms.rule.startswith("the lowest threshold")
    recall = recommend_threshold(VAL, require="recall >= 0.5")
    assert (recall.interval, recall.threshold) == ((0.0, 0.9), 0.4)
    assert recall.rule.startswith("the lower end of the last step")


def test_normal_frames_alone_are_enough_for_false_alarms():
    normal = [([[0.1, 0.3, 0.2, 0.0, 0.6]], [[0, 0, 0, 0, 0]]), ([[0.5, 0.5]], [[0, 255]])]
    found = recommend_threshold(normal, require="alarms <= 0.5")
    # one component at 0.5, two below 0.3 (0.1 to 0.2 and 0.6), and one of the other frame
    assert found.threshold == 0.5
    found = recommend_threshold(normal, require="alarm_frames < 1")
    assert found.threshold == 0.5
    assert recommend_threshold(normal, require="fpr <= 0.5").threshold == 0.2
    with pytest.raises(InputError, match="anomalous"):
        recommend_threshold(normal, require="fpr <= 0.5, recall >= 0.1")


def test_alarms_are_bounded_at_all_higher_thresholds_too():
    # everything predicted is one component that holds an anomaly: no alarm at all
    frame = [([[0.5, 0.1, 0.9, 0.1, 0.5]], [[0, 0, 1, 0, 0]])]
    found = recommend_threshold(frame, require="alarms <= 1")
    assert found.threshold == 0.5


def test_an_own_metric_and_objects_are_requirements():
    @count_metric(monotone=True)
    def tversky(tp, fp, fn, tn):
        return tp / (tp + 0.3 * fp + 0.7 * fn)

    found = recommend_threshold(VAL, require=[(tversky, ">", 0.9), (FBeta(2), ">=", 0.9)])
    assert found.interval == (0.2, 0.4)
    with pytest.raises(InputError, match="callable"):
        recommend_threshold(VAL, require=[(lambda p, t: 1.0, ">", 0.9)])


def test_one_requirement_with_a_larger_sign_is_the_margin():
    for metric in ("f1", "siou", "mean_f1", "pro", "boundary_iou@px=2", "nsd@px=2"):
        for scores, target in FRAMES[:3]:
            margin = mdm(scores, target, 0.5, metric)
            found = recommend_threshold([(scores, target)], require=f"{metric} > 0.5")
            assert (found.interval, found.threshold) == (margin.interval, margin.threshold)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("recall", "found 'recall'"),
        ("recall>=high", "found 'recall>=high'"),
        ("recal>=0.5", "found 'recal>=0.5'"),
        ("recall@beta=2>=0.5", "found beta"),
        ("fbeta>0.5", "expected a number after 'fbeta'"),
        ("alarms@ppv=0.3333<=1", "expected one of 0.25"),
        ("", "found none"),
        ("recall==0.5", "found 'recall==0.5'"),
    ],
)
def test_other_requirements_are_refused(text, found):
    with pytest.raises(InputError, match=found):
        parse_requirements(text)


def test_requirements_know_their_names_and_limits():
    first, second = parse_requirements("ReCall >= 1e-3,ALARMS@PPV=.5<2", aggregate="per_image")
    assert str(first) == "recall >= 0.001"
    assert str(second) == "alarms@ppv=.5 < 2"
    assert second.metric.ppv == 0.5
    (precise,) = parse_requirements("fpr <= 0.123456789")
    assert str(precise) == "fpr <= 0.123456789"
    assert parse_requirements([first, "recall>=.001"]) == (first,)


def test_either_a_margin_or_requirements():
    with pytest.raises(InputTypeError, match="or `require`, found"):
        recommend_threshold(VAL)
    with pytest.raises(InputTypeError, match="or `require`, found"):
        recommend_threshold(VAL, 0.5, require="fpr <= 0.1")
    with pytest.raises(InputError, match="certify"):
        recommend_threshold(VAL, 0.5, certify=0.9)


def test_what_is_in_reach_is_told():
    with pytest.raises(NoMarginError) as caught:
        recommend_threshold(
            [([[0.1, 0.5, 0.4, 0.9]], [[0, 0, 1, 1]])], require="recall >= 1, fpr < 0.5"
        )
    lines = str(caught.value).splitlines()
    assert lines[0] == "no threshold meets all requirements"
    assert "fpr < 0.5 allows recall 0.5 at best, at z = 0.5" in lines
    assert "recall >= 1 allows fpr 0.5 at best, at z = 0.1" in lines
    with pytest.raises(NoMarginError, match=r"f1 > 0\.9 never holds: f1 0\.7273 at best"):
        recommend_threshold([([[0.1, 0.2, 0.2]], [[0, 1, 0]])] * 2 + VAL, require="f1 > 0.9")


def test_requirements_that_a_constant_prediction_meets_are_found_out():
    found = recommend_threshold(VAL, require="recall >= 0.9")
    assert found.ranges.trivially_met == "all valid pixels"
    assert recommend_threshold(VAL, require="fpr <= 0.1").ranges.trivially_met == "no pixel"
    both = recommend_threshold(VAL, require="recall >= 0.9, fpr <= 0.1")
    assert both.ranges.trivially_met is None


def test_a_second_set_keeps_all_constants():
    first = recommend_threshold(
        [([[2.0, 4.0, 10.0, 12.0]], [[0, 0, 1, 1]])],
        normalize="minmax",
        require="recall >= 1, fpr < 0.5",
    )
    assert first.interval == (0.2, 0.8)
    assert (first.threshold, first.raw_threshold) == (0.5, 7.0)
    found = transfer_threshold(first, [([[-8.0, 8.0, 6.0, 22.0]], [[0, 0, 1, 1]])])
    # 8 and 22 are predicted: recall 1/2, FPR 1/2
    assert found.values == {"recall >= 1": 0.5, "fpr < 0.5": 0.5}
    assert found.holds == {"recall >= 1": False, "fpr < 0.5": False}
    assert found.interval is None
    normal = transfer_threshold(first, [([[-8.0, 6.0]], [[0, 0]])])
    assert normal.values == {"recall >= 1": None, "fpr < 0.5": 0.0}
    assert normal.holds == {"recall >= 1": None, "fpr < 0.5": True}


def test_a_chosen_threshold_comes_back_from_its_file(tmp_path):
    found = recommend_threshold(
        FRAMES, require="f1 > 0.5, alarms <= 3", certify=0.9, normalize="minmax", method="mine"
    )
    path = tmp_path / "chosen.toml"
    found.chosen.write(path)
    assert read_threshold(path) == found.chosen
    scores, _ = FRAMES[0]
    np.testing.assert_array_equal(
        read_threshold(path).apply(scores), scores.astype(np.float64) > found.raw_threshold
    )
    with pytest.raises(InputError, match="exists"):
        found.chosen.write(path)
    text = path.read_text()
    path.write_text(text.replace("f1 > 0.5", "f1 > 0.4"))
    with pytest.raises(InputError, match="as it was written"):
        read_threshold(path)
    path.write_text("threshold = 0.5")
    with pytest.raises(InputError, match="that mdmkit wrote"):
        read_threshold(path)
    path.write_text(text, encoding="utf-8-sig")  # as some editors save it
    assert read_threshold(path) == found.chosen


def test_a_damaged_chosen_threshold_is_told(tmp_path):
    found = recommend_threshold(FRAMES, require="f1 > 0.5", certify=0.9, method="mine").chosen
    path = tmp_path / "chosen.toml"
    found.write(path)
    whole = path.read_bytes()
    rng = random.Random(0)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            assert read_threshold(path) == found  # a comment, a blank
        except InputError:
            refused += 1
    assert refused > 200


def test_bytes_mean_their_value_over_the_maximum():
    chosen = recommend_threshold(VAL, require="recall >= 1, fpr < 0.5").chosen
    assert chosen.apply(np.array([76, 77], np.uint8)).tolist() == [False, True]  # 76 / 255 < 0.3


@pytest.mark.parametrize("scores", ["text", None, np.array([1j]), [0.2, float("nan")]])
def test_what_is_no_score_is_not_taken_for_a_normal_one(scores):
    chosen = recommend_threshold(VAL, require="recall >= 1, fpr < 0.5").chosen
    with pytest.raises(InputError, match="scores: expected"):
        chosen.apply(scores)
    assert "shares" not in repr(chosen)


def test_new_frames_are_checked_with_labels_and_without():
    found = recommend_threshold(FRAMES[:40], require="f1 > 0.8")
    same = check_threshold(found.chosen, [scores for scores, _ in FRAMES[40:]])
    assert same.alike
    assert same.passes
    assert same.still_holds is None
    bright = [plateau(seed, shift=0.3) for seed in range(20)]
    other = check_threshold(found.chosen, [scores for scores, _ in bright])
    assert not other.alike
    assert not other.passes
    assert other.pixels_above > other.expected_pixels_above
    labelled = check_threshold(found.chosen, FRAMES[40:])
    assert labelled.holds == {"f1 > 0.8": True}
    assert labelled.passes
    assert "FAILS" in str(check_threshold(found.chosen, bright))
    json.dumps(labelled.to_dict())
    with pytest.raises(InputError, match="of all frames or of none"):
        check_threshold(found.chosen, [FRAMES[0], FRAMES[1][0]])


def test_shares_of_very_many_frames_are_kept_as_quantiles():
    shares = np.random.default_rng(0).random(5001)
    kept = few_of(shares)
    assert len(kept) == 2000
    assert (kept[0], kept[-1]) == (shares.min(), shares.max())


@pytest.mark.parametrize(
    "require",
    [
        "f1 > 0.8",
        "recall >= 0.9",
        pytest.param("siou > 0.5, alarm_frames <= 0.5", marks=pytest.mark.slow),
    ],
)
def test_error_bars_are_those_of_frames_chosen_again(require):
    """Every resampled set is built anew from its frames, and asked for its threshold."""
    frames = FRAMES[:8]
    found = recommend_threshold(frames, require=require)
    loads = [partial(Frame, *frame) for frame in frames]
    source = ReadFrames(loads, 2**31)
    bars = error_bars(found.ranges, source, None, found.raw_threshold, replicates=40, seed=3)
    thresholds = []
    for times in draws_of(8, 40, 3):
        drawn = [frame for frame, n in zip(frames, times, strict=True) for _ in range(n)]
        try:
            thresholds.append(recommend_threshold(drawn, require=require).threshold)
        except NoMarginError:
            continue
    low, high = np.quantile(thresholds, [0.025, 0.975])
    # frames are counted at about 2,048 thresholds
    assert bars.threshold == pytest.approx((low, high), abs=0.01)
    assert bars.without == 1 - len(thresholds) / 40
    holds = []
    for times in draws_of(8, 40, 4):
        drawn = [frame for frame, n in zip(frames, times, strict=True) for _ in range(n)]
        holds.append(list(transfer_threshold(found, drawn).holds.values()))
    assert bars.holds == pytest.approx(np.mean(holds, axis=0))


def test_the_figure_shows_a_bar_for_each_requirement(tmp_path):
    found = recommend_threshold(FRAMES, require="f1 > 0.5, fpr <= 0.3", certify=0.9)
    figure = requirements_figure({"mine": found, "other": found}, width=3.4)
    save_figure(figure, tmp_path / "ranges.png")
    names = [label.get_text() for label in figure.axes[1].get_yticklabels()]
    assert names == ["f1 > 0.5", "fpr <= 0.3", "all"]
    assert [label.get_text() for label in figure.legends[0].get_texts()] == [
        "holds on these frames",
        "certified",
    ]
    with pytest.raises(InputError, match="methods"):
        requirements_figure({})


def test_frames_are_read_once_within_memory_and_again_beyond_it(tmp_path, monkeypatch):
    from mdmkit.evaluation import methods

    for name in ("scores", "masks"):
        (tmp_path / name).mkdir()
    for i, (scores, target) in enumerate(FRAMES[:12]):
        np.save(tmp_path / "scores" / f"{i}.npy", scores)
        np.save(tmp_path / "masks" / f"{i}.npy", target)
    read, plain = [], methods.read_scores
    monkeypatch.setattr(methods, "read_scores", lambda *a: read.append(a) or plain(*a))
    options = {"require": "recall >= 0.5, fpr <= 0.3", "certify": 0.9, "replicates": 20}
    found = [
        choose_thresholds({"a": tmp_path / "scores"}, tmp_path / "masks", memory=memory, **options)
        for memory in (2**31, 2**16)
    ]
    names = [path.name for path, _ in read]
    once = names.index(names[0], 1)
    assert once == 12  # until the second time, when they are read again and again
    assert len(names) > 36
    assert found[0]["a"].certificate == found[1]["a"].certificate
    assert found[0]["a"].interval == found[1]["a"].interval


def test_one_promise_for_the_next_frame():
    levels = np.sort([scores[target == 0].max() for scores, target in FRAMES])
    require = "alarm_frames <= 0.1"
    found = recommend_threshold(FRAMES, require=require, certify="next-frame")
    assert (found.threshold, found.certificate.confidence) == (levels[-6], None)
    assert found.certificate.tests == ("order statistic",)
    few = recommend_threshold(FRAMES[:8], require=require, certify="next-frame")
    assert (few.certified, few.certificate.needed) == (None, (9,))
    recall = recommend_threshold(
        FRAMES, require="recall >= 0.8", certify="next-frame", aggregate="per_image"
    )
    assert recall.certificate.run[0] == -np.inf
    n = len(FRAMES)

    def risk(z):
        found = np.mean([(scores[target == 1] > z).mean() for scores, target in FRAMES])
        return n / (n + 1) * (1 - found) + 1 / (n + 1)

    high = recall.certificate.run[1]
    assert risk(np.nextafter(high, -1)) <= 0.2 < risk(high)
    assert recall.certificate.tests == ("conformal risk control",)
    for wrong in ("f1 > 0.5", "recall >= 0.8", "alarms <= 1, alarm_frames <= 0.1"):
        with pytest.raises(InputError, match="for the next frame"):
            recommend_threshold(FRAMES, require=wrong, certify="next-frame")
    with pytest.raises(InputError, match="certify: expected a confidence"):
        recommend_threshold(FRAMES, require=require, certify="next")


def test_a_share_of_the_frames_chooses_where_certifying_starts():
    for share, starts in ((0.2, 12), (0.5, 30), (0.05, 3)):
        how = Certification(0.95, share)
        found = recommend_threshold(FRAMES, require="f1 > 0.5", certify=how).certificate
        assert (found.start_frames, found.frames) == (starts, 60 - starts)
        alone = recommend_threshold(FRAMES, require="recall > 0.5", certify=how).certificate
        assert alone.start_frames == 0


def test_normal_frames_need_no_labels():
    maps = [scores for scores, _ in FRAMES[:5]]
    labelled = [(scores, np.zeros(scores.shape, int)) for scores in maps]
    one, other = (
        recommend_threshold(frames, require="fpr <= 0.1", normal=normal)
        for frames, normal in ((maps, True), (labelled, False))
    )
    assert (one.threshold, one.interval) == (other.threshold, other.interval)
    with pytest.raises(InputError, match="target: expected none beside normal frames"):
        recommend_threshold(maps, [t for _, t in FRAMES[:5]], require="fpr <= 1", normal=True)
    with pytest.raises(InputError, match="found labels"):
        recommend_threshold(FRAMES[:5], require="fpr <= 0.1", normal=True)


@pytest.mark.parametrize("normalize", ["none", "minmax", "sigmoid", "rank"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
def test_a_threshold_from_a_file_predicts_what_was_judged(tmp_path, dtype, normalize):
    high = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    frames = [((scores * high).astype(dtype), target) for scores, target in FRAMES[:4]]
    found = recommend_threshold(frames, require="f1 > 0.5", normalize=normalize)
    found.chosen.write(tmp_path / "chosen.toml")
    chosen = read_threshold(tmp_path / "chosen.toml")
    tp = fp = fn = 0
    for scores, target in frames:
        predicted = chosen.apply(scores)
        assert predicted.shape == scores.shape
        tp, fp = tp + (predicted & (target == 1)).sum(), fp + (predicted & (target == 0)).sum()
        fn += (~predicted & (target == 1)).sum()
    assert found.values["f1 > 0.5"] == 2 * tp / (2 * tp + fp + fn)
    assert chosen.digest == found.chosen.digest
    other = recommend_threshold(frames, require="f1 > 0.4", normalize=normalize).chosen
    assert other.digest != chosen.digest


def test_a_single_frame_is_not_resampled():
    with pytest.raises(InputError, match="replicates: expected at least 2 frames"):
        choose_thresholds({"a": VAL}, require="recall >= 0.5", replicates=10)
    with pytest.raises(InputError, match="at least 2 frames that certify"):
        choose_thresholds({"a": VAL}, require="recall >= 0.5", certify=0.9)


def test_options_that_a_threshold_does_not_take_are_refused():
    with pytest.raises(InputError, match="aggregate: expected 'pooled' with t_margin"):
        choose_thresholds({"a": VAL}, t_margin=0.5, aggregate="per_image")
    with pytest.raises(InputError, match="by: expected none"):
        choose_thresholds({"a": VAL}, require="recall >= 0.5", by="size=0,3,inf")
    with pytest.raises(InputError, match="certify: expected it with `require`"):
        choose_thresholds({"a": VAL}, t_margin=0.5, certify=0.9)


def test_a_table_says_what_was_certified_promised_and_drawn_anew():
    found = choose_thresholds(
        {"a": FRAMES}, require="alarm_frames <= 0.1", certify=0.95, replicates=20
    )
    text = found.to_text("markdown")
    assert "Certified for the population of frames, with 95 %" in text
    assert "For the next frame, on average over sets of frames" in text
    assert "chosen anew" in text
    assert "no method certifies this with fewer than 29 frames" in text
    json.loads(found.to_text("json"), parse_constant=lambda word: pytest.fail(word))
    alone = choose_thresholds(
        {"a": FRAMES[:8]}, require="alarm_frames <= 0.1", certify="next-frame"
    ).to_text("markdown")
    assert "nothing (~9 frames)" in alone
