"""Thresholds chosen on one set and applied to another: counted by hand, and by plain numpy."""

from __future__ import annotations

import csv
import io
import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import (
    FBeta,
    Frame,
    InputError,
    NoMarginError,
    NoTargetError,
    choose_thresholds,
    evaluate,
    mdm,
    recommend_threshold,
    transfer_threshold,
)
from mdmkit.datasets import pair
from mdmkit.io import read_mask, read_scores
from mdmkit.statistics.normalizers import HIGHEST, NORMALIZERS, MinMax, Sigmoid, raw_threshold
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.tables.forms import FORMATS
from tests.cli.conftest import folders, run  # noqa: F401  (fixtures)
from tests.conftest import small_frames

VAL = [([[0.1, 0.2, 0.4, 0.9]], [[0, 0, 1, 1]])]
TEST = [([[0.15, 0.22, 0.24, 0.6]], [[0, 1, 1, 1]])]


def test_the_middle_of_the_margin_is_recommended():
    found = recommend_threshold(VAL, 0.7, method="mine")
    # F1 by threshold: 2/3 below 0.1, 4/5 up to 0.2, 1 up to 0.4, 2/3 up to 0.9, then 0
    assert found.margin.interval == found.raw_interval == (0.1, 0.4)
    assert found.threshold == found.raw_threshold == 0.25
    assert (found.point.f1, found.point.precision, found.point.recall) == (1, 1, 1)
    assert found.point.fpr == 0
    assert found.best_f1.threshold == 0.2
    assert (found.frames, found.pixels, found.anomalous_pixels) == (1, 4, 2)


def test_a_threshold_may_fail_elsewhere():
    found = transfer_threshold(recommend_threshold(VAL, 0.7), TEST)
    # at 0.25 only 0.6 is predicted, of three anomalous pixels: F1 = 2 / 4
    assert (found.point.f1, found.point.precision, found.point.recall) == (0.5, 1, 1 / 3)
    assert not found.holds
    assert not found.inside
    assert found.slack is None
    # the margin here ends at 0.24: behind it two of three are missed
    assert found.margin.interval == (0.0, 0.24)
    # the best-F1 threshold of the first set, 0.2, would have found all and nothing else
    assert (found.best_f1.threshold, found.best_f1.f1) == (0.2, 1)
    assert (found.oracle.threshold, found.oracle.f1) == (0.15, 1)


def test_slack_says_how_far_the_threshold_could_have_moved():
    found = transfer_threshold(
        recommend_threshold(VAL, 0.7), [([[0.05, 0.125, 0.5, 0.8]], [[0, 0, 1, 1]])]
    )
    # here F1 > 0.7 from 0.05 (4/5) to 0.5 (1 until there): 0.25 lies 0.2 above and 0.25 below
    assert found.holds
    assert found.inside
    assert found.slack == pytest.approx((0.2, 0.25))


def test_a_threshold_may_hold_outside_the_margin():
    # F1 is 2/5 below 0.1, 1 up to 0.4: T = 0.5 gives z = 0.25
    first = recommend_threshold([([[0.1, 0.1, 0.1, 0.4]], [[0, 0, 0, 1]])], 0.5)
    assert first.threshold == 0.25
    # here: 4/9 below 0.2, 4/6 up to 0.3, 2/5 up to 0.5, 2/3 up to 0.9
    scores, target = [0.2, 0.2, 0.2, 0.3, 0.5, 0.5, 0.9], [0, 0, 0, 1, 0, 0, 1]
    found = transfer_threshold(first, [([scores], [target])])
    assert found.margin.interval == (0.5, 0.9)
    assert found.holds
    assert not found.inside
    assert found.slack == pytest.approx((0.05, 0.05))


