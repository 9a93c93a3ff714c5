"""Scores of pixels by class, in exact form and in bins, against plain counting."""

from unittest.mock import patch

import numpy as np
import pytest

from mdmkit import F1, IoU, Precision, Recall, count_metric
from mdmkit.core.frame import Frame
from mdmkit.statistics import pixel_scores
from mdmkit.statistics.edges import fixed_edges
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import (
    auroc,
    auroc_bounds,
    average_precision,
    average_precision_bounds,
    best_f1,
    best_f1_highs,
    fpr_at_tpr,
    fpr_at_tpr_bounds,
    point_at_tpr,
)
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.score_keys import floor_keys, keys_of, scores_of, widened
from tests.reference.plain_pixels import PlainPixels

TINY = {"float32": 2.0**-149, "float64": 2.0**-1074}
SHAPES = ((1, 1), (1, 40), (9, 1), (6, 7), (12, 12))


def scores_of_kind(rng, shape, kind, dtype):
    """Scores where exactness is hard to keep."""
    noise = rng.random(shape)
    made = {
        "noise": lambda: noise,
        "ties": lambda: np.round(noise * 5) / 5,
        "plateaus": lambda: np.where(noise < 0.5, 0.25, np.where(noise < 0.8, 0.75, noise)),
        "one ulp": lambda: 0.5 + np.round(noise * 6) * np.finfo(dtype).epsneg,
        "subnormal": lambda: np.round(noise * 9) * TINY[dtype],
        "near 0": lambda: noise**64,
        "near 1": lambda: 1 - noise**24,
        "ends": lambda: np.where(noise < 0.3, 0.0, np.where(noise < 0.6, 1.0, noise)),
        "signed": lambda: np.round((noise - 0.5) * 8) * 3.0,
        "zeros": lambda: np.where(noise < 0.5, -0.0, 0.0),
    }
    return made[kind]().astype(dtype)


KINDS = ("noise", "ties", "plateaus", "one ulp", "subnormal", "near 0", "near 1", "ends", "zeros")


def random_set(seed, kinds=KINDS, most=4):
    """Frames of one kind, some pixels ignored, with both classes in the first."""
    rng = np.random.default_rng(seed)
    kind, dtype = rng.choice(kinds), str(rng.choice(["float32", "float64"]))
    frames = []
    for _ in range(rng.integers(1, most + 1)):
        shape = SHAPES[rng.integers(len(SHAPES))]
        target = (rng.random(shape) < rng.choice([0.05, 0.3, 0.7])).astype(np.uint8)
        target[rng.random(shape) < rng.choice([0, 0, 0.3])] = 255
        scores = scores_of_kind(rng, shape, kind, dtype)
        scores[(target == 255) & (rng.random(shape) < 0.5)] = np.nan
        frames.append(Frame(scores, target))
    both = scores_of_kind(rng, (1, 2), kind, dtype)
    frames.append(Frame(both, [[0, 1]]))
    return rng, frames


def plain(frames):
    return PlainPixels([(f.scores.astype(np.float64), f.classes == 1, f.valid) for f in frames])


def cut_and_merged(rng, frames):
    """The frames in any order, merged in any groups."""
    parts = [PixelScores.of(frames[i]) for i in rng.permutation(len(frames))]
    while len(parts) > 1:
        several = int(rng.integers(2, len(parts) + 1))
        parts = [*parts[several:], PixelScores.merged(parts[:several])]
        if rng.random() < 0.3:
            parts[-1].extremes, list(parts[-1].levels())
    return parts[0]


def every_score(expected):
    rows = PixelCounts.from_totals(expected.scores, np.stack([expected.tp, expected.fp], axis=1))
    assert (rows.anomalous, rows.normal) == (expected.p, expected.n)
    return rows


@count_metric(monotone=True)
def specificity(tp, fp, fn, tn):
    """Passes for the empty prediction, and is undefined without normal pixels only."""
    return tn / (tn + fp)


@count_metric(monotone=True)
def odd(tp, fp, fn, tn):
    """Undefined where nothing false is predicted."""
    return np.where(fp == 0, np.nan, tp / (tp + fp))


METRICS = (F1(), IoU(), Precision(), Recall(), specificity, odd)


def same_margins(rng, pixels, rows):
    for metric in rng.choice(np.array(METRICS, object), 2, replace=False):
        exact = metric.curve(rows)
        values = exact.values[exact.values < 1]
        some = [0.0, 0.25, 0.5, *rng.choice(values, min(2, values.size), replace=False).tolist()]

        def d(tp, fp, metric=metric):
            return metric(tp, fp, rows.anomalous - tp, rows.normal - fp)

        deciding = metric.curve(pixels.deciding(d, some))
        for t in some:
            assert deciding.margin(t) == exact.margin(t), (metric, t)


def check_exact(seed):
    rng, frames = random_set(seed)
    expected, pixels = plain(frames), cut_and_merged(rng, frames)
    rows = every_score(expected)
    with (
        patch.object(pixel_scores, "BLOCK", int(rng.choice([1, 3, 2**18]))),
        patch.object(pixel_scores, "CHUNK", int(rng.choice([1, 30, 2**25]))),
        patch.object(pixel_scores, "STRETCH", int(rng.choice([1, 7, 40, 2**25]))),
    ):
        assert (pixels.anomalous, pixels.normal) == (expected.p, expected.n)
        assert pixels.extremes == (expected.scores[-1], expected.scores[0])
        assert average_precision(pixels) == pytest.approx(expected.average_precision(), abs=1e-15)
        assert auroc(pixels) == expected.auroc()
        for tpr in (0.3, 0.95, 1.0):
            point = point_at_tpr(pixels, tpr)
            assert point.fpr == fpr_at_tpr(pixels, tpr) == expected.fpr_at_tpr(tpr)
            z = expected.scores.min() - 1 if point.threshold is None else point.threshold
            lower = [score for score in expected.scores if score > z]
            assert expected.above(z)[0] / expected.p >= tpr
            assert expected.above(min(lower))[0] / expected.p < tpr  # no higher threshold has it
        best = best_f1(pixels)
        assert (best.value, best.threshold, best.lowest) == expected.best_f1()
        for z in (*rng.choice(expected.scores, 3), 0.3, -1.0, 1e300):
            assert pixels.above(z).tolist() == expected.above(z)
        same_margins(rng, pixels, rows)
        found = pixels.rows()
    np.testing.assert_array_equal(found.scores, rows.scores)
    np.testing.assert_array_equal(found.changes, rows.changes)


