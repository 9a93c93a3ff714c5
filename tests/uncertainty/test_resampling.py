"""bootstrap(): replicates equal the numbers of the resampled frames, found the long way."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from mdmkit import InputError, bootstrap, compare, evaluate
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.kinds import ComponentStatistic, PixelStatistic
from mdmkit.statistics.normalizers import Unchanged
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.steps import RatioSteps
from mdmkit.statistics.totals import DirectBins, Totals
from mdmkit.uncertainty import counts_source, frame_counts
from mdmkit.uncertainty.frame_counts import (
    InMemory,
    balanced_edges,
    chosen_edges,
    count_frames,
)
from mdmkit.uncertainty.resampling import draws_of

METRICS = (
    "ap,auroc,fpr95,best_f1,f1@z=0.5,siou_gt,ppv,mean_f1,mdm_f1@0.5,mdm_siou@0.25,"
    "ap@band=2,f1@z=0.5@band=1.5"
)
UNIT_FREE = "ap,auroc,fpr95,best_f1"


def frames(seed, count=5, shape=(6, 8), levels=12, contrast=0.4):
    """Frames of few distinct scores, so that a grid holds all of them."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        target = np.zeros(shape, np.uint8)
        row, column = rng.integers(0, 4), rng.integers(0, 5)
        target[row : row + 2, column : column + 3] = 1
        target[rng.random(shape) < 0.05] = 255
        scores = np.clip(rng.random(shape) * 0.6 + contrast * (target == 1), 0, 1)
        drawn.append((np.round(scores * levels) / levels, target))
    return drawn


def same(found, expected):
    return found == pytest.approx(np.nan if expected is None else expected, nan_ok=True, abs=1e-12)


@pytest.mark.parametrize("seed", range(6))
def test_replicates_equal_evaluating_the_resampled_frames(seed):
    drawn = frames(seed)
    found = bootstrap({"mine": drawn}, metrics=METRICS, replicates=12, seed=seed, bins=64)
    for place, times in enumerate(draws_of(len(drawn), 12, seed)):
        resampled = [drawn[frame] for frame in np.repeat(np.arange(len(drawn)), times)]
        expected = evaluate(resampled, METRICS)
        for key in found.keys:
            assert same(found.replicates["mine"][key][place], expected[key]), key


def test_the_number_itself_is_that_of_all_frames():
    drawn = frames(1)
    found = bootstrap({"mine": drawn}, metrics=METRICS, replicates=3, bins=64)
    expected = evaluate(drawn, METRICS)
    for key in found.keys:
        assert same(found.values["mine"][key], expected[key]), key


@pytest.mark.parametrize("seed", range(4))
def test_brackets_of_a_coarse_grid_hold_the_exact_number(seed):
    drawn = frames(seed, shape=(20, 24), levels=10**6)
    found = bootstrap({"mine": drawn}, metrics=METRICS, replicates=2, bins=16)
    expected = evaluate(drawn, METRICS)
    for key in found.keys:
        low, high = found.brackets["mine"][key]
        assert low - 1e-12 <= expected[key] <= high + 1e-12, key


def test_scores_without_bounds_are_ranked_too():
    drawn = [(8 * scores - 5, target) for scores, target in frames(2)]
    raw = bootstrap({"mine": drawn}, metrics=UNIT_FREE, replicates=20, bins=64)
    unit = bootstrap({"mine": frames(2)}, metrics=UNIT_FREE, replicates=20, bins=64)
    for key in ("ap", "auroc", "fpr95"):
        assert (raw.replicates["mine"][key] == unit.replicates["mine"][key]).all()


def test_a_normaliser_keeps_the_constants_of_all_frames():
    drawn = [(8 * scores - 5, target) for scores, target in frames(2)]
    low = min(s[t != 255].min() for s, t in drawn)
    high = max(s[t != 255].max() for s, t in drawn)
    unit = [((s - low) / (high - low), t) for s, t in drawn]
    mapped = bootstrap(
        {"m": drawn}, metrics="mdm_f1@0.5", normalize="minmax", replicates=20, bins=64
    )
    plain = bootstrap(
        {"m": [(np.clip(s, 0, 1), t) for s, t in unit]},
        metrics="mdm_f1@0.5",
        replicates=20,
        bins=64,
    )
    assert mapped.replicates["m"]["mdm_f1@0.5"] == pytest.approx(
        plain.replicates["m"]["mdm_f1@0.5"], abs=1e-12
    )


