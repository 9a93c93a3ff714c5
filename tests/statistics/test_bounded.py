"""Margins from bounds on bins of scores equal those of the full sweep, and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mdmkit.statistics.bounded as bounded
import mdmkit.statistics.pixels as pixels
from mdmkit import (
    FBeta,
    Frame,
    InputError,
    NoTargetError,
    RangeError,
    count_metric,
    mdm,
    threshold_curve,
)
from tests.conftest import cases, examples, small_frames
from tests.reference import brute

T = [0.0, 0.1, 0.25, 0.5, 0.6, 2 / 3, 0.75, 0.9]
NAMED = ["f1", "iou", "precision", "recall"]


@count_metric(monotone=True)
def tversky(tp, fp, fn, tn):
    return tp / (tp + 0.3 * fp + 0.7 * fn)


@count_metric(monotone=True)
def specificity(tp, fp, fn, tn):
    """Monotone, and undefined where nothing is predicted, though it is 1 just beside."""
    return np.where(tp + fp == 0, np.nan, tn / (tn + fp))


@count_metric(monotone=True)
def constant(tp, fp, fn, tn):
    return np.full(tp.shape, 0.5)


OWN = [tversky, specificity, constant, FBeta(2), FBeta(0.125)]


def assert_equal_to_the_full_sweep(scores, target, metric, t=T):
    """Compare value, interval and threshold exactly, for several T and for each alone."""
    full = threshold_curve(scores, target, metric=metric).margin(t)
    assert mdm(scores, target, t, metric=metric) == full
    for one, margin in zip(t, full, strict=True):
        assert mdm(scores, target, one, metric=metric) == margin
    return full


def bounded_calls(monkeypatch):
    """A list that grows by one True for each margin that was found from bounds."""
    calls = []
    sweep = bounded.deciding_counts

    def spy(*arguments):
        result = sweep(*arguments)
        calls.append(result is not None)
        return result

    monkeypatch.setattr("mdmkit.evaluation.arrays.deciding_counts", spy)
    return calls


def around_edges(rng, shape, dtype):
    """Scores within one ulp of the edges of a few bins, of 0 and of 1; denormals; -0.0."""
    kind = np.dtype(dtype).type
    edges = (rng.integers(0, 4097, 3) / 4096).astype(dtype)
    choice = [*edges, *np.nextafter(edges, kind(2)), *np.nextafter(edges, kind(-1)), 0, 1, -0.0]
    choice += [np.nextafter(kind(0), kind(1)), np.nextafter(kind(1), kind(0)), kind(1 / 4096)]
    scores = rng.choice(np.array(choice, dtype), shape)
    return np.where((scores < 0) | (scores > 1), kind(0.5), scores)


def drawn(rng, dtype):
    """One random map of any character, with a target that does or does not follow the scores."""
    shape = [(1, 40), (40, 1), (7, 9), (16, 16)][rng.integers(4)]
    kind = rng.integers(7)
    if kind == 0:
        scores = around_edges(rng, shape, dtype)
    elif kind == 1:
        scores = rng.random(shape)
    elif kind == 2:  # many in one bin
        scores = 0.25 + rng.random(shape) / 5000 * rng.integers(0, 2, shape)
    elif kind == 3:
        scores = np.full(shape, rng.choice([0.0, 0.1, 0.25, 1.0]))
    elif kind == 4:
        scores = np.linspace(0, 1, shape[0] * shape[1]).reshape(shape)
    elif kind == 5:
        scores = np.indices(shape).sum(axis=0) % 2 * 0.5 + rng.integers(0, 3, shape) * 0.125
    else:  # plateaus
        scores = rng.choice(rng.random(4), shape)
    scores = scores.astype(dtype)
    follow = rng.random() < 0.7
    target = (scores + rng.normal(0, 0.1, shape) > 0.5) if follow else rng.random(shape) < 0.3
    target = target.astype(np.uint8)
    target[rng.random(shape) < 0.1] = 255
    scores[(target == 255) & (rng.random(shape) < 0.5)] = rng.choice([np.nan, np.inf, -7, 3])
    spot = rng.integers(shape[0]), rng.integers(shape[1])
    target[spot], scores[spot] = 1, np.nan_to_num(scores[spot], posinf=0.5).clip(0, 1)
    return scores, target


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("seed", range(cases(250)))
def test_margin_of_drawn_maps_equals_full_sweep_and_brute_force(seed, dtype):
    rng = np.random.default_rng(seed)
    scores, target = drawn(rng, dtype)
    metric = [*NAMED, *OWN][rng.integers(len(NAMED) + len(OWN))]
    margins = assert_equal_to_the_full_sweep(scores, target, metric, T[::2])
    if metric in NAMED:
        with np.errstate(invalid="ignore"):
            truth = [brute.margin([brute.world(scores, target)], t, metric) for t in T[::2]]
        assert [(m.value, m.interval) for m in margins] == truth


@examples(500)
@given(small_frames(), st.sampled_from(NAMED), st.sampled_from(T))
def test_margin_of_small_frames_equals_full_sweep_and_brute_force(frames, metric, t):
    scores, target = [s for s, _ in frames], [g for _, g in frames]
    (margin,) = assert_equal_to_the_full_sweep(scores, target, metric, [t])
    truth = brute.margin([brute.world(*frame) for frame in frames], t, metric)
    assert (margin.value, margin.interval) == truth


@examples(500)
@given(small_frames(), st.sampled_from(OWN))
def test_own_monotone_metrics_equal_the_full_sweep(frames, metric):
    scores, target = [s for s, _ in frames], [g for _, g in frames]
    assert_equal_to_the_full_sweep(scores, target, metric)


@examples(300)
@given(small_frames(most=1), st.sampled_from(NAMED), st.data())
def test_ties_with_t_are_decided_as_in_the_full_sweep(frames, metric, data):
    ((scores, target),) = frames
    values = threshold_curve(scores, target, metric=metric).values
    ties = [v for v in values.tolist() if 0 <= v < 1] or [0.5]
    tie = data.draw(st.sampled_from(ties))
    near = [tie, min(np.nextafter(tie, 1), 1 - 1e-15), max(np.nextafter(tie, 0), 0)]
    assert_equal_to_the_full_sweep(scores, target, metric, near)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("metric", [*NAMED, *OWN], ids=str)
def test_large_maps_equal_the_full_sweep_and_are_found_from_bounds(dtype, metric, monkeypatch):
    calls = bounded_calls(monkeypatch)
    rng = np.random.default_rng(3)
    target = (np.indices((200, 301)).sum(axis=0) % 97 < 9).astype(np.uint8)
    target[:20] = 255
    for spread in (0.05, 0.3, 3.0):
        scores = 1 / (1 + np.exp(-(2 * (target == 1) - 1 + spread * rng.normal(size=target.shape))))
        scores[::7, ::5] = np.round(scores[::7, ::5], 1)
        assert_equal_to_the_full_sweep(scores.astype(dtype), target, metric)
    assert len(calls) == 3 * (1 + len(T))
    assert all(calls)


def test_only_undecided_scores_are_gathered():
    rng = np.random.default_rng(0)
    target = (rng.random((500, 500)) < 0.1).astype(np.uint8)
    scores = np.clip(rng.random(target.shape) * 0.6 + 0.4 * target, 0, 1).astype(np.float32)
    sweep = bounded.deciding_counts(lambda: [Frame(scores, target)], FBeta(1).between, [0.5])
    one_a_bin = bounded.regular_edges().size
    assert 0 < sweep.scores.size - one_a_bin < 1000
    assert (sweep.anomalous, sweep.anomalous + sweep.normal) == (target.sum(), target.size)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("plateaus", [1, 2, 3, 40])
def test_plateaus_are_not_gathered(dtype, plateaus, monkeypatch):
    monkeypatch.setattr(bounded, "PLATEAU", 3)
    rng = np.random.default_rng(7)
    for _ in range(cases(100)):
        steps = np.array([*rng.random(plateaus), 0, 1, 1 / 4096]).astype(dtype)
        scores = [rng.choice(steps, (9, 30)), rng.choice(steps, (20, 20))]
        target = [(s + rng.normal(0, 0.3, s.shape) > 0.5).astype(np.uint8) for s in scores]
        target[0][0, 0], target[1][:3] = 1, 255
        assert_equal_to_the_full_sweep(scores, target, "f1", T[::3])
    monkeypatch.setattr(bounded.PixelCounts, "between", None)
    if plateaus <= 3:
        mdm(scores, target, 0.5)


def test_a_metric_not_declared_monotone_takes_the_full_sweep(monkeypatch):
    calls = bounded_calls(monkeypatch)

    @count_metric
    def wave(tp, fp, fn, tn):
        return (tp + fp) % 3 / 2

    rng = np.random.default_rng(1)
    scores, target = rng.random((20, 20)).astype(np.float32), rng.random((20, 20)) < 0.3
    assert_equal_to_the_full_sweep(scores, target, wave)
    assert calls == []


def test_an_iterator_is_read_once():
    rng = np.random.default_rng(2)
    frames = [(rng.random((9, 9)).astype(np.float32), rng.random((9, 9)) < 0.3) for _ in range(3)]
    held = mdm([s for s, _ in frames], [g for _, g in frames], 0.3)
    assert mdm((s for s, _ in frames), (g for _, g in frames), 0.3) == held
    assert mdm([s for s, _ in frames], iter([g for _, g in frames]), 0.3) == held
    assert mdm(np.stack([s for s, _ in frames]), np.stack([g for _, g in frames]), 0.3) == held


def test_frames_of_several_dtypes_equal_the_full_sweep():
    rng = np.random.default_rng(4)
    scores = [rng.random((9, 9)).astype(d) for d in (np.float32, np.float64, np.float16)]
    scores.append(rng.integers(0, 256, (9, 9), dtype=np.uint8))
    target = [rng.random((9, 9)) < 0.4 for _ in scores]
    for n in (2, 3, 4):
        assert_equal_to_the_full_sweep(scores[:n], target[:n], "f1")


@pytest.mark.parametrize("labels", [np.bool_, np.uint8, np.int16, np.int64])
def test_labels_of_any_integer_type_and_many_meanings(labels):
    rng = np.random.default_rng(5)
    scores = rng.random((30, 30)).astype(np.float32)
    target = (rng.random((30, 30)) < 0.4).astype(labels)
    assert mdm(scores, target, 0.3) == mdm(scores, target.astype(np.uint8), 0.3)
    ignore = rng.random((30, 30)) < 0.2
    holes = np.where(ignore, 255, target.astype(np.uint8))
    assert mdm(scores, target, 0.3, ignore=ignore) == mdm(scores, holes, 0.3)
    if labels is np.int64:
        far = np.where(target, 70_000, -3)
        assert mdm(scores, target, 0.3) == mdm(scores, far, 0.3, anomaly_label=70_000,
                                               normal_label=-3)  # fmt: skip


@pytest.mark.parametrize("chunk", [1, 7, 64, 100])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "uint8", "uint16"])
def test_counts_add_up_over_chunks(chunk, dtype, monkeypatch):
    rng = np.random.default_rng(6)
    scores = rng.integers(0, 200, (10, 10)).astype(dtype)
    scores = scores / scores.dtype.type(256) if scores.dtype.kind == "f" else scores
    target = rng.choice([0, 1, 255], (10, 10)).astype(np.uint8)
    whole = mdm(scores, target, 0.3)
    monkeypatch.setattr(pixels, "CHUNK", chunk)
    assert mdm(scores, target, 0.3) == whole


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_counts_beyond_2_to_24_are_exact(dtype):
    # 2^24 + 4096 normal pixels at 0.2, 5 anomalous ones at 0.6: a float32 counter would stop
    scores = np.full((4097, 4096), 51 if dtype is np.uint8 else 0.25, dtype)
    target = np.zeros(scores.shape, np.uint8)
    scores[0, :5], target[0, :5] = (153 if dtype is np.uint8 else 0.625), 1
    sweep = pixels.PixelCounts.of(Frame.deferred(scores, target, codes=codes()))
    assert (sweep.normal, sweep.anomalous) == (2**24 + 4096 - 5, 5)
    n = scores.size
    exact = 10 / (n + 5)  # F1 where everything is predicted
    assert mdm(scores, target, exact).interval[0] > 0
    assert mdm(scores, target, np.nextafter(exact, 0)).interval[0] == 0


def codes():
    from mdmkit.core.labels import LabelCodes

    return LabelCodes()


BAD = {
    "nan": (np.nan, 0, InputError, r"scores of frame 0: expected finite .* found nan at row 2"),
    "inf": (np.inf, 1, InputError, r"scores of frame 0: expected finite .* found inf at row 2"),
    "high": (1.5, 0, RangeError, r"scores: expected values in \[0, 1\] .* found 0.0 to 1.5"),
    "low": (-0.25, 0, RangeError, r"scores: expected values in \[0, 1\] .* found -0.25 to 0.5"),
    "label": (0.5, 9, InputError, r"target of frame 0: expected label .* found 9 at 1 pixels"),
    "ignored": (np.nan, 255, None, ""),
}  # fmt: skip


@pytest.mark.parametrize("aggregate", ["pooled", "per_image"])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("bad", BAD)
def test_what_a_frame_refuses_is_refused(bad, dtype, aggregate):
    score, label, error, message = BAD[bad]
    scores = np.tile(np.array([0, 0.5], dtype), (5, 3))
    target = np.tile(np.array([0, 1], np.uint8), (5, 3))
    scores[2, 3], target[2, 3] = score, label
    if error is None:
        assert mdm(scores, target, 0.5, aggregate=aggregate).value == 0.5
        return
    for labels in (target, target.astype(np.int64)):
        with pytest.raises(error, match=message):
            mdm(scores, labels, 0.5, aggregate=aggregate)
        with pytest.raises(error, match=message.replace("frame 0", "frame 1")):
            good = np.tile(np.array([0, 1], labels.dtype), (5, 3))
            mdm([np.full_like(scores, 0.5), scores], [good, labels], 0.5, aggregate=aggregate)
    if error is InputError:
        with pytest.raises(error, match=message.replace(" of frame 0", "")):
            Frame(scores, target)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_nothing_to_detect_is_an_error(dtype):
    scores = np.full((3, 3), 0.5, dtype)
    with pytest.raises(NoTargetError, match="at least one anomalous pixel"):
        mdm(scores, np.zeros((3, 3), int), 0.5)
    with pytest.raises(NoTargetError, match="at least one valid pixel"):
        mdm(scores, np.full((3, 3), 255), 0.5)


@examples(200)
@given(small_frames(), st.sampled_from(NAMED))
def test_per_image_margins_equal_those_of_each_frame(frames, metric):
    frames = [f for f in frames if (f[1] == 1).any()]
    whole = mdm([s for s, _ in frames], [g for _, g in frames], 0.3, metric, aggregate="per_image")
    assert whole.images.values == tuple(
        threshold_curve(s, g, metric=metric).margin(0.3).value for s, g in frames
    )