def check_binned(seed):
    rng, frames = random_set(seed, (*KINDS, "signed"))
    expected = plain(frames)
    rows = every_score(expected)
    few = np.unique(rng.choice([*expected.scores, 0.0, 0.25, 0.5, 0.51, 1.0, -2.0], 4))
    edges = fixed_edges() if rng.random() < 0.05 else few
    bins = PixelBins.merged(PixelBins.of(PixelScores.of(frame), edges) for frame in frames)
    known = PixelBins.of(rows, edges)
    for name in ("counts", "least", "greatest"):
        np.testing.assert_array_equal(getattr(bins, name), getattr(known, name))
    looked = rng.random(edges.size + 1) < rng.choice([0, 0.5, 1])
    inside = looked[np.searchsorted(edges, rows.scores)]
    pixels = bins.bracketed(looked, PixelCounts(rows.scores[inside], rows.changes[inside]))
    assert (pixels.anomalous, pixels.normal) == (expected.p, expected.n)
    assert pixels.extremes == (expected.scores[-1], expected.scores[0])
    pairs = [
        (average_precision(rows), average_precision(pixels), average_precision_bounds(pixels)),
        (auroc(rows), auroc(pixels), auroc_bounds(pixels)),
        (fpr_at_tpr(rows, 0.95), fpr_at_tpr(pixels, 0.95), fpr_at_tpr_bounds(pixels, 0.95)),
    ]
    best, exact = best_f1(pixels).value, best_f1(rows).value
    pairs.append((exact, best, (best, max(best, best_f1_highs(pixels).max()))))
    for value, shown, (low, high) in pairs:
        assert low <= shown <= high
        assert low - 1e-15 <= value <= high + 1e-15
        assert 0 <= low <= high <= 1
        if not pixels.unresolved.any():
            assert value == shown == low == high
    for z in (*rng.choice(expected.scores, 3), 0.3, -1.0):
        least, most = pixels.bounds_above(z)
        assert (least <= expected.above(z)).all()
        assert (expected.above(z) <= most).all()
        if z in edges or not pixels.unresolved.any():
            assert (least == most).all()


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_class_split_scores_equal_plain_counts(start):
    for seed in range(start, start + 20):
        check_exact(seed)


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_bins_bracket_plain_counts(start):
    for seed in range(start, start + 20):
        check_binned(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 11_000, 500))
def test_ten_thousand_sets_of_maps(start):
    for seed in range(start, start + 500):
        check_exact(seed)
        check_binned(seed)


def test_keys_are_ordered_like_floats_and_come_back():
    for dtype in (np.float32, np.float64):
        info = np.finfo(dtype)
        scores = np.array([-info.max, -1, -info.tiny, -0.0, 0, info.tiny / 2, 1, info.max])
        keys = keys_of(scores.astype(dtype))
        assert (np.diff(keys.astype(object)) >= 0).all()
        assert keys[3] == keys[4]
        np.testing.assert_array_equal(scores_of(keys), scores.astype(dtype).astype(np.float64))
        np.testing.assert_array_equal(scores_of(widened(keys)), scores_of(keys))


def test_thresholds_between_float32_scores_are_compared_exactly():
    near = np.array([[0.3]], np.float32)  # greater than the double 0.3
    assert keys_of(near.ravel())[0] > floor_keys(0.3, np.dtype(np.uint32))
    assert PixelScores.of(Frame(near, [[1]])).above(0.3).tolist() == [1, 0]


def test_narrow_and_wide_scores_share_one_order():
    frames = [Frame(np.array([[0.3, 0.6]], np.float32), [[0, 1]]), Frame([[0.3, 0.6]], [[1, 0]])]
    merged = PixelScores.merged(map(PixelScores.of, frames))
    np.testing.assert_array_equal(merged.rows().scores, plain(frames).scores[::-1])


def test_a_perfect_ranking_of_any_size_has_an_ap_of_one():
    for p in (3, 49, 1000, 9999):
        scores, target = np.arange(2.0 * p)[None], np.repeat([0, 1], p)[None]
        assert average_precision(PixelScores.of(Frame(scores, target))) == 1.0


@pytest.mark.parametrize("power", [1, 8, 24, 64])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rising_map_of_the_scores_does_not_widen_the_bracket(power, mirrored):
    rng = np.random.default_rng(0)
    target = (rng.random((256, 512)) < 0.05).astype(np.uint8)
    scores = 1 / (1 + np.exp(-(2.0 * target - 2.0 + rng.standard_normal(target.shape))))
    scores = 1 - (1 - scores) ** power if mirrored else scores**power
    exact = PixelScores.of(Frame(scores.astype(np.float32), target))
    bins = PixelBins.of(exact, fixed_edges())
    found = bins.as_groups()
    low, high = average_precision_bounds(found)
    assert high - low <= 1e-4
    assert low <= average_precision(exact) <= high
