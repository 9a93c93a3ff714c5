"""`python -m tests.fuzz --maps 10000`: every fast path against its oracle on seeded random maps."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from unittest.mock import patch

import numpy as np

import mdmkit.evaluation.closer_looks
from mdmkit import PPV, MeanF1, SIoU, evaluate, mdm, threshold_curve
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame
from mdmkit.evaluation import gathering
from mdmkit.evaluation.closer_looks import closer_curve
from mdmkit.statistics import accumulator
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.components import ComponentCounts
from mdmkit.statistics.edges import unit_edges, with_edges
from mdmkit.statistics.kinds import PixelStatistic
from mdmkit.statistics.pixel_bins import BinnedFrame
from mdmkit.statistics.pixel_order import pixel_order
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_bins import PixelBins
from tests.conftest import DTYPES, KINDS, random_scores
from tests.reference import brute, union

TWO_PASSES = "best_f1,siou_gt,ppv,mean_f1,fpr95,mdm_f1@0.3,mdm_siou@0.2,mdm_ppv@0.3,mdm_mean_f1@0.1"
METRICS = {"siou": SIoU, "ppv": PPV, "mean_f1": MeanF1}
PARTS = ("siou", "ppv", "hits")
SHAPES = ((10, 10), (30, 30), (1, 80), (80, 1), (3, 50))


def metric(name, sizes):
    return METRICS[name](sizes.min_prediction, sizes.min_target)


def grid_of(frame, sizes, edges, more=()):
    """The grid of a frame, its bounds looked at on a grid with more edges."""
    finer = with_edges(edges, more)
    return BinnedComponents.of(BinnedFrame.of(frame, finer), sizes, edges)


def random_frame(rng):
    """A frame of any shape up to 30 x 30 or 1 x 80, of any kind of scores, with many targets."""
    tall, wide = SHAPES[rng.integers(len(SHAPES))]
    shape = (rng.integers(1, tall + 1), rng.integers(1, wide + 1))
    scores = random_scores(rng, shape, rng.choice(KINDS), rng.choice(DTYPES))
    target = (rng.random(shape) < rng.choice([0.05, 0.1, 0.3, 0.6])).astype(np.uint8)
    target[rng.random(shape) < rng.choice([0, 0, 0.2])] = 255
    if scores.dtype != np.uint8:
        scores[(target == 255) & (rng.random(shape) < 0.5)] = np.nan
    place = tuple(rng.integers(shape))
    target[place] = 1
    if np.isnan(scores[place]):
        scores[place] = 0
    return Frame(scores, target)


def random_case(seed):
    rng = np.random.default_rng(seed)
    sizes = ComponentSizes(int(rng.choice([0, 0, 1, 2, 5])), int(rng.choice([0, 0, 2, 3])))
    return rng, random_frame(rng), sizes


def assert_same_sweep(mine, expected):
    assert (mine.targets, mine.largest) == (expected.targets, expected.largest)
    for part in PARTS:
        one, other = getattr(mine, part), getattr(expected, part)
        np.testing.assert_array_equal(one.scores, other.scores)
        np.testing.assert_array_equal(one.changes, other.changes)


def assert_same_margins(frames, sizes, expected, asked):
    """Margins and values by closer looks, from few bins, against those of every score."""
    few = {"BINS": 4, "few_scores": lambda frame: False}
    with patch.multiple(mdmkit.evaluation.closer_looks, **few):
        for name, several in asked.items():
            plain = metric(name, sizes).curve(expected)
            near = closer_curve(frames, metric(name, sizes))
            assert near.margin(several) == plain.margin(several)
            thresholds = np.append(plain.breakpoints[::7], [0.3, 0.5])
            again = closer_curve(frames, metric(name, sizes))
            np.testing.assert_array_equal(again(thresholds), plain(thresholds))


def asked_qualities(rng, sizes, expected):
    """Some T for some metrics, values that occur (ties d == T) among them."""
    asked = {}
    for name in METRICS:
        values = metric(name, sizes).curve(expected).values
        values = values[~np.isnan(values) & (values < 1)]
        several = list(rng.choice([0, 0.1, 0.25, 0.5, 0.6, 0.75], rng.integers(0, 3)))
        if values.size:
            several.append(rng.choice(values))
        if rng.random() < 0.8:
            asked[name] = [float(t) for t in several]
    return asked


def assert_grid_is_right(grid, edges, sizes, expected, scores):
    for part in PARTS:
        steps, seen = getattr(expected, part), getattr(grid, part)
        np.testing.assert_array_equal(seen.totals[0], steps.totals[0])
        at_edges = np.array([steps.above(z) for z in edges])
        np.testing.assert_array_equal(seen.totals[1:], at_edges)
        assert not (seen.low > seen.high).any()
    thresholds = np.unique(np.concatenate([scores, edges]))
    thresholds = thresholds[(thresholds >= 0) & (thresholds < 1)]
    cells = np.searchsorted(edges, thresholds, side="right")
    for name in METRICS:
        values = metric(name, sizes).curve(expected)(thresholds)
        low, high = (bound[cells] for bound in metric(name, sizes).bounds(grid))
        defined = ~np.isnan(values)
        assert np.isnan(low[~defined]).all()
        assert not (values < low)[defined].any()
        assert not (values > high)[defined].any()


def check_components(rng, frame, sizes, edges, more, done):
    """Every level, the grid, its second look, and closer looks, against the plain sweep."""
    expected = union.component_sweep(frame, sizes)
    assert_same_sweep(ComponentCounts.of(frame, sizes), expected)
    done["every level"] += 1
    cells = BinnedFrame.of(frame, with_edges(edges, more))
    grid = BinnedComponents.of(cells, sizes, edges)
    resolved = rng.random(edges.size + 1) < 0.4
    inside = ComponentCounts.inside(cells, sizes, edges, resolved)
    assert_same_sweep(inside, expected.inside_bins(edges, resolved))
    done["second look"] += 1
    if expected.targets:
        assert_grid_is_right(grid, edges, sizes, expected, pixel_order(frame).scores)
        done["grid"] += 1
        assert_same_margins([frame], sizes, expected, asked_qualities(rng, sizes, expected))
        done["closer looks"] += 1


def check_pixels(rng, frame, edges, done):
    """Counts against numpy, the grid against exact counts."""
    sweep = PixelCounts.of(frame)
    target = np.where(frame.valid, frame.classes, 255)
    scores, anomalous, valid = (a.ravel() for a in brute.world(frame.scores, target))
    for z in sweep.scores[:: max(1, sweep.scores.size // 20)]:
        predicted = valid & (scores > z)
        true = np.count_nonzero(predicted & anomalous)
        assert sweep.above(z).tolist() == [true, np.count_nonzero(predicted) - true]
    done["pixel counts"] += 1
    exact = PixelStatistic().of(frame)
    expected, counted = PixelBins.of(exact, edges), PixelBins.of_frame(BinnedFrame.of(frame, edges))
    np.testing.assert_array_equal(counted.counts, expected.counts)
    assert (counted.least <= expected.least).all()
    assert (counted.greatest >= expected.greatest).all()
    assert counted.as_groups().extremes == expected.as_groups().extremes
    intervals = np.sort(rng.choice([*sweep.scores, 0.0, 0.3, 1.0], (2, 2)), axis=1)
    inside = PixelStatistic().between(frame, intervals).rows()
    lows, highs = intervals[:, :1], intervals[:, 1:]
    within = ((lows <= sweep.scores) & (sweep.scores <= highs)).any(axis=0)
    np.testing.assert_array_equal(inside.scores, sweep.scores[within])
    np.testing.assert_array_equal(inside.changes, sweep.changes[within])
    done["pixel bins"] += 1


def check_margins(rng, frame, done):
    """Margins from bounds on bins against those of every score, ties d == T among them."""
    maps = np.where(frame.valid, frame.scores, 0), np.where(frame.valid, frame.classes, 255)
    for name in ("f1", "iou", "precision", "recall"):
        curve = threshold_curve(*maps, metric=name)
        values = curve.values[(curve.values >= 0) & (curve.values < 1)]
        several = [0.5, *(rng.choice(values, 2).tolist() if values.size else [])]
        assert mdm(*maps, several, metric=name) == curve.margin(several)
    done["margins from bins"] += 1


def check_two_passes(frame, sizes, done):
    """Numbers of a grid with a second pass against those of every score."""
    other = Frame(1 - np.where(frame.valid, frame.scores, 0), frame.classes, ignore_index=2)
    frames = [frame, other]
    options = {"min_prediction": sizes.min_prediction, "min_target": sizes.min_target}
    exact = evaluate(iter(frames), TWO_PASSES, **options)
    with (
        patch.object(gathering, "FEW_PIXELS", 0),
        patch.object(accumulator, "_component_edges", lambda _, parts=1: unit_edges(8 * parts)),
    ):
        again = evaluate(frames, TWO_PASSES, **options)
    for key in exact:
        assert again[key] == exact[key], key
    done["two passes"] += 1


def check(seed, done=None):
    """One random map, and all that is fast on it; counts in `done` what was compared."""
    done = Counter() if done is None else done
    rng, frame, sizes = random_case(seed)
    edges = unit_edges(int(2 ** rng.integers(0, 10)))
    if rng.random() < 0.3:
        edges = np.unique(rng.normal(0.4, 0.5, rng.integers(1, 9)))
    more = [unit_edges(512), rng.normal(0.4, 0.5, 9), np.empty(0)][rng.integers(3)]
    check_components(rng, frame, sizes, edges, more, done)
    check_pixels(rng, frame, edges, done)
    check_margins(rng, frame, done)
    several = union.component_sweep(frame, sizes).targets > 0
    if several and frame.scores.dtype.kind == "f" and seed % 4 == 0:
        check_two_passes(frame, sizes, done)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--maps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    union.compile_loops()
    done, start = Counter(), time.perf_counter()
    for seed in range(asked.seed, asked.seed + asked.maps):
        try:
            check(seed, done)
        except AssertionError as error:
            raise SystemExit(f"seed {seed}: {error}") from error
    print(f"{asked.maps} maps in {time.perf_counter() - start:.0f} s, no difference:")
    for name, count in done.items():
        print(f"  {name:20} {count}")


if __name__ == "__main__":
    main()