def test_differences_are_paired():
    drawn = frames(3)
    found = bootstrap({"a": drawn, "b": drawn}, replicates=50)
    assert found.difference("a", "b", "ap") == (0.0, 0.0, 0.0)
    value, low, high = found.interval("a", "ap")
    assert low < value < high


def test_a_clear_lead_excludes_zero_and_none_does_not():
    good, bad = frames(4, count=12, contrast=0.5), frames(4, count=12, contrast=0.2)
    found = bootstrap({"good": good, "bad": bad}, replicates=400).difference("good", "bad", "ap")
    assert 0 < found.low < found.value < found.high
    one, other = frames(5, count=12), frames(6, count=12)
    tie = bootstrap({"one": one, "other": other}, replicates=400).difference("one", "other", "ap")
    assert tie.low < 0 < tie.high


def test_a_seed_gives_the_same_sets_each_time():
    first = bootstrap({"m": frames(0)}, replicates=30, seed=7)
    again = bootstrap({"m": frames(0)}, replicates=30, seed=7)
    other = bootstrap({"m": frames(0)}, replicates=30, seed=8)
    assert (first.replicates["m"]["ap"] == again.replicates["m"]["ap"]).all()
    assert (first.replicates["m"]["ap"] != other.replicates["m"]["ap"]).any()


def test_draws_are_sets_of_as_many_frames():
    draws = draws_of(7, 2000, 0)
    assert (draws.sum(axis=1) == 7).all()
    assert draws.mean(axis=0) == pytest.approx(np.ones(7), abs=0.1)


@pytest.mark.slow
def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """The share of anomalous pixels found at z = 0.5 differs from frame to frame; truth: 0.6."""
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(120):
        shares = rng.beta(3, 2, size=30)
        drawn = []
        for share in shares:
            scores = (rng.random((1, 40)) < share) * 1.0
            drawn.append((scores, np.ones((1, 40), np.uint8)))
        found = bootstrap({"m": drawn}, metrics="recall@z=0.5", replicates=200, seed=trial)
        _, low, high = found.interval("m", "recall@z=0.5")
        covered += low <= 0.6 <= high
    assert 0.85 <= covered / 120 <= 0.99


def test_edges_divide_both_classes():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.random(10_000), 2 + rng.random(100)])[None]
    target = np.concatenate([np.zeros(10_000), np.ones(100)])[None].astype(np.uint8)
    edges = balanced_edges(PixelCounts.of(Frame(scores, target)), 40)
    assert edges.size <= 40
    assert (edges >= 2).sum() == 20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicates": 0}, "replicates: "),
        ({"confidence": 1.0}, "confidence: "),
        ({"bins": 1}, "bins: "),
        ({"metrics": "nothing"}, "metrics: "),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(InputError, match=message):
        bootstrap({"m": frames(0)}, **options)


def test_frames_must_be_several_and_readable_twice():
    with pytest.raises(InputError, match="at least 2"):
        bootstrap({"m": frames(0, count=1)})
    with pytest.raises(InputError, match="found m: 5, n: 4"):
        bootstrap({"m": frames(0), "n": frames(0, count=4)})
    held = bootstrap({"m": iter(frames(0))}, metrics="ap", replicates=2)  # an iterator is held
    assert held.values == bootstrap({"m": frames(0)}, metrics="ap", replicates=2).values
    with pytest.raises(InputError, match="method: expected one of m"):
        bootstrap({"m": frames(0)}, replicates=2).interval("n", "ap")
    with pytest.raises(InputError, match="key: expected one of"):
        bootstrap({"m": frames(0)}, replicates=2).interval("m", "mean_f1")


@pytest.mark.parametrize("metrics", [METRICS, "ap,auroc"])
def test_blocks_and_batches_change_nothing(monkeypatch, metrics):
    drawn = frames(7, count=9)
    whole = bootstrap({"m": drawn}, metrics=metrics, replicates=40, bins=64)
    monkeypatch.setattr(frame_counts, "BATCH", 8 * 2000)
    monkeypatch.setattr(frame_counts, "BLOCK", 8 * 2000)
    pieces = bootstrap({"m": drawn}, metrics=metrics, replicates=40, bins=64)
    aside = bootstrap({"m": drawn}, metrics=metrics, replicates=40, bins=64, memory=2**16)
    threads = bootstrap({"m": drawn}, metrics=metrics, replicates=40, bins=64, jobs=2)
    for key in whole.keys:
        for other in (pieces, aside, threads):
            assert np.array_equal(
                whole.replicates["m"][key], other.replicates["m"][key], equal_nan=True
            ), key