def test_constants_of_the_first_set_are_kept_and_nothing_is_clipped():
    val = [([[2.0, 4.0, 10.0, 12.0]], [[0, 0, 1, 1]])]
    test = [([[-8.0, 3.0, 9.0, 22.0, 12.0, np.nan]], [[0, 0, 1, 1, 0, 255]])]
    first = recommend_threshold(val, 0.8, normalize="minmax")
    # normalised by (a - 2) / 10: F1 is 4/5 below 0.2, 1 up to 0.8, then 2/3
    assert first.margin.interval == (0.2, 0.8)
    assert (first.threshold, first.raw_threshold) == (0.5, 7.0)
    found = transfer_threshold(first, test)
    # -8 is -1, 22 is 2: one below 0, one above 1; 12 is exactly 1
    assert (found.below, found.above, found.pixels) == (1, 1, 5)
    assert found.outside_share == 0.4
    # 9, 22 and 12 are predicted: TP 2, FP 1
    assert found.point.f1 == 0.8
    # on this scale: 0.1 (normal), 0.7 (anomalous), 1 (normal), 2 (anomalous)
    assert found.margin.interval is None  # 4/5 does not exceed 0.8
    assert not found.holds


def test_margins_end_at_one_whatever_lies_beyond():
    first = recommend_threshold([([[0.0, 10.0]], [[0, 1]])], 0.5, normalize="minmax")
    found = transfer_threshold(first, [([[-10.0, 30.0]], [[0, 1]])])
    assert found.margin.interval == (0.0, 1.0)  # F1 = 1 from -1 to 3
    assert found.slack == (0.5, 0.5)


def test_scores_beyond_the_unit_are_counted_without_a_normaliser_too():
    found = transfer_threshold(recommend_threshold(VAL, 0.7), [([[-0.5, 0.1, 1.5]], [[0, 0, 1]])])
    assert (found.below, found.above) == (1, 1)
    assert found.point.f1 == 1
    assert found.margin.interval == (0.1, 1.0)


def test_everything_predicted_may_be_best():
    # nearly all is anomalous and the scores say nothing: predicting everything is best
    frames = [([[0.5, 0.4, 0.3, 0.2]], [[0, 1, 1, 1]])]
    found = recommend_threshold(frames, 0.1)
    assert found.best_f1.threshold is None
    assert found.best_f1.f1 == pytest.approx(6 / 7)
    there = transfer_threshold(found, [([[0.9, 0.1]], [[0, 1]])])
    assert there.best_f1.f1 == pytest.approx(2 / 3)
    assert (there.best_f1.recall, there.best_f1.fpr) == (1, 1)


def counts(frames, predicted):
    """TP, FP, FN, TN of predictions, one after the other."""
    tp = fp = fn = tn = 0
    for (_, target), mask in zip(frames, predicted, strict=True):
        anomalous, normal = target == 1, target == 0
        tp, fp = tp + (mask & anomalous).sum(), fp + (mask & normal).sum()
        fn, tn = fn + (~mask & anomalous).sum(), tn + (~mask & normal).sum()
    return tp, fp, fn, tn


def unit(scores):
    return scores / 255 if scores.dtype == np.uint8 else scores.astype(np.float64)


@given(small_frames(), small_frames(), st.sampled_from(["none", "minmax", "sigmoid", "rank"]))
def test_numbers_are_those_of_plain_comparing(val, test, normalize):
    scores = np.concatenate([unit(s)[t != 255] for s, t in val])
    if normalize == "minmax" and scores.min() == scores.max():
        return
    if not any((t == 1).any() for _, t in test):
        return
    try:
        first = recommend_threshold(val, 0.2, normalize=normalize)
    except NoMarginError:
        return
    low, high = scores.min(), scores.max()

    def mapped(values):
        if normalize == "minmax":
            return (values - low) / (high - low)
        if normalize == "sigmoid":
            return Sigmoid()(values)
        if normalize == "rank":
            return np.searchsorted(np.sort(scores), values, side="left") / scores.size
        return values

    found = transfer_threshold(first, test)
    z, below, above = first.threshold, 0, 0
    for frames, point in ((val, first.point), (test, found.point)):
        predicted = [mapped(unit(s)) > z for s, _ in frames]
        raw = [unit(s) > first.raw_threshold for s, _ in frames]
        for (_, target), one, other in zip(frames, predicted, raw, strict=True):
            assert (one == other)[target != 255].all()
        tp, fp, fn, tn = counts(frames, predicted)
        assert point.f1 == 2 * tp / (2 * tp + fp + fn)
        assert point.recall == tp / (tp + fn)
        assert point.precision == (tp / (tp + fp) if tp + fp else None)
        assert point.fpr == (fp / (fp + tn) if fp + tn else None)
    for s, t in test:
        values = mapped(unit(s)[t != 255])
        below, above = below + (values < 0).sum(), above + (values > 1).sum()
    assert (found.below, found.above) == (below, above)
    if normalize in ("none", "sigmoid"):
        own = mdm([s for s, _ in test], [t for _, t in test], 0.2, normalize=normalize)
        assert (found.margin.value, found.margin.interval) == (own.value, own.interval)
    best = evaluate(test, "best_f1")
    if best["best_f1"] is None:
        assert found.oracle is None
    else:
        assert found.oracle.f1 == best["best_f1"]
        assert found.oracle.raw_threshold == best.numbers["best_f1"].threshold


