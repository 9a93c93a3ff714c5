"""The component sweep in all its modes, against the plain sweep and against relabelling."""

from __future__ import annotations

from math import fsum
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import InputError, MeanF1, SIoU
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame import Frame
from mdmkit.statistics import components
from mdmkit.statistics.binned_components import BinnedComponents
from mdmkit.statistics.components import ComponentCounts, mean_f1
from mdmkit.statistics.edges import unit_edges
from mdmkit.statistics.pixel_order import pixel_order
from tests.conftest import cases, examples, small_frames
from tests.fuzz import (
    METRICS,
    PARTS,
    assert_grid_is_right,
    assert_same_margins,
    assert_same_sweep,
    check,
    grid_of,
)
from tests.reference import union

SIZES = st.builds(
    ComponentSizes, st.sampled_from([0, 0, 1, 2, 3, 5]), st.sampled_from([0, 0, 2, 3])
)


def test_hand_drawn_map_at_every_level():
    # z < 0.2 joins both targets' pixels, one normal pixel and the two others in one component
    frame = Frame(np.float32([[0.5, 0.2, 0.75], [0.1, 0.9, 0.3]]), [[1, 0, 0], [0, 0, 1]])
    sweep = ComponentCounts.of(frame, ComponentSizes())
    assert sweep.targets == 2
    curve = SIoU().curve(sweep)
    assert curve(np.float64([0.9, 0.6, 0.4, 0.25])).tolist() == pytest.approx([0, 0, 1 / 6, 1 / 3])


@examples(150)
@given(small_frames(most=1), SIZES)
def test_sweep_equals_the_plain_sweep(frames, sizes):
    frame = Frame(*frames[0])
    assert_same_sweep(ComponentCounts.of(frame, sizes), union.component_sweep(frame, sizes))


@pytest.mark.parametrize("block", range(4))
def test_every_fast_path_agrees_with_its_oracle_on_random_maps(block):
    count = cases(100)
    for seed in range(block * count, (block + 1) * count):
        check(seed)


@pytest.mark.parametrize("shape", [(36, 48), pytest.param((90, 120), marks=pytest.mark.slow)])
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_many_targets_in_one_huge_component(noise, shape):
    rng = np.random.default_rng(3)
    scores = rng.random(shape) * noise
    target = np.zeros(scores.shape, np.uint8)
    target[2::6, 2::6] = target[3::6, 2::6] = target[2::6, 3::6] = 1
    scores += 0.5 * target + np.linspace(0, 0.2, shape[1])
    frame, sizes = Frame((scores / 1.1).astype(np.float32), target), ComponentSizes(3)
    expected = union.component_sweep(frame, sizes)
    assert expected.targets == scores.size // 36
    assert_same_sweep(ComponentCounts.of(frame, sizes), expected)
    assert_same_margins([frame], sizes, expected, dict.fromkeys(METRICS, (0.1, 0.5, 0.6)))
    grid = grid_of(frame, sizes, unit_edges(256))
    assert_grid_is_right(grid, unit_edges(256), sizes, expected, pixel_order(frame).scores)


def test_scores_one_ulp_around_the_edges_of_bins():
    edges = np.arange(1, 16) / 16
    scores = np.concatenate([np.nextafter(edges, 0), edges, np.nextafter(edges, 1)])
    rng = np.random.default_rng(0)
    frame = Frame(rng.permutation(scores).reshape(5, 9), rng.random((5, 9)) < 0.3)
    sizes = ComponentSizes()
    expected = union.component_sweep(frame, sizes)
    grid = grid_of(frame, sizes, unit_edges(16))
    assert_grid_is_right(grid, unit_edges(16), sizes, expected, scores)


def test_bounds_of_bins_with_one_score_at_the_edge_are_tight():
    rng = np.random.default_rng(0)
    frame = Frame(rng.integers(0, 17, (20, 20)) / 16, rng.random((20, 20)) < 0.2)
    grid = grid_of(frame, ComponentSizes(), unit_edges(16))
    low, high = MeanF1().bounds(grid)
    np.testing.assert_array_equal(low, high)
    low, high = SIoU().bounds(grid)
    np.testing.assert_allclose(low, high, rtol=0, atol=1e-9)


@examples(50)
@given(small_frames(), SIZES, st.randoms())
def test_grids_merge_in_any_order(frames, sizes, random):
    edges = unit_edges(64)
    grids = [grid_of(Frame(*f), sizes, edges) for f in frames]
    whole = BinnedComponents.merged(grids)
    random.shuffle(grids)
    again = grids[0]
    for grid in grids[1:]:
        again = BinnedComponents.merged([grid, again])
    for part in PARTS:
        for name in ("totals", "low", "high"):
            one, other = getattr(whole, part), getattr(again, part)
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    expected = ComponentCounts.merged(union.component_sweep(Frame(*f), sizes) for f in frames)
    if expected.targets:
        scores = np.concatenate([pixel_order(Frame(*f)).scores for f in frames])
        assert_grid_is_right(whole, edges, sizes, expected, scores)


def test_grid_wants_a_power_of_two():
    with pytest.raises(ValueError, match="steps: expected a power of two, found 1000"):
        unit_edges(1000)


def test_a_frame_without_valid_pixels_has_empty_sweeps():
    frame = Frame([[0.5, 0.25]], [[255, 255]])
    grid = grid_of(frame, ComponentSizes(), unit_edges(16))
    assert not grid.siou.totals.any()
    assert not grid.hits.high.any()
    assert ComponentCounts.of(frame, ComponentSizes()).siou.scores.size == 0


def test_frames_beyond_the_records_bits_are_refused():
    with patch.object(components, "MOST_PIXELS", 3), pytest.raises(InputError, match="at most 3"):
        ComponentCounts.of(Frame([[0.5] * 4], [[0, 1, 1, 0]]), ComponentSizes())


@examples(4000)
@given(
    st.integers(1, 2**31 - 1),
    st.lists(
        st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), min_size=1, max_size=50
    ),
    st.integers(0, 2),
)
def test_mean_f1_equals_fsum_to_the_last_bit(targets, pairs, beside):
    found = [(min(tp, targets), fp) for tp, fp in pairs]
    hits = np.array([*zip(*found, strict=True)], np.int64).ravel()
    rows = np.asfortranarray(np.tile(hits, (3 + beside, 1)))[beside:]
    expected = fsum(2 * tp / (targets + tp + fp) for tp, fp in found) / len(found)
    assert mean_f1(rows, targets).tolist() == [expected] * 3
    assert mean_f1(hits, targets) == expected


def test_mean_f1_of_nothing_is_undefined():
    assert np.isnan(mean_f1(np.zeros(22, np.int64), 0))