def test_few_statistics_are_held_where_memory_is_small(monkeypatch):
    files = []
    opened = counts_source.temporary_file
    monkeypatch.setattr(counts_source, "temporary_file", lambda: files.append(1) or opened())
    bootstrap({"m": frames(0)}, metrics=METRICS, replicates=3, bins=64, memory=2**14)
    assert files == [1]
    bootstrap({"m": frames(0)}, metrics=METRICS, replicates=3, bins=64)
    assert files == [1]


@pytest.mark.parametrize("protocol", ["smiyc", "maskomaly-release"])
def test_protocols_and_bands_are_those_of_compare(protocol):
    drawn = frames(3, count=4, levels=16)  # float16 holds sixteenths, so that nothing is rounded
    options = {"protocol": protocol, "min_target": 2}
    metrics = "ap,fpr95,best_f1,siou_gt,mdm_f1@0.5,ap@band=2,fpr95@band=2,best_f1@band=2"
    found = bootstrap({"m": drawn}, metrics=metrics, replicates=8, **options)
    for place, times in enumerate(draws_of(len(drawn), 8, 0)):
        resampled = [drawn[frame] for frame in np.repeat(np.arange(len(drawn)), times)]
        expected = evaluate(resampled, metrics, **options)
        for key in found.keys:
            assert same(found.replicates["m"][key][place], expected[key]), key


def test_values_of_images_are_resampled_where_images_are_averaged():
    drawn = frames(4, count=6)
    drawn[2] = (drawn[2][0], np.where(drawn[2][1] == 1, 0, drawn[2][1]))  # nothing to detect
    found = bootstrap({"m": drawn}, metrics=METRICS, replicates=15, aggregate="per_image")
    for place, times in enumerate(draws_of(6, 15, 0)):
        resampled = [drawn[frame] for frame in np.repeat(np.arange(6), times)]
        expected = evaluate(resampled, METRICS, aggregate="per_image")
        for key in found.keys:
            assert same(found.replicates["m"][key][place], expected[key]), key
    assert (found.aggregate, found.bins, found.frames) == ("per_image", None, 6)


def test_what_needs_thresholds_is_refused_where_scores_are_unbounded():
    drawn = [(8 * scores - 5, target) for scores, target in frames(2)]
    found = bootstrap({"m": drawn}, metrics="ap,mdm_f1@0.5", replicates=5)
    assert "name a normaliser" in found.refused["m"]["mdm_f1@0.5"]
    assert np.isnan(found.interval("m", "mdm_f1@0.5")).all()
    assert not np.isnan(found.interval("m", "ap")).any()
    with pytest.raises(InputError, match="m: scores: expected values in"):
        bootstrap({"m": drawn}, metrics="mdm_f1@0.5", replicates=5)


def test_sets_without_an_anomaly_leave_a_number_undefined():
    drawn = frames(4, count=3)
    for index in (1, 2):
        drawn[index] = (drawn[index][0], np.where(drawn[index][1] == 1, 0, drawn[index][1]))
    found = bootstrap({"m": drawn}, metrics="ap", replicates=200)
    without = (draws_of(3, 200, 0)[:, 0] == 0).sum()
    assert found.undefined("m", "ap") == without > 0


@pytest.mark.parametrize("normalize", ["minmax", "sigmoid", "rank"])
def test_margins_of_coarse_grids_are_within_their_brackets(normalize):
    drawn = [(8 * s - 5, t) for s, t in frames(5, shape=(20, 24), levels=10**6)]
    options = {"metrics": "mdm_f1@0.5,mdm_siou@0.25", "normalize": normalize}
    found = bootstrap({"m": drawn}, replicates=2, bins=128, **options)
    expected = evaluate(drawn, **options)
    for key in found.keys:
        low, high = found.brackets["m"][key]
        assert low - 1e-12 <= expected[key] <= high + 1e-12, key
        assert high - low < 0.1, key


