"""Score-map and mask files: exact values back, and a clear word on every file that is not one."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from importlib.util import find_spec

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from mdmkit import InputError, InputTypeError
from mdmkit.core.labels import LabelCodes
from mdmkit.evaluation.methods import load_frame
from mdmkit.io import read_mask, read_scores, score_suffixes

# tensors have tests of their own, so that these run without torch
WITHOUT_ZARR = pytest.mark.skipif(find_spec("zarr") is None, reason="zarr is not installed")
SUFFIXES = [
    pytest.param(suffix, marks=WITHOUT_ZARR) if suffix == ".zarr" else suffix
    for suffix in score_suffixes()
    if suffix != ".pt"
]
RAMP = np.arange(12, dtype=np.float32).reshape(3, 4) / 12


def save_npy(path, array):
    np.save(path, array)


def save_npz(path, array):
    np.savez(path, soft_mask=array)


def save_compressed_npz(path, array):
    np.savez_compressed(path, soft_mask=array)


def save_hdf5(path, array, key="value"):
    with h5py.File(path, "w") as file:
        file[key] = array


def save_png(path, array):
    Image.fromarray(array).save(path, "PNG")


def save_tiff(path, array):
    tifffile.imwrite(path, array, photometric="minisblack")


def grey_png(rows, bits):
    """A greyscale PNG of that many bits a sample, from already packed rows of bytes."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(
            ">I", zlib.crc32(kind + content)
        )  # fmt: skip

    width = 8 * len(rows[0]) // bits
    header = struct.pack(">IIBBBBB", width, len(rows), bits, 0, 0, 0, 0)
    content = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", content), chunk(b"IEND", b"")]
    )


SAVERS = {
    "map.npy": (save_npy, RAMP),
    "half.npy": (save_npy, RAMP.astype(np.float16)),
    "fortran.npy": (save_npy, np.asfortranarray(RAMP)),
    "big_endian.npy": (save_npy, RAMP.astype(">f4")),
    "map.npz": (save_npz, RAMP),
    "compressed.npz": (save_compressed_npz, RAMP),
    "map.hdf5": (save_hdf5, RAMP.astype(np.float16)),
    "map.h5": (save_hdf5, RAMP.astype(np.float64)),
    "eight.png": (save_png, np.arange(12, dtype=np.uint8).reshape(3, 4) * 23),
    "sixteen.png": (save_png, np.arange(12, dtype=np.uint16).reshape(3, 4) * 5957),
    "float.tif": (save_tiff, RAMP),
    "half.tiff": (save_tiff, RAMP.astype(np.float16)),
    "sixteen.tif": (save_tiff, np.arange(12, dtype=np.uint16).reshape(3, 4) * 5957),
    "one.png": (save_png, np.eye(3, 4, dtype=bool)),
    "UPPER.NPY": (save_npy, RAMP),
}


@pytest.fixture
def write(tmp_path):
    """Write a file of `SAVERS` and return its path."""

    def save(name, noise=False):
        path = tmp_path / name
        saver, array = SAVERS[name]
        if noise:
            bits = np.random.default_rng(0).random((60, 80))
            array = bits > 0.5 if array.dtype == bool else (bits * array.max()).astype(array.dtype)
        buffer = io.BytesIO()  # np.save would add a suffix of its own to UPPER.NPY
        saver(buffer, array)
        path.write_bytes(buffer.getvalue())
        return path

    return save


# ------------------------------------------------------------------------------ what is read


@pytest.mark.parametrize("name", SAVERS)
def test_score_maps_come_back_exactly(write, name):
    scores, (_, saved) = read_scores(write(name)), SAVERS[name]
    np.testing.assert_array_equal(scores, saved)
    assert (scores.dtype, scores.shape) == (saved.dtype, saved.shape)


@pytest.mark.parametrize("name", ["eight.png", "sixteen.png", "one.png", "map.npy"])
def test_masks_come_back_exactly(write, name):
    mask, (_, saved) = read_mask(write(name)), SAVERS[name]
    np.testing.assert_array_equal(mask, saved)
    assert mask.dtype == saved.dtype


def test_one_bit_masks_mean_zero_and_one(tmp_path):
    path = tmp_path / "mask.png"
    Image.fromarray(np.eye(3, 4, dtype=bool)).save(path)
    frame = load_frame(path, path, LabelCodes(), "", None)
    assert frame.anomalous_pixels == 3


