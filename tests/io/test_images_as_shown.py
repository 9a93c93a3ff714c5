"""Images, masks and score maps are read as viewers show them, whatever their tags and bits."""

import os
import socket

import numpy as np
import pytest
from PIL import Image, ImageOps

from mdmkit import Frame, InputError, evaluate
from mdmkit.core.labels import LabelCodes
from mdmkit.io import read_mask, read_scores
from mdmkit.io.images import AllNormal, image_shape, read_image

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40


def tagged(path, tag, pixels=GREY):
    exif = Image.Exif()
    exif[274] = tag
    Image.fromarray(pixels).save(path, exif=exif, lossless=True, quality=100)
    return path


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".jpg"])
@pytest.mark.parametrize("tag", range(1, 9))
def test_an_image_is_read_as_pillow_transposes_it(tmp_path, suffix, tag):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :16], pixels[8:, 16:] = (250, 10, 10), (10, 250, 10)
    path = tagged(tmp_path / f"photo{suffix}", tag, pixels)
    with Image.open(path) as opened:
        opened.load()  # of TIFF turns the pixels, and drops the tag
        shown = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    found = read_image(path)
    assert np.array_equal(found, shown)
    assert found.flags.writeable  # loops are compiled once more for arrays that are not
    assert image_shape(path) == shown.shape[:2] == AllNormal(path).labels().shape


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_a_tagged_mask_is_turned(tmp_path, suffix):
    path = tagged(tmp_path / f"mask{suffix}", 6)
    assert np.array_equal(read_mask(path), np.rot90(GREY, -1))


def test_a_tag_behind_the_pixels_of_a_png_counts(tmp_path):
    path = tagged(tmp_path / "a.png", 8)
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    last = data.index(b"IEND") - 4
    path.write_bytes(data[:start] + data[end:last] + data[start:end] + data[last:])
    assert image_shape(path) == (3, 2)
    assert np.array_equal(read_scores(path), np.rot90(GREY))


@pytest.mark.parametrize("tag", range(1, 9))
def test_a_tiff_score_map_is_turned_as_pillow_does(tmp_path, tag):
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "map.tif"
    scores = GREY.astype(np.float32) / 255
    tifffile.imwrite(path, scores, photometric="minisblack", extratags=[(274, 3, 1, tag, True)])
    with Image.open(path) as opened:
        opened.load()
        assert np.array_equal(read_scores(path), np.asarray(opened))


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp"])
def test_masks_in_every_image_format_keep_their_labels(tmp_path, suffix):
    labels = np.array([[0, 1, 255], [2, 255, 0]], np.uint8)
    Image.fromarray(labels).save(tmp_path / f"m{suffix}", lossless=True)
    assert np.array_equal(read_mask(tmp_path / f"m{suffix}"), labels)


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif"])
def test_white_of_one_bit_is_255_only_where_1_means_nothing(tmp_path, suffix):
    labels = np.array([[0, 1, 1], [0, 0, 1]], bool)
    Image.fromarray(labels).save(tmp_path / f"m{suffix}")
    mask = read_mask(tmp_path / f"m{suffix}")
    scores = np.zeros(labels.shape)
    assert np.array_equal(Frame(scores, mask).classes == 1, labels)
    white = Frame(scores, mask, anomaly_label=255, ignore_index=None)
    assert np.array_equal(white.classes == 1, labels)
    both = Frame(scores, mask, anomaly_label=(1, 255), ignore_index=None)
    assert np.array_equal(both.classes == 1, labels)
    with pytest.raises(InputError, match="found 1 at 3 pixels"):
        Frame(scores, mask, anomaly_label=7)


def test_a_one_bit_mask_beside_one_of_0_and_255(tmp_path):
    labels = np.array([[0, 1, 1]], bool)
    codes = LabelCodes(0, 255, None)
    one = Frame.coded(np.zeros((1, 3)), labels, codes=codes)
    other = Frame.coded(np.zeros((1, 3)), labels.astype(np.uint8) * 255, codes=codes)
    assert np.array_equal(one.classes, other.classes)
    assert np.array_equal(one.flat_labels()[1][one.flat_labels()[0]], one.classes.ravel())


def test_a_palette_of_black_and_white_is_one_bit(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 0]], np.uint8), "P")
    image.putpalette([0, 0, 0, 255, 255, 255])
    image.save(tmp_path / "m.png", bits=1)
    assert read_mask(tmp_path / "m.png").tolist() == [[False, True, False]]


def test_a_lossy_webp_mask_is_refused(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "m.webp", quality=90)
    with pytest.raises(InputError, match=r"m\.webp: .* without loss"):
        read_mask(tmp_path / "m.webp")


def test_a_png_of_more_than_179_megapixels(tmp_path):
    from mdmkit.io.images import open_image

    path = tmp_path / "large.png"
    Image.new("1", (13_500, 13_500)).save(path)
    assert image_shape(path) == (13_500, 13_500)
    with open_image(path) as image:
        assert image.size == (13_500, 13_500)


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3, 1), (1, 1, 2, 3)])
def test_an_axis_of_one_is_no_axis_of_a_map(tmp_path, shape):
    scores = np.linspace(0, 1, 6).reshape(2, 3)
    np.save(tmp_path / "a.npy", scores.reshape(shape))
    assert np.array_equal(read_scores(tmp_path / "a.npy"), scores)
    target = (scores > 0.5).astype(np.uint8)
    found = evaluate([(scores.reshape(shape), target.reshape(shape))], "ap")
    assert found["ap"] == evaluate([(scores, target)], "ap")["ap"] == 1


def test_one_map_is_not_guessed():
    with pytest.raises(InputError, match=r"shape \(H, W\), found \(1, 5, 1\)"):
        Frame(np.zeros((1, 5, 1)), np.zeros((1, 5, 1), int))


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
@pytest.mark.parametrize("make", [make_fifo, make_socket])
@pytest.mark.parametrize(
    "suffix", [".npy", ".npz", ".hdf5", ".png", ".tif", ".pt", ".bmp", ".webp"]
)
def test_special_files_are_refused_unopened(tmp_path, make, suffix):
    path = tmp_path / f"a{suffix}"
    make(path)
    for read in (read_scores, read_mask, image_shape, read_image):
        with pytest.raises(InputError, match=rf"a{suffix}: expected a (regular )?file"):
            read(path)


def test_devices_are_refused_unopened(tmp_path):
    (tmp_path / "a.npy").symlink_to("/dev/zero")
    with pytest.raises(InputError, match="found a device"):
        read_scores(tmp_path / "a.npy")