def test_more_cells_narrow_brackets():
    drawn = frames(6, shape=(40, 50), levels=10**6)
    widths = []
    for cells in (16, 128, 20_000):
        found = bootstrap({"m": drawn}, metrics="ap,mdm_f1@0.5", replicates=2, bins=cells)
        widths.append([high - low for low, high in found.brackets["m"].values()])
    assert (np.diff(widths, axis=0) < 0).all()
    assert max(widths[-1]) == 0  # every score is a threshold


def test_numbers_are_exact_where_every_score_is_a_threshold():
    found = bootstrap({"m": frames(3)}, metrics=METRICS, replicates=2)  # thirteen scores, many ties
    for key in found.keys:
        assert found.brackets["m"][key] == (found.values["m"][key],) * 2, key


def test_edges_divide_the_range_of_thresholds_where_margins_are_asked_for():
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.random(5000) * 0.1, [1.0]])[None]
    counted = Totals.of(Frame(scores, (scores > 0.09).astype(np.uint8)), [PixelStatistic()])
    sweeps = NormalizedTotals.of(counted, Unchanged)
    regular = chosen_edges(sweeps, 64, margins=True, thresholds=[0.123])
    assert np.isin(np.append(np.arange(33) / 32, 0.123), regular).all()
    assert np.diff(chosen_edges(sweeps, 64, margins=False, thresholds=[])).max() > 0.8


def test_a_set_of_one_frame_is_that_frame():
    """Sums of component statistics stay exact: each draw that repeats one frame equals it."""
    drawn = frames(8, count=3, shape=(30, 40), levels=10**6)
    statistics = (PixelStatistic(), ComponentStatistic(ComponentSizes(0, 0)))
    loads = [partial(Frame, *frame) for frame in drawn]
    counted = count_frames(
        loads, statistics, Unchanged, partial(chosen_edges, bins=32, margins=True, thresholds=()),
        room=InMemory(), memory=2**30,
    )  # fmt: skip
    times = 1000 * np.eye(3, dtype=np.int64)
    sets = (one for several in counted.resampled(times) for one in several)
    for place, chosen in enumerate(sets):
        direct = DirectBins(counted.edges, counted.edges, frozenset(statistics))
        grids = Totals.of(Frame(*drawn[place]), statistics, direct=direct).by_statistic
        for statistic in statistics:
            grid = grids[statistic]
            pixels = statistic == statistics[0]
            alone = grid.as_groups() if pixels else grid.as_sweep(counted.edges, None)
            found = chosen.raw(statistic)
            if pixels:  # there may be edges at which nothing changes
                some = found.changes.any(axis=1)
                found = PixelCounts(found.scores[some], found.changes[some])
            for part in ("siou", "ppv", "hits") if statistic == statistics[1] else ("",):
                one = getattr(alone, part) if part else alone
                many = getattr(found, part) if part else found
                assert (one.scores == many.scores).all()
                kind = RatioSteps if part in ("siou", "ppv") else None
                if kind is None:
                    assert (1000 * one.totals == many.totals).all()
                else:  # limbs carry over
                    for limbs_one, limbs_many in zip(one.totals, many.totals, strict=True):
                        assert 1000 * value_of(limbs_one) == value_of(limbs_many)
                        assert (1000 * limbs_one[3:] == limbs_many[3:]).all()


def value_of(limbs):
    """A sum of ratios as an integer in units of 2^-84."""
    return sum(int(limb) << shift for limb, shift in zip(limbs[:3], (56, 28, 0), strict=True))


@pytest.mark.slow
def test_real_frames_lie_in_their_brackets(real_frames):
    methods = {name: real_frames / "scores" / name for name in ("espnetv2-msp", "enet-entropy")}
    options = {"anomaly_label": 2, "missing": "skip", "min_prediction": 500, "min_target": 100}
    metrics = "ap,fpr95,f1@z=0.5,mdm_f1@0.2,mdm_siou@0.1"
    found = bootstrap(methods, real_frames, metrics, replicates=50, **options)
    exact = compare(methods, real_frames, metrics, **options)
    assert found.frames == 10
    for method in methods:
        for key in found.keys:
            low, high = found.brackets[method][key]
            assert low - 1e-12 <= exact[method][key] <= high + 1e-12, (method, key)
            value, low, high = found.interval(method, key)
            assert low <= value <= high, (method, key)