@pytest.mark.parametrize("bits", [2, 4])
def test_labels_of_two_and_four_bits_are_not_stretched(tmp_path, bits):
    # PNG readers scale small samples to 0..255: label 1 would become 85 or 17, label 3 (15) 255
    path = tmp_path / "mask.png"
    path.write_bytes(grey_png([[0b00010001]], bits))
    labels = {2: [[0, 1, 0, 1]], 4: [[1, 1]]}[bits]
    try:
        mask = read_mask(path)
    except InputError:
        return  # refused: as good
    assert mask.tolist() == labels


def test_an_archive_of_several_arrays_needs_a_key(tmp_path):
    path = tmp_path / "frame.npz"
    np.savez(path, soft_mask=RAMP, other=RAMP > 0.5)
    np.testing.assert_array_equal(read_scores(path, "soft_mask"), RAMP)
    with pytest.raises(
        InputError,
        match=r"frame.npz: expected one array, found the keys soft_mask, other; choose one, as",
    ):
        read_scores(path)


def test_a_missing_key_is_named_with_those_that_exist(tmp_path):
    np.savez(tmp_path / "a.npz", soft_mask=RAMP)
    with pytest.raises(
        InputError, match=r"a.npz: expected the key 'value', found the keys soft_mask"
    ):
        read_scores(tmp_path / "a.npz", "value")
    save_hdf5(tmp_path / "a.hdf5", RAMP, "scores")
    with pytest.raises(InputError, match=r"a.hdf5: expected the data set 'value', found scores"):
        read_scores(tmp_path / "a.hdf5")


def test_an_hdf5_key_may_be_chosen_and_lie_in_a_group(tmp_path):
    path = tmp_path / "a.hdf5"
    save_hdf5(path, RAMP, "group/scores")
    np.testing.assert_array_equal(read_scores(path, "group/scores"), RAMP)
    with pytest.raises(InputError, match=r"expected the data set 'group', found group"):
        read_scores(path, "group")


def test_an_empty_archive_is_refused(tmp_path):
    zipfile.ZipFile(tmp_path / "a.npz", "w").close()
    with pytest.raises(InputError, match=r"a.npz: expected one array, found the keys none"):
        read_scores(tmp_path / "a.npz")


def test_an_empty_hdf5_file_is_refused(tmp_path):
    h5py.File(tmp_path / "a.hdf5", "w").close()
    with pytest.raises(InputError, match=r"a.hdf5: expected the data set 'value', found none"):
        read_scores(tmp_path / "a.hdf5")


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("name", ["map.bmp", "map.jpg", "map", "map.npy.gz"])
def test_unknown_suffixes_are_refused_with_the_known_ones(tmp_path, name):
    suffix = (tmp_path / name).suffix or "none"
    known = ".npy .npz .hdf5 .h5 .png .tif .tiff .pt .zarr"
    with pytest.raises(InputError, match=rf"{name}: expected a file {known}, found {suffix}"):
        read_scores(tmp_path / name)


def test_masks_are_in_image_files_or_arrays(tmp_path):
    with pytest.raises(
        InputError,
        match=r"mask.hdf5: expected a file .npy .* .webp, found .hdf5",
    ):
        read_mask(tmp_path / "mask.hdf5")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"", b"these are not the scores you look for\n", b"\0" * 4096])
def test_foreign_files_are_refused(tmp_path, suffix, content):
    path = tmp_path / f"map{suffix}"
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=rf"map{suffix}: expected a readable {suffix} file, found: \S"
    ):
        read_scores(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_files_are_refused(tmp_path, suffix):
    with pytest.raises(InputError, match=rf"map{suffix}: expected a readable .*No such file"):
        read_scores(tmp_path / f"map{suffix}")


@pytest.mark.parametrize("name", [n for n in SAVERS if n != "UPPER.NPY"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.8, 0.95])
def test_truncated_files_are_refused(write, name, share):
    path = write(name, noise=True)  # does not compress: a cut loses pixels, not just a checksum
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match=rf"{name}: expected a readable"):
        read_scores(path)


@pytest.mark.parametrize("name", [n for n in SAVERS if n != "UPPER.NPY"])
def test_damaged_files_are_refused_or_read_but_never_crash(write, name):
    path = write(name)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), rng.integers(1, 6)):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            read_scores(path)
        except InputError:
            continue


def test_damaged_compression_is_an_input_error(write):
    path = write("compressed.npz")
    content = bytearray(path.read_bytes())
    start = 30 + len("soft_mask.npy") + 20  # behind the zip header: the deflated bytes
    content[start : start + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"compressed.npz: expected a readable .npz file"):
        read_scores(path)


def test_an_absurd_npy_shape_is_an_input_error(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 99999999), }"
    header += b" " * (-(10 + len(header) + 1) % 64) + b"\n"
    path = tmp_path / "map.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    with pytest.raises(InputError, match=r"map.npy: expected a readable .npy file"):
        read_scores(path)


