"""PixelOrder and PixelCounts: sorted pixels and their counts, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdmkit import Frame, InputError
from mdmkit.core.labels import LabelCodes
from mdmkit.statistics.pixel_order import PixelOrder, pixel_order
from mdmkit.statistics.pixels import PixelCounts
from tests.conftest import examples, small_frames
from tests.reference import brute

DTYPES = ["bool", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]


def assert_levels_and_counts_are_right(scores, target):
    frame = Frame(scores, target)
    unit, anomalous, valid = (a.ravel() for a in brute.world(scores, target))
    expected = np.unique(unit[valid])

    levels = pixel_order(frame)
    assert levels.scores.tolist() == expected[::-1].tolist()
    assert not np.signbit(levels.scores[levels.scores == 0]).any()
    assert sorted(levels.order.tolist()) == np.flatnonzero(valid).tolist()
    assert levels.ends.tolist() == [int((unit[valid] >= s).sum()) for s in levels.scores]
    np.testing.assert_array_equal(
        unit[levels.order], np.repeat(levels.scores, np.diff(levels.ends, prepend=0))
    )
    assert levels.order.dtype == np.uint32

    for swept in (frame, Frame.deferred(scores, target, codes=LabelCodes())):
        sweep = PixelCounts.of(swept)
        assert sweep.scores.tolist() == expected.tolist()
        assert not np.signbit(sweep.scores[sweep.scores == 0]).any()
        assert sweep.changes.tolist() == [
            [int((valid & anomalous & (unit == s)).sum()),
             int((valid & ~anomalous & (unit == s)).sum())] for s in expected
        ]  # fmt: skip


@examples(400)
@given(small_frames(most=1))
def test_small_frames(frames):
    assert_levels_and_counts_are_right(*frames[0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("seed", range(20))
def test_raw_scores_of_every_dtype_and_sign(seed, dtype):
    rng = np.random.default_rng(seed)
    shape = [(1, 30), (30, 1), (8, 11)][seed % 3]
    kind = np.dtype(dtype).kind
    if kind == "f":
        scores = rng.choice([rng.normal(0, 50, shape), rng.integers(-3, 3, shape)]).astype(dtype)
        tiny = np.nextafter(scores.dtype.type(0), scores.dtype.type(1))
        special = np.array([0.0, -0.0, tiny, -tiny], dtype)
        scores = np.where(rng.random(shape) < 0.3, rng.choice(special, shape), scores)
    elif kind == "b":
        scores = rng.random(shape) < 0.4
    else:
        top = np.iinfo(dtype).max
        scores = rng.choice(np.array([0, 1, 5, top // 3, top - 1, top], dtype), shape)
    target = rng.choice([0, 1, 255], shape).astype(np.uint8)
    if kind == "f":
        scores[(target == 255) & (rng.random(shape) < 0.5)] = np.nan
    assert_levels_and_counts_are_right(scores, target)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_frame_without_valid_pixels_has_no_levels(dtype):
    frame = Frame(np.ones((2, 3), dtype), np.full((2, 3), 255))
    assert PixelCounts.of(frame).scores.size == 0
    assert (
        pixel_order(frame).scores.size,
        pixel_order(frame).order.size,
        pixel_order(frame).ends.size,
    ) == (0, 0, 0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("first", ["pixels", "levels", "classes", "valid", "check"])
def test_a_deferred_frame_is_refused_at_its_first_use(first, dtype):
    uses = {
        "pixels": PixelCounts.of, "levels": PixelOrder.of, "classes": lambda f: f.classes,
        "valid": lambda f: f.valid, "check": Frame.check,
    }  # fmt: skip
    maps = {
        "unknown": ([[0.5, 0.5]], [[0, 7]], "target of a: expected label values"),
        "nan": ([[0.5, np.nan]], [[0, 1]], "scores of a: expected finite scores"),
        "inf": ([[np.inf, 0.5]], [[0, 1]], "scores of a: expected finite scores"),
    }
    for scores, target, message in maps.values():
        frame = Frame.deferred(np.array(scores, dtype), target, codes=LabelCodes(), name="a")
        with pytest.raises(InputError, match=message):
            uses[first](frame)


@examples(50)
@given(st.integers(0, 2**32 - 1))
def test_levels_of_equal_scores_keep_the_order_of_pixels(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 4, (9, 9)) / 4
    for dtype in (np.float16, np.float32):
        levels = PixelOrder.of(Frame(scores.astype(dtype), np.ones((9, 9), int)))
        for part in np.split(levels.order, levels.ends[:-1]):
            assert (np.diff(part) > 0).all()