@given(small_frames(most=1), small_frames(most=1))
def test_slack_ends_where_the_metric_fails(val, test):
    if not (test[0][1] == 1).any():
        return
    try:
        found = transfer_threshold(recommend_threshold(val, 0.3), test)
    except NoMarginError:
        return
    scores, target = unit(test[0][0]), test[0][1]

    def passes(z):
        tp, fp, fn, _ = counts(test, [scores > z])
        return 2 * tp > 0.3 * (2 * tp + fp + fn)

    z = found.recommendation.threshold
    assert found.holds == passes(z) == (found.slack is not None)
    if found.slack is None:
        return
    low, high = z - found.slack[0], z + found.slack[1]
    steps = np.unique(np.append(scores[target != 255], [0.0, 1.0]))
    between = steps[(steps > low + 1e-12) & (steps < high - 1e-12)]
    assert all(passes(step) for step in between)
    if low > 1e-12:
        assert not passes(low - 1e-9) or np.abs(steps - low).min() > 1e-12
        assert np.abs(steps - low).min() < 1e-12
    if high < 1 - 1e-12:
        assert not passes(steps[np.abs(steps - high).argmin()])
    inside = found.margin.interval is not None and low >= found.margin.interval[0] - 1e-12
    assert found.inside == (inside and high <= found.margin.interval[1] + 1e-12)


