"""The slider of a report: thresholds to offer, maps of 8 bits that are exact at each, colours."""

from __future__ import annotations

import io
from base64 import b64decode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mdmkit.core.frame import Frame
from mdmkit.report import building
from mdmkit.report import slider as levels
from mdmkit.report.pictures import png
from mdmkit.statistics.normalizers import MinMax, Sigmoid, Unchanged


def test_thresholds_beyond_what_eight_bits_hold_are_left_out():
    offered = levels.offer_thresholds([np.linspace(0, 1, 1000)], np.linspace(0.0012, 0.9, 300))
    assert offered.values.size == levels.MOST
    assert 0.0012 in offered.values
    assert not offered.complete


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=60),
    st.lists(st.floats(0, 1), max_size=40),
    st.booleans(),
    st.sampled_from([np.float64, np.float32, np.float16]),
    st.sampled_from([Unchanged(), MinMax(-0.25, 1.5), Sigmoid()]),
)
def test_levels_count_the_thresholds_that_a_score_exceeds(scores, wanted, ties, dtype, rescale):
    offered = levels.offer_thresholds([np.linspace(0, 1, 1000)], wanted)
    scores = np.array([scores + (wanted + [k / 4096 for k in range(3)] if ties else [])], dtype)
    frame = Frame(scores, np.ones_like(scores, np.uint8))
    rescaled = rescale(scores.astype(np.float64))
    expected = [[int((offered.values < score).sum()) for score in rescaled[0]]]
    extremes = float(scores.min()), float(scores.max())
    assert offered.levels(frame, rescale, extremes).tolist() == expected


@given(st.integers(2, 256), st.randoms(use_true_random=False))
def test_counts_at_a_threshold_are_those_of_its_prediction(n, random):
    drawn = np.array([[random.randrange(n) for _ in range(40)]], np.uint8)
    classes = np.array([[random.randrange(3) for _ in range(40)]], np.uint8)
    counts = levels.Counts.of(drawn, classes, n)
    assert counts.tp.tolist() == [int((drawn > i)[classes == 1].sum()) for i in range(n)]
    assert counts.fp.tolist() == [int((drawn > i)[classes == 0].sum()) for i in range(n)]
    assert (counts.anomalous, counts.normal) == ((classes == 1).sum(), (classes == 0).sum())


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (33, 20)])
def test_a_map_of_bytes_comes_back_from_its_png(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with Image.open(io.BytesIO(b64decode(png(pixels)))) as opened:
        assert opened.mode == "L"
        assert (np.asarray(opened) == pixels).all()


def test_maps_are_coloured_as_in_figures():
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    offered = levels.offer_thresholds([np.linspace(0, 1, 1000)], [k / 256 for k in range(257)])
    magma = [to_hex(colormaps["magma"](float(z))) for z in offered.values]
    assert building._palette(offered) == ["#000004", *magma]


@pytest.mark.parametrize("dtype", [np.float64, np.float16])
@pytest.mark.parametrize("ignored", [np.nan, 0.75])
def test_ignored_pixels_have_no_level(dtype, ignored):
    frame = Frame(np.array([[0.875, ignored, 0.375]], dtype), [[1, 255, 0]])
    offered = levels.offer_thresholds([np.array([0.375, 0.875])], [])
    assert offered.levels(frame, Unchanged(), (0.375, 0.875)).tolist() == [[2, 0, 1]]
    assert offered.values.tolist() == [0.0, 0.375, 0.875, 1.0]
