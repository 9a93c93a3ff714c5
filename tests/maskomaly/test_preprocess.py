"""From image to network input: sizes, colours, padding, and which images are taken at all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import Geometry, Preprocessing  # noqa: E402
from maskomaly.images import read_image  # noqa: E402
from maskomaly.preprocess import as_rgb, read_settings  # noqa: E402
from mdmkit import InputError, InputTypeError  # noqa: E402
from mdmkit.core.errors import SpoiltError  # noqa: E402
from mdmkit.io.images import image_shape  # noqa: E402

RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.mark.parametrize(
    ("image", "content", "padded"),
    [
        ((1024, 2048), (1024, 2048), (1024, 2048)),  # Cityscapes: as it is
        ((720, 1280), (1024, 1820), (1024, 1824)),  # RoadAnomaly: 1820.44
        ((1280, 720), (1820, 1024), (1824, 1024)),
        ((512, 512), (1024, 1024), (1024, 1024)),
        ((300, 1000), (614, 2048), (640, 2048)),  # the longest side decides: 614.4
        ((1000, 300), (2048, 614), (2048, 640)),
        ((1080, 1919), (1024, 1819), (1024, 1824)),  # 1819.496, + 0.5 = 1819.996
    ],
)
def test_sizes_are_those_of_the_paper(image, content, padded):
    assert Preprocessing().geometry(image) == Geometry(image, content, padded)


def detectron2_size(height, width, shortest, longest):
    """ResizeShortestEdge, step by step."""
    scale = shortest / min(height, width)
    if height < width:
        new_height, new_width = float(shortest), scale * width
    else:
        new_height, new_width = scale * height, float(shortest)
    if max(new_height, new_width) > longest:
        again = longest / max(new_height, new_width)
        new_height, new_width = new_height * again, new_width * again
    return int(new_height + 0.5), int(new_width + 0.5)


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(16, 1200), st.integers(16, 2400))
def test_sizes_follow_the_rule_of_detectron2(height, width, shortest, longest):
    content = Preprocessing(shortest, longest).geometry((height, width)).content
    expected = detectron2_size(height, width, shortest, longest)
    assert content == tuple(max(1, side) for side in expected)


def test_values_are_normalised_and_padding_is_zero():
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    image[0, 1] = 255, 124, 104
    pixels, geometry = Preprocessing.as_it_is(4)(image)
    assert geometry == Geometry((2, 3), (2, 3), (4, 4))
    assert (pixels.dtype, pixels.shape) == (torch.float32, (3, 4, 4))
    # (255 - 123.675) / 58.395, (124 - 116.28) / 57.12, (104 - 103.53) / 57.375
    torch.testing.assert_close(pixels[:, 0, 1], torch.tensor([2.248908, 0.135154, 0.008192]),
                               rtol=0, atol=1e-6)  # fmt: skip
    # -123.675 / 58.395, ...: black
    torch.testing.assert_close(pixels[:, 1, 2], torch.tensor([-2.117904, -2.035714, -1.804444]),
                               rtol=0, atol=1e-6)  # fmt: skip
    assert not pixels[:, 2:, :].any()
    assert not pixels[:, :, 3:].any()


def test_colours_can_be_chosen():
    pixels, _ = Preprocessing.as_it_is(1)(np.full((1, 1, 3), 255, dtype=np.uint8))
    own = Preprocessing(None, None, 1, mean=(127.5,) * 3, std=(127.5,) * 3)
    assert own(np.full((1, 1, 3), 255, dtype=np.uint8))[0].flatten().tolist() == [1.0, 1.0, 1.0]
    assert pixels.flatten().tolist() != [1.0, 1.0, 1.0]


def test_resizing_is_pillow_s_bilinear():
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    own = Preprocessing(15, None, 1, mean=(0, 0, 0), std=(1, 1, 1))
    pixels, _ = own(image)
    expected = np.asarray(Image.fromarray(image).resize((20, 15), Image.Resampling.BILINEAR))
    assert np.array_equal(pixels.permute(1, 2, 0).numpy(), expected)


def test_an_array_and_a_picture_give_the_same():
    array = np.random.default_rng(1).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    small = Preprocessing(16, 32, 8)
    assert torch.equal(small(array)[0], small(Image.fromarray(array))[0])


def test_grey_and_palette_images_are_spelled_out_in_rgb():
    grey = np.array([[0, 100], [200, 255]], dtype=np.uint8)
    expected = np.repeat(grey[:, :, None], 3, axis=2)
    assert np.array_equal(as_rgb(grey), expected)
    assert np.array_equal(as_rgb(Image.fromarray(grey)), expected)
    black_and_white = Image.fromarray(grey).point(lambda value: value > 150, mode="1")
    assert np.array_equal(as_rgb(black_and_white)[..., 0], [[0, 0], [255, 255]])
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *GREEN])
    palette.putpixel((1, 0), 1)
    assert as_rgb(palette).tolist() == [[list(RED), list(GREEN)]]


def test_alpha_is_dropped_only_where_it_is_opaque():
    opaque = Image.new("RGBA", (2, 2), (*RED, 255))
    assert as_rgb(opaque)[0, 0].tolist() == list(RED)
    opaque.putpixel((1, 1), (*RED, 254))
    with pytest.raises(InputError, match="transparent"):
        as_rgb(opaque)
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, *GREEN])
    palette.info["transparency"] = 0
    with pytest.raises(InputError, match="transparent"):
        as_rgb(palette)


@pytest.mark.parametrize("mode", ["I;16", "I", "F", "CMYK", "HSV", "LAB", "YCbCr"])
def test_other_depths_and_colour_spaces_are_refused(mode):
    with pytest.raises(InputError, match=f"mode {mode}"):
        as_rgb(Image.new(mode, (2, 2)))


def test_arrays_that_are_no_images_are_refused():
    for wrong in (np.zeros((2, 2, 3)), np.zeros((2, 2, 3), np.uint16), [[0]], "image.png"):
        with pytest.raises(InputTypeError, match="image: expected a PIL image or an array"):
            as_rgb(wrong)
    for shape in [(2, 2, 4), (3, 2, 2), (2,), (0, 2, 3), (1, 2, 2, 3)]:
        with pytest.raises(InputError, match="image: expected shape"):
            as_rgb(np.zeros(shape, dtype=np.uint8))


#: How a viewer turns what is stored, by the orientation that the file names.
UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".jpg"])
def test_photographs_are_turned_upright(tmp_path, suffix, orientation):
    y, x = np.mgrid[:16, :32]  # smooth, as JPEG likes it, and alike in no two of its turns
    stored = np.stack([8 * x, 15 * y, 4 * x + 4 * y], 2).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned{suffix}"
    Image.fromarray(stored).save(path, exif=exif, quality=95, lossless=True)
    shown = UPRIGHT[orientation](stored)
    found = read_image(path)
    assert found.shape == shown.shape
    assert image_shape(path) == shown.shape[:2]
    difference = np.abs(found.astype(int) - shown).mean()
    assert difference < 6 if suffix == ".jpg" else difference == 0
    assert np.abs(shown[::-1].astype(int) - shown).mean() > 20


def test_settings_come_back_and_leave_other_sections_alone(tmp_path):
    assert Preprocessing.load(tmp_path) is None
    (tmp_path / "maskomaly.json").write_text('{"queries": {"accept": [1, 2]}}')
    assert Preprocessing.load(tmp_path) is None
    own = Preprocessing(None, None, 64, mean=(0.1, 0.2, 0.3))
    own.save(tmp_path)
    assert Preprocessing.load(tmp_path) == own
    Preprocessing().save(tmp_path)
    assert Preprocessing.load(tmp_path) == Preprocessing()
    assert read_settings(tmp_path)["queries"] == {"accept": [1, 2]}


def test_settings_that_were_changed_since_they_were_written_are_refused(tmp_path):
    Preprocessing(shortest_edge=512).save(tmp_path)
    path = tmp_path / "maskomaly.json"
    written = json.loads(path.read_text())
    path.write_text(path.read_text().replace("512", "576"))
    with pytest.raises(SpoiltError, match=r"by hand or damaged; .* removes its line"):
        Preprocessing.load(tmp_path)
    del written["checksum"]  # as somebody who means it
    path.write_text(json.dumps(written).replace("512", "576"))
    assert Preprocessing.load(tmp_path).shortest_edge == 576


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "expected a readable JSON file"),
        ("[]", "expected named fields"),
        ({"preprocessing": 3}, "expected settings"),
        ({"preprocessing": {"size": 3}}, "unknown settings size"),
        ({"preprocessing": {"size_divisor": 0}}, "size_divisor: expected"),
        ({"preprocessing": {"mean": [1, 2]}}, "mean: expected three numbers"),
    ],
)
def test_bad_settings_are_named_with_their_file(tmp_path, content, message):
    path = tmp_path / "maskomaly.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(InputError, match=message) as caught:
        Preprocessing.load(tmp_path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"shortest_edge": 0}, {"shortest_edge": 1.5}, {"shortest_edge": True},
        {"longest_edge": -1}, {"size_divisor": None}, {"shortest_edge": None},
        {"std": (1, 1, 0)}, {"mean": (1, 1, float("nan"))}, {"mean": 3},
    ],
)  # fmt: skip
def test_bad_options_are_named(options):
    with pytest.raises(InputError, match=next(iter(options)).replace("shortest_edge", "_edge")):
        Preprocessing(**options)
