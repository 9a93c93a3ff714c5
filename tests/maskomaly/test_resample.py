"""Resampling: bilinear in bands and averages by area, against loops over pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import Geometry  # noqa: E402
from maskomaly import resample as resampling  # noqa: E402
from maskomaly.resample import at_image, resample_area, upsample  # noqa: E402
from tests.reference import maskomaly_literal as literal  # noqa: E402

sides = st.integers(1, 14)
seeds = st.integers(0, 2**31)


def drawn(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@given(sides, sides, sides, sides, seeds)
def test_area_agrees_with_a_loop_over_pixels(h, w, height, width, seed):
    maps = drawn(seed, h, w)
    expected = literal.area(maps.double().numpy(), height, width)
    assert np.abs(resample_area(maps, (height, width)).numpy() - expected).max() <= 4e-7


@given(st.integers(1, 60), st.integers(1, 60))
def test_an_average_never_leaves_the_range(held, wanted):
    ones = resample_area(torch.ones(1, held), (1, wanted))
    assert torch.equal(ones, torch.ones(1, wanted))


def test_area_is_the_mean_of_what_is_covered():
    maps = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    # Each new pixel covers one and a half old ones.
    assert resample_area(maps, (1, 2)).tolist() == [[0.0, pytest.approx(2 / 3)]]
    # Growing: the middle new pixel lies half in either old one.
    assert resample_area(torch.tensor([[0.0, 1.0]]), (1, 3)).tolist() == [[0.0, 0.5, 1.0]]


@pytest.mark.parametrize(
    ("size", "image"), [((1024, 1824), (720, 1280)), ((480, 960), (1000, 2001))]
)
def test_area_of_real_sizes_keeps_mean_and_range(size, image):
    maps = drawn(0, *size)
    resampled = resample_area(maps, image)
    assert abs(resampled.double().mean() - maps.double().mean()) < 1e-6
    assert maps.min() <= resampled.min() <= resampled.max() <= maps.max()
    ones = resample_area(torch.ones(size), image)
    assert torch.equal(ones, torch.ones(image))


@given(sides, sides, sides, sides, seeds)
def test_bilinear_agrees_with_a_loop_over_pixels(h, w, height, width, seed):
    maps = 20 * drawn(seed, 2, h, w) - 10
    expected = literal.bilinear(maps.double().numpy(), height, width)
    assert np.abs(upsample(maps, (height, width)).numpy() - expected).max() <= 1e-4


@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
def test_bilinear_is_what_torch_computes(ratio):
    maps = 20 * drawn(ratio, 3, 32, 40) - 10
    size = (32 * ratio, 40 * ratio)
    whole = torch.nn.functional.interpolate(maps[None], size=size, mode="bilinear")[0]
    assert (upsample(maps, size) - whole).abs().max() <= 5e-6
    if ratio == 1:
        assert torch.equal(upsample(maps, size), maps)


@given(sides, sides, st.integers(1, 20), seeds, st.data())
def test_a_row_is_the_same_in_any_band(h, w, height, seed, data):
    maps = drawn(seed, 2, h, w)
    start = data.draw(st.integers(0, height - 1))
    stop = data.draw(st.integers(start + 1, height))
    whole = upsample(maps, (height, 7))
    assert torch.equal(upsample(maps, (height, 7), slice(start, stop)), whole[:, start:stop])


def test_leading_dimensions_are_kept_and_none_may_be_there():
    assert upsample(torch.zeros(3, 4), (6, 8)).shape == (6, 8)
    assert upsample(torch.zeros(2, 3, 3, 4), (6, 8)).shape == (2, 3, 6, 8)
    assert upsample(torch.zeros(0, 3, 4), (6, 8), slice(1, 3)).shape == (0, 2, 8)
    assert resample_area(torch.zeros(5, 6, 8), (3, 4)).shape == (5, 3, 4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_everything_becomes_float32(dtype):
    maps = drawn(0, 2, 5, 6).to(dtype)
    wide = upsample(maps, (10, 12))
    assert wide.dtype == torch.float32
    assert torch.equal(wide, upsample(maps.float(), (10, 12)))


@pytest.mark.parametrize("values", [1, 100, 1 << 20])
def test_bands_of_any_height_make_the_same_map(monkeypatch, values):
    maps = drawn(0, 3, 6, 8)
    geometry = Geometry((13, 17), (22, 31), (24, 32))
    monkeypatch.setattr(resampling, "_BAND_VALUES", {"cpu": values})
    banded = at_image(maps, geometry, lambda band: band.sum(0))
    whole = upsample(maps, geometry.padded)[:, :22, :31].sum(0)
    assert torch.equal(banded, resample_area(whole, (13, 17)))


def test_padding_is_cut_off():
    maps = torch.zeros(1, 4, 4)
    maps[:, 3:] = maps[:, :, 3:] = 5.0  # lies in the padding, half a pixel of blur included
    score = at_image(maps, Geometry((4, 4), (9, 9), (16, 16)), lambda band: band[0])
    assert torch.equal(score, torch.zeros(4, 4))