def noisy(seed, count=2, shape=(300, 320)):
    """Frames of more distinct scores than a grid has thresholds."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        target = np.zeros(shape, np.uint8)
        row, column = rng.integers(0, 200, 2)
        target[row : row + 60, column : column + 80] = 1
        target[:9] = 255
        scores = np.clip(0.3 * rng.random(shape) + 0.5 * (target == 1) * rng.random(shape), 0, 1)
        frames.append((scores.astype(np.float32), target))
    return frames


@pytest.mark.parametrize("metric", ["siou", "ppv", "mean_f1", "f1"])
@pytest.mark.parametrize("normalize", ["none", "minmax"])
def test_component_metrics_are_those_of_evaluate(metric, normalize):
    val, test = noisy(0), noisy(1)
    sizes = {"min_prediction": 20, "min_target": 15}
    first = recommend_threshold(val, 0.1, metric, normalize=normalize, **sizes)
    found = transfer_threshold(first, test)
    names = ("siou", "ppv", "mean_f1")
    for frames, point in ((val, first.point), (test, found.point)):
        raw = first.raw_threshold
        metrics = [f"{name}@z={raw!r}" for name in (*names, "f1", "precision", "recall", "fpr")]
        expected = evaluate(frames, metrics, **sizes)
        assert point.value == expected[f"{metric}@z={raw!r}"]
        assert point.f1 == expected[f"f1@z={raw!r}"]
        assert point.fpr == expected[f"fpr@z={raw!r}"]
        for name in names:
            given_back = None if metric == "f1" else expected[f"{name}@z={raw!r}"]
            assert getattr(point, name) == given_back
    assert first.margin.bracket == (first.margin.value, first.margin.value)
    own = evaluate(val, f"mdm_{metric}@0.1", normalize=normalize, **sizes)
    assert first.margin.interval == own.numbers[f"mdm_{metric}@0.1"].interval


def test_little_memory_changes_nothing():
    val, test = noisy(2), noisy(3)
    roomy = transfer_threshold(recommend_threshold(val, 0.1, "siou"), test)
    tight = transfer_threshold(
        recommend_threshold(val, 0.1, "siou", memory=2**20), test, memory=2**20, jobs=2
    )
    assert roomy.to_dict() == tight.to_dict()


@pytest.mark.parametrize("kind", ["minmax", "sigmoid", "rank"])
def test_raw_thresholds_are_exact_to_the_last_bit(kind):
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 3, (40, 50))
    fitted = NORMALIZERS[kind].fitted(PixelCounts.of(Frame(scores, (scores > 2).astype(int))))
    for z in (*rng.random(40), 0.0, 0.5, float(fitted(scores[:1, :1].ravel())[0])):
        raw = raw_threshold(fitted, z)
        near = np.array([raw, np.nextafter(raw, np.inf)])
        assert (fitted(near) > z).tolist() == [False, True]
        assert ((fitted(scores.ravel()) > z) == (scores.ravel() > raw)).all()


def test_raw_thresholds_of_nothing_and_everything():
    minmax = MinMax(0.0, 1.0)
    assert raw_threshold(Sigmoid(), 1.0) == HIGHEST
    assert raw_threshold(Sigmoid(), -0.5) == -HIGHEST
    assert raw_threshold(minmax, 0.25) == 0.25


def test_own_metrics_have_their_value():
    found = recommend_threshold(VAL, 0.7, FBeta(2))
    assert found.point.value == 1.0
    text = str(choose_thresholds({"m": VAL}, t_margin=0.7, metric=FBeta(2)))
    assert found.margin.metric in text


def test_no_margin_says_what_is_in_reach():
    with pytest.raises(
        NoMarginError, match=r"f1 never exceeds T = 0\.99, its largest value is 0\.8"
    ):
        recommend_threshold([([[0.2, 0.4, 0.6]], [[1, 0, 1]])], 0.99)
    with pytest.raises(NoMarginError, match="ask for a lower T"):
        choose_thresholds({"m": [([[0.2, 0.4, 0.6]], [[1, 0, 1]])]}, t_margin=0.99)
    with pytest.raises(NoMarginError, match="no T helps"):
        recommend_threshold([([[0.0, 0.5]], [[1, 0]])], 0.0)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="metric: expected one of counts or components"):
        recommend_threshold(VAL, 0.5, lambda prediction, target: 1.0)
    assert recommend_threshold(iter(VAL), 0.5).margin == recommend_threshold(VAL, 0.5).margin
    with pytest.raises(InputError, match="t_margin: expected a number"):
        recommend_threshold(VAL, 1.0)
    with pytest.raises(NoTargetError, match="anomalous pixel"):
        transfer_threshold(recommend_threshold(VAL, 0.5), [([[0.5]], [[0]])])
    with pytest.raises(InputError, match="t_margin: expected a number"):
        choose_thresholds({"m": VAL})
    with pytest.raises(InputError, match="on: expected the methods m, found n"):
        choose_thresholds({"m": VAL}, t_margin=0.5, on={"n": TEST})
    with pytest.raises(InputError, match=r"on: .*found only its masks"):
        choose_thresholds({"m": VAL}, t_margin=0.5, on_target="masks")
    with pytest.raises(InputError, match=r"m: scores: expected values in \[0, 1\]"):
        choose_thresholds({"m": [([[1.0, 2.0]], [[0, 1]])]}, t_margin=0.5)


@pytest.fixture(scope="module")
def chosen():
    """Two methods with thresholds, of which one fails elsewhere, and one without."""
    poor = [([[0.9, 0.1]], [[0, 1]])]
    methods = {"mine": VAL, "scaled": [(10 * np.array(s), t) for s, t in VAL], "poor": poor}
    on = {"mine": TEST, "scaled": [(10 * np.array(s), t) for s, t in VAL], "poor": poor}
    kinds = {"scaled": "minmax"}
    return choose_thresholds(methods, t_margin=0.7, on=on, normalize=kinds)


def test_methods_without_a_margin_stand_beside_the_others(chosen):
    assert list(chosen.recommendations) == ["mine", "scaled"]
    assert "poor" in chosen.without
    text = chosen.to_text()
    assert "poor: no threshold: f1 never exceeds T = 0.7" in text
    assert chosen["mine"].threshold == 0.25


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_has_the_thresholds(chosen, form):
    text = chosen.to_text(form)
    assert "mine" in text
    assert "0.25" in text


def test_the_table_says_whether_the_threshold_holds(chosen):
    rows = [line for line in chosen.to_text("markdown").splitlines() if line.startswith("| mine")]
    first, second, other = ([cell.strip(" *") for cell in r.split("|")[2:-1]] for r in rows)
    assert first[:2] == ["30.0", "0.250 [0.100, 0.400)"]
    assert second[:4] == ["50.0", "100.0", "33.3", "0.0"]
    assert second[4:] == ["fails", "fails", "no", "0"]
    assert other == ["50.0", "100.0", "100.0", "24.0 [0.000, 0.240)"]
    assert "normalised by minmax, 1 to 9; kept on the second set" in chosen.to_text()


def test_json_and_csv_agree(chosen):
    record = json.loads(chosen.to_text("json"))
    rows = list(csv.DictReader(io.StringIO(chosen.to_text("csv"))))
    long = list(csv.DictReader(io.StringIO(chosen.to_text("csv-long"))))
    assert [row["method"] for row in record["rows"]] == [row["method"] for row in rows]
    for wide, row in zip(rows[:2], record["rows"][:2], strict=True):
        assert float(wide["threshold"]) == row["threshold"]
        assert float(wide["first_f1"]) == row["point"]["f1"]
        assert float(wide["second_f1"]) == row["transfer"]["point"]["f1"]
        assert float(wide["second_oracle_f1"]) == row["transfer"]["oracle"]["f1"]
        assert wide["holds"] == str(row["transfer"]["holds"])
        (one,) = (
            r for r in long
            if (r["method"], r["set"], r["choice"]) == (row["method"], "second", "best_f1")
        )  # fmt: skip
        assert float(one["f1"]) == row["transfer"]["best_f1"]["f1"]
    assert record["rows"][2]["no_threshold"] == rows[2]["no_threshold"]
    assert record["settings"]["second"] == "arrays"


def test_latex_rows_have_as_many_cells_as_columns(chosen):
    begin = r"\\begin\{tabular\*?\}(?:\{\\linewidth\})?\{@\{(?:\\extracolsep\{\\fill\})?\}"
    tables = re.split(begin, chosen.to_text("latex"))[1:]
    assert len(tables) == chosen.to_text("latex").count(r"\begin{tabular")
    for table in tables:
        columns = len(table.split("@")[0])
        for line in table.splitlines():
            if line.endswith(r"\\") and "&" in line:
                assert line.count("&") == columns - 1, line


def test_real_frames_transfer(real_frames):
    names = ("espnetv2-msp", "espnetv2-maxlogit")
    methods = {name: real_frames / "scores" / name for name in names}
    pairing = pair(methods, real_frames, "skip")
    frames = {
        name: [
            (read_scores(path), np.where(read_mask(pairing.targets[key]) == 2, 1, 0))
            for key, path in paths.items()
        ]
        for name, paths in pairing.scores.items()
    }
    kinds = {"espnetv2-maxlogit": "minmax"}
    found = choose_thresholds(
        {name: several[:5] for name, several in frames.items()}, t_margin=0.2,
        on={name: several[5:] for name, several in frames.items()}, normalize=kinds,
    )  # fmt: skip
    for name, transfer in found.transfers.items():
        raw = found[name].raw_threshold
        predicted = [s.astype(np.float64) > raw for s, _ in frames[name][5:]]
        tp, fp, fn, _ = counts(frames[name][5:], predicted)
        assert transfer.point.f1 == 2 * tp / (2 * tp + fp + fn)
        lowest, highest = (
            f([f(s) for s, _ in frames[name][:5]]) for f in (np.min, np.max)
        )  # fmt: skip
        outside = [((s < lowest) | (s > highest)).sum() for s, _ in frames[name][5:]]
        expected = sum(outside) if name in kinds else 0
        assert transfer.below + transfer.above == expected