def test_pickled_objects_are_refused_unread(tmp_path):
    path = tmp_path / "map.npy"
    np.save(path, np.array([[{"a": 1}]], object), allow_pickle=True)
    with pytest.raises(InputError, match=r"map.npy: .*may run code and are not loaded$"):
        read_scores(path)
    np.savez(tmp_path / "map.npz", np.array([[{"a": 1}]], object), allow_pickle=True)
    with pytest.raises(InputError, match=r"map.npz: .*may run code and are not loaded$"):
        read_scores(tmp_path / "map.npz", "arr_0")


def test_an_array_is_no_archive(write, tmp_path):
    with pytest.raises(
        InputError, match=r"map.npz: expected an .npz archive, found a single array"
    ):
        read_scores(write("map.npy").rename(tmp_path / "map.npz"))


@pytest.mark.parametrize("form", ["JPEG", "GIF", "TIFF"])
def test_other_images_named_png_are_refused(tmp_path, form):
    path = tmp_path / "map.png"
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path, form)
    with pytest.raises(InputError, match=f"map.png: expected a PNG file, found {form}"):
        read_scores(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
@pytest.mark.parametrize("read", [read_scores, read_mask])
def test_colour_images_are_refused_with_their_mode(tmp_path, read, mode):
    path = tmp_path / "map.png"
    image = Image.new("RGB", (4, 3), (200, 10, 10)).convert(mode)
    if mode == "P":
        image.putpalette([255, 0, 0] * 256)
    image.save(path)
    with pytest.raises(
        InputError, match=f"map.png: expected one channel of 8 or 16 bits, found mode '{mode}'"
    ):
        read(path)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_is_not_too_large_to_open(tmp_path, monkeypatch):
    path = tmp_path / "map.png"
    Image.new("L", (64, 64)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1024)
    assert read_scores(path).shape == (64, 64)
    assert Image.MAX_IMAGE_PIXELS == 1024


# ------------------------------------------------------------------------ frames from two files


@pytest.mark.parametrize(
    ("scores", "mask", "file", "message"),
    [
        (RAMP, np.full((3, 4), 7, np.uint8), "mask.npy", "found 7 at 12 pixels"),
        (np.full((3, 4), np.nan), np.zeros((3, 4), int), "map.npy", "expected finite scores"),
        (RAMP[[0, 0], None], np.zeros((3, 4), int), "map.npy", r"expected a non-empty array of"),
    ],
)  # fmt: skip
def test_a_bad_frame_names_the_file_to_blame(tmp_path, scores, mask, file, message):
    np.save(tmp_path / "map.npy", scores)
    np.save(tmp_path / "mask.npy", mask)
    with pytest.raises(InputError, match=rf"/{file}: .*{message}"):
        load_frame(tmp_path / "map.npy", tmp_path / "mask.npy", LabelCodes(), "", None)


def test_unequal_shapes_name_both_files(tmp_path):
    np.save(tmp_path / "map.npy", RAMP)
    np.save(tmp_path / "mask.npy", np.zeros((4, 3), np.uint8))
    with pytest.raises(InputError) as caught:
        load_frame(tmp_path / "map.npy", tmp_path / "mask.npy", LabelCodes(), "", None)
    assert "/map.npy" in str(caught.value)
    assert "/mask.npy" in str(caught.value)


@pytest.mark.parametrize("values", [np.array(["a", "b"], "S1"), np.zeros(2, [("a", "f4")])])
def test_hdf5_data_sets_that_are_no_scores_name_their_file(tmp_path, values):
    save_hdf5(tmp_path / "map.hdf5", values[None])
    np.save(tmp_path / "mask.npy", [[0, 1]])
    with pytest.raises(InputTypeError, match=r"/map.hdf5: expected numbers in 'value', found"):
        load_frame(tmp_path / "map.hdf5", tmp_path / "mask.npy", LabelCodes(), "", None)


def test_real_score_maps_are_half_precision_hdf5(real_frames):
    path = next((real_frames / "scores" / "espnetv2-msp").glob("*.hdf5"))
    scores = read_scores(path)
    assert (scores.dtype, scores.shape) == (np.float16, (720, 1280))
    assert 0 <= scores.min() < scores.max() <= 1


def test_real_masks_hold_zero_and_two(real_frames):
    path = next((real_frames / "frames").glob("*.labels/labels_semantic.png"))
    mask = read_mask(path)
    assert (mask.dtype, np.unique(mask).tolist()) == (np.uint8, [0, 2])
