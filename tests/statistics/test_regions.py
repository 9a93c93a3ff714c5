"""Coverage of regions, the area under PRO, and AUPIMO equal literal loops."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import label

from mdmkit.core.frame import Frame, as_unit
from mdmkit.core.labels import LabelCodes
from mdmkit.evaluation.methods import load_frame
from mdmkit.io import RegionMasks, Saturation
from mdmkit.metrics.region_metrics import PRO, SPRO, area_under_pro, aupimo_of_images
from mdmkit.statistics.frame_regions import FrameRegions
from mdmkit.statistics.image_rates import ImageRates
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.regions import WHOLE, RegionCoverage, covered_steps
from mdmkit.statistics.score_bins import PixelBins
from mdmkit.statistics.stepped_counts import SteppedCounts
from tests.reference import regions as brute
from tests.statistics.test_boundaries import random_frame, thresholds_of


def literal(frame, min_target=0):
    scores = np.where(frame.valid, as_unit(frame.scores), np.nan)
    masks = brute.components(frame.classes == 1)
    regions = [(mask, mask.sum()) for mask in masks if mask.sum() >= min_target]
    return scores, regions, frame.classes == 0


@pytest.mark.parametrize("seed", range(40))
def test_targets_agree_with_scipy(seed):
    frame = random_frame(np.random.default_rng(seed))
    targets = FrameRegions.of(frame)
    labels, n = label(frame.classes == 1, np.ones((3, 3)))
    assert len(targets) == n
    again = np.zeros(frame.shape, int).ravel()
    again[targets.pixels] = targets.component + 1
    pairs = set(zip(again.tolist(), labels.ravel().tolist(), strict=True))
    assert len(pairs) == len(dict(pairs)) == len(np.unique(labels))
    for i in range(n):
        rows = np.nonzero(again.reshape(frame.shape) == i + 1)[0]
        assert (rows.size, rows.max()) == (targets.sizes[i], targets.rows[i])


@pytest.mark.parametrize("seed", range(40))
def test_pro_and_its_area_agree_with_loops(seed):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng, largest=9) for _ in range(rng.integers(1, 4))]
    least = int(rng.choice([0, 0, 3]))
    coverage = SteppedCounts.merged([RegionCoverage(least).of(frame) for frame in frames])
    pixels = PixelCounts.merged([PixelCounts.of(frame) for frame in frames])
    literally = [literal(frame, least) for frame in frames]
    if not coverage.sizes[0] or not pixels.normal:
        assert np.isnan(area_under_pro(pixels, coverage, 0.3)[0])
        return
    for z in thresholds_of(*frames):
        value = PRO(least).values(coverage.steps.above(z), coverage.sizes)
        assert value == pytest.approx(brute.pro(literally, z), abs=1e-11)
    for limit in (0.05, 0.3, 1):
        value = area_under_pro(pixels, coverage, limit)[0]
        assert value == pytest.approx(brute.aupro(literally, limit), abs=1e-10)


def test_regions_covered_altogether_are_whole():
    scores = np.random.default_rng(0).random(1000)
    regions = np.repeat(np.arange(10), 100).astype(np.int32)
    sizes = np.full(10, 100.0)
    assert covered_steps(scores, regions, sizes).totals[0, 0] == 10 * WHOLE


@pytest.mark.slow
def test_a_region_of_2_to_24_pixels_is_whole():  # whose n 2^40 would not fit into 64 bits
    many = np.zeros(2**24, np.uint8)
    steps = covered_steps(many, np.zeros(many.size, np.int32), np.array([float(many.size)]))
    assert steps.totals[0, 0] == WHOLE


@pytest.mark.parametrize(
    ("saturation", "fractions"),
    [(4, [0.25, 0.5, 0.75, 1]), (2, [0.5, 1, 1, 1]), (2.5, [0.4, 0.8, 1, 1]), (0.5, [1] * 4)],
)
def test_a_saturated_region_counts_its_largest_scores(saturation, fractions):
    steps = covered_steps(
        np.array([0.9, 0.1, 0.5, 0.3]), np.zeros(4, np.int32), np.array([saturation])
    )
    values = [int(steps.above(z)[0]) / WHOLE for z in (0.6, 0.4, 0.2, 0)]
    assert values == pytest.approx(fractions, abs=1e-11)


def test_a_pixel_in_two_regions_counts_for_both():
    steps = covered_steps(
        np.array([0.9, 0.5, 0.9]), np.array([0, 0, 1], np.int32), np.array([2.0, 1.0])
    )
    assert steps.above(0.7)[0] == 3 * WHOLE // 2


@pytest.mark.parametrize("seed", range(40))
def test_aupimo_agrees_with_loops(seed):
    rng = np.random.default_rng(seed)
    frames = [random_frame(rng, largest=9) for _ in range(rng.integers(2, 6))]
    for _ in range(rng.integers(1, 4)):
        scores = rng.integers(0, 9, rng.integers(1, 9, 2)) / 8
        frames.append(Frame(scores, np.zeros(scores.shape, np.uint8)))
    rates = ImageRates.merged([ImageRates.of(frame) for frame in frames])
    literally = [(as_unit(f.scores), f.classes == 1, f.valid) for f in frames]
    for least, most in ((1e-5, 1e-4), (0.02, 0.5), (0.3, 1)):
        expected = brute.aupimo(literally, least, most)
        assert aupimo_of_images(rates, least, most) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_thousands_of_maps_agree_with_loops():
    for seed in range(40, 2000):
        test_targets_agree_with_scipy(seed)
        test_pro_and_its_area_agree_with_loops(seed)
        test_aupimo_agrees_with_loops(seed)


def test_bounds_hold_for_scores_in_bins():
    rng = np.random.default_rng(3)
    edges = np.arange(5) / 4
    for _ in range(50):
        frame = Frame(rng.random((8, 8)), (rng.random((8, 8)) < 0.3).astype(np.uint8))
        coverage, pixels = RegionCoverage().of(frame), PixelScores.of(frame)
        bracketed = PixelBins.of(pixels, edges).as_groups()
        value, bracket = area_under_pro(pixels, coverage, 0.3)
        assert bracket == (value, value)
        for known, lows in (
            (coverage, None),
            (coverage.at_edges(edges).as_sweep(edges, None), edges),
        ):
            scores = known.steps.scores
            least = None if lows is None else np.append(-1, edges)[np.searchsorted(edges, scores)]
            middle, (low, high) = area_under_pro(bracketed, known, 0.3, least)
            assert low - 1e-12 <= value <= high + 1e-12
            assert low <= middle <= high
            assert high - low > 0


def test_regions_that_a_data_set_names_saturate(tmp_path):
    masks = np.zeros((2, 2, 4), np.uint8)
    masks[0, 0], masks[1, :, :2] = 9, 7  # they share two pixels
    for name, mask in zip(("000", "001"), masks, strict=True):
        Image.fromarray(mask).save(tmp_path / f"{name}.png")
    np.save(tmp_path / "scores.npy", np.array([[0.9, 0.8, 0.3, 0.2], [0.7, 0.1, 0.6, 0.0]]))
    files = RegionMasks(tuple(sorted(tmp_path.glob("*.png"))), (Saturation(9, 2),))
    frame = load_frame(tmp_path / "scores.npy", files, LabelCodes(0, 255, None), "", None)
    coverage = RegionCoverage(saturated=True).of(frame)
    assert coverage.sizes.tolist() == [2]
    # the first is saturated by two pixels, the second has four
    for z, value in ((0.85, (0.5 + 0.25) / 2), (0.75, (1 + 0.5) / 2), (0.65, (1 + 0.75) / 2)):
        found = SPRO().values(coverage.steps.above(z), coverage.sizes)
        assert found == pytest.approx(value, abs=1e-11)
    assert RegionCoverage().of(frame).sizes.tolist() == [1]  # one component
