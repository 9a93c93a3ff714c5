"""Counts of borders equal binary morphology at every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import minimum_filter

from mdmkit.core.frame import Frame, as_unit
from mdmkit.statistics.boundaries import BandOverlap, BorderMatch, _eroded
from mdmkit.statistics.regions import RegionCoverage
from mdmkit.statistics.score_keys import key_source, keys_of, scores_of
from mdmkit.statistics.stepped_counts import BinnedCounts, IntervalCounts, SteppedCounts
from tests.conftest import DTYPES, KINDS, random_scores
from tests.reference.borders import band_counts, match_counts


def random_frame(rng, *dtypes, largest=12):
    """Random scores beside blobs and noise as ground truth, some of it ignored.

    Each dtype compiles loops of its own: half a minute for all, which the slow tests wait for.
    """
    shape = tuple(rng.integers(1, largest, 2))
    scores = random_scores(
        rng, shape, rng.choice(KINDS), rng.choice(dtypes or ("uint8", "float32"))
    )
    target = (minimum_filter(rng.random(shape), 2) < rng.choice([0.05, 0.2, 0.6])).astype(np.uint8)
    target[rng.random(shape) < rng.choice([0, 0, 0.1, 0.5])] = 255
    return Frame(scores, target)


def thresholds_of(*frames):
    """Below all scores, and every score."""
    scores = np.concatenate([as_unit(f.scores[f.valid]) for f in frames])
    return np.unique(np.append(scores, -1.0))


def masks(frame):
    scores = np.where(frame.valid, as_unit(frame.scores), 0)
    return scores, frame.classes == 1, ~frame.valid


def agree(statistic, frames, expected):
    counts = IntervalCounts.merged([statistic.of(frame) for frame in frames])
    for z in thresholds_of(*frames):
        wanted = np.sum([expected(frame, z) for frame in frames], axis=0)
        assert [*counts.steps.above(z), *counts.sizes] == wanted.tolist(), (statistic, z)
        above = counts.monotone_steps.above(z)
        assert (above[1::2] - above[::2]).tolist() == wanted[:-1].tolist()


def check_bands(seed, *dtypes):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng, *dtypes) for _ in range(rng.integers(1, 4))]
    statistic = BandOverlap(px=int(rng.integers(1, 4)))
    agree(statistic, frames, lambda f, z: band_counts(*masks(f), statistic.px, z))


def check_matches(seed, *dtypes):
    rng = np.random.default_rng(1000 + seed)
    frames = [random_frame(rng, *dtypes) for _ in range(rng.integers(1, 4))]
    px = rng.choice([0, 1, 1.5, 2, 3, 5.5])
    statistic = BorderMatch(float(px), int(rng.choice([4, 8])))
    agree(statistic, frames, lambda f, z: match_counts(*masks(f), px, statistic.neighbours, z))


@pytest.mark.parametrize("seed", range(10))
def test_bands_agree_with_binary_erosion(seed):
    check_bands(seed)


@pytest.mark.parametrize("seed", range(10))
def test_matches_agree_with_distance_transforms(seed):
    check_matches(seed)


@pytest.mark.slow
def test_thousands_of_maps_agree_with_morphology():
    for seed in range(10, 3000):
        check_bands(seed, *DTYPES)
        check_matches(seed, *DTYPES)


@pytest.mark.parametrize("depth", [1, 2, 3, 7])
@pytest.mark.parametrize("shape", [(1, 1), (3, 20), (16, 15), (40, 33)])
def test_erosion_is_a_minimum_filter(depth, shape):
    keys = np.random.default_rng(0).integers(1, 1000, shape).astype(np.uint32)
    expected = minimum_filter(keys, 2 * depth + 1, mode="constant", cval=0)
    assert np.array_equal(_eroded(keys, depth), expected)


@pytest.mark.parametrize("dtype", [*DTYPES, "uint16", "uint32", "bool"])
def test_keys_are_ordered_like_scores_and_give_them_back(dtype):
    rng = np.random.default_rng(0)
    scores = (rng.random(500) * 1000 - (0 if dtype[0] in "ub" else 500)).astype(dtype)
    scores[:2] = [0, 1]
    if dtype.startswith("float"):
        scores[2:5] = [-0.0, np.finfo(dtype).max, np.finfo(dtype).min]
    keys = keys_of(scores)
    values = as_unit(scores)
    assert np.array_equal(scores_of(keys, key_source(scores.dtype)), values)
    assert np.array_equal(np.argsort(keys, kind="stable"), np.argsort(values, kind="stable"))
    assert keys.min() > 0
    assert keys.max() < np.iinfo(keys.dtype).max


@pytest.mark.parametrize(
    "dtypes", [("uint8", "float32"), pytest.param(DTYPES, marks=pytest.mark.slow)]
)
def test_frames_of_several_dtypes_merge(dtypes):
    rng = np.random.default_rng(5)
    frames = [random_frame(rng, dtype) for dtype in dtypes]
    agree(BandOverlap(px=1), frames, lambda f, z: band_counts(*masks(f), 1, z))


def test_depth_is_a_share_of_the_diagonal():
    assert BandOverlap().depth((1024, 2048)) == 46  # 0.02 x 2289.7
    assert BandOverlap().depth((3, 3)) == 1


@pytest.mark.parametrize("statistic", [BandOverlap(px=1), BorderMatch(1.5), RegionCoverage()])
@pytest.mark.parametrize("seed", range(4))
def test_bins_bound_the_counts_within(statistic, seed):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng) for _ in range(3)]
    edges = np.sort(rng.choice(np.arange(17) / 16, 5, replace=False))
    exact = [statistic.of(frame) for frame in frames]
    total = type(exact[0]).merged(exact)
    binned = BinnedCounts.merged([counts.at_edges(edges) for counts in exact])
    some = rng.random(edges.size + 1) < 0.5
    resolved = SteppedCounts.merged([counts.inside_bins(edges, some) for counts in exact])
    known = binned.as_sweep(edges, resolved).steps
    for z in thresholds_of(*frames):
        cell = np.searchsorted(edges, z, side="right")
        counts = total.steps.above(z)
        assert (binned.low[cell] <= counts).all()
        assert (counts <= binned.high[cell]).all()
        if z in edges or some[cell]:
            assert np.array_equal(known.above(z), counts)
