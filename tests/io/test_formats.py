"""Formats: what is written comes back, what a format cannot hold is refused, others add theirs."""

from __future__ import annotations

import sys

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from mdmkit import InputError, InputTypeError, compare
from mdmkit.io import mask_suffixes, read_mask, read_scores, score_suffixes, write_scores

RAMP = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
FLOATS = ("float16", "float32", "float64")


# ----------------------------------------------------------------------------------- round trips


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".hdf5", ".h5", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", [*FLOATS, "uint8", "uint16"])
def test_score_maps_come_back_in_their_own_dtype(tmp_path, suffix, dtype):
    scores = (RAMP * (1 if dtype in FLOATS else np.iinfo(dtype).max)).astype(dtype)
    path = write_scores(tmp_path / f"map{suffix}", scores)
    found = read_scores(path)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, scores)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".hdf5", ".tif"])
def test_nan_and_scores_of_any_scale_come_back(tmp_path, suffix):
    scores = np.array([[np.nan, -26.7], [1e30, np.inf]], np.float32)
    np.testing.assert_array_equal(
        read_scores(write_scores(tmp_path / f"a{suffix}", scores)), scores
    )


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool"])
def test_integers_of_a_png_come_back_as_they_are(tmp_path, dtype):
    scores = np.array([[0, 1], [1, 0]]).astype(dtype)
    found = read_scores(write_scores(tmp_path / "map.png", scores))
    assert (found.dtype, found.tolist()) == (np.dtype(dtype), scores.tolist())


@pytest.mark.parametrize("dtype", FLOATS)
def test_floats_of_a_png_are_within_half_a_step_of_sixteen_bits(tmp_path, dtype):
    scores = RAMP.astype(dtype)
    found = read_scores(write_scores(tmp_path / "map.png", scores))
    assert found.dtype == np.uint16
    np.testing.assert_allclose(found / 65535, scores.astype(float), rtol=0, atol=0.5 / 65535)
    assert (found.min(), found.max()) == (0, 65535)


def test_a_big_endian_map_keeps_its_values(tmp_path):
    values = np.arange(6, dtype=">u2").reshape(2, 3)
    np.testing.assert_array_equal(read_scores(write_scores(tmp_path / "a.png", values)), values)


def test_hdf5_is_what_the_official_benchmark_reads(tmp_path):
    with h5py.File(write_scores(tmp_path / "a.hdf5", RAMP.astype(np.float16)), "r") as file:
        assert list(file) == ["value"]
        assert file["value"].dtype == np.float16


@pytest.mark.parametrize("suffix", [".npz", ".hdf5"])
def test_an_array_is_written_under_the_name_asked_for(tmp_path, suffix):
    path = write_scores(tmp_path / f"a{suffix}", RAMP, key="mine")
    np.testing.assert_array_equal(read_scores(path, "mine"), RAMP)
    with pytest.raises(InputError, match=r"expected the .* 'yours', found .*mine"):
        read_scores(path, "yours")


# -------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("value", [-0.25, 1.5, np.nan, np.inf])
def test_a_png_holds_scores_in_the_unit_interval_only(tmp_path, value):
    scores = RAMP.copy()
    scores[1, 2] = value
    with pytest.raises(InputError, match=rf"a.png: .*\[0, 1\] .* found {value} at row 1, column 2"):
        write_scores(tmp_path / "a.png", scores)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (np.zeros((2, 2), np.int64), "expected scores in float16, .*, found int64"),
        (np.zeros((2, 2), complex), "expected scores in .* found complex128"),
        (np.zeros((2, 2, 3)), r"expected scores of shape \(H, W\), found \(2, 2, 3\)"),
        (np.zeros((0, 2)), r"expected scores of shape .* found \(0, 2\)"),
    ],
)
def test_what_is_no_score_map_is_not_written(tmp_path, scores, message):
    with pytest.raises(InputError, match=f"a.npy: {message}"):
        write_scores(tmp_path / "a.npy", scores)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.pt", "a.jpg", "a"])
def test_formats_that_cannot_be_written_are_refused_with_those_that_can(tmp_path, name):
    known = ".npy .npz .hdf5 .h5 .png .tif .tiff"
    with pytest.raises(InputError, match=f"{name}: expected a name ending in {known}, found"):
        write_scores(tmp_path / name, RAMP)


def test_a_file_that_exists_is_replaced_only_on_request(tmp_path):
    path = write_scores(tmp_path / "a.npy", RAMP)
    with pytest.raises(InputError, match=r"path: expected a new file, found that .*a.npy exists"):
        write_scores(path, 1 - RAMP)
    np.testing.assert_array_equal(read_scores(path), RAMP)
    np.testing.assert_array_equal(
        read_scores(write_scores(path, 1 - RAMP, overwrite=True)), 1 - RAMP
    )


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = write_scores(tmp_path / "a.png", RAMP)
    with pytest.raises(InputError):
        write_scores(path, RAMP + 1, overwrite=True)
    assert read_scores(path).max() == 65535
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: tifffile.imwrite(path, np.zeros((2, 3, 4), np.float32),
                                       photometric="minisblack"), "expected one page, found 2"),
        (lambda path: tifffile.imwrite(path, np.zeros((3, 4, 3), np.uint8), photometric="rgb"),
         r"expected one channel of shape \(H, W\), found shape \(3, 4, 3\)"),
        (lambda path: tifffile.imwrite(path, np.zeros((3, 4), np.uint8), photometric="miniswhite"),
         "expected grey values that rise with brightness, found the colour model MINISWHITE"),
        (lambda path: tifffile.imwrite(path, np.zeros((3, 4), np.uint8), photometric="palette",
                                       colormap=np.zeros((3, 256), np.uint16)), "found .* PALETTE"),
        (lambda path: tifffile.imwrite(path, np.zeros((3, 4), np.int16), photometric="minisblack"),
         "expected float16, float32, float64, uint8, uint16, found int16"),
    ],
)  # fmt: skip
def test_stacks_colours_and_odd_dtypes_of_tiff_are_refused(tmp_path, write, message):
    write(tmp_path / "a.tif")
    with pytest.raises(InputError, match=f"a.tif: .*{message}"):
        read_scores(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "work", [read_scores, lambda path: write_scores(path, RAMP, overwrite=True)]
)
def test_without_tifffile_the_extra_is_named(tmp_path, monkeypatch, work):
    path = write_scores(tmp_path / "a.tif", RAMP)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(InputError, match=r"/a.tif: .*tifffile, .* install it, .*'\.\[tiff\]'"):
        work(path)


def test_without_torch_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.pt").touch()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"a.pt: .* torch, .*'\.\[maskomaly\]'"):
        read_scores(tmp_path / "a.pt")


def test_palette_masks_say_how_to_keep_their_indices(tmp_path):
    drawn = Image.new("P", (4, 3))
    drawn.putpalette([255, 0, 0] * 256)
    drawn.save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"if the palette's indices are .*np.asarray\(image\)"):
        read_mask(tmp_path / "a.png")
    image = Image.open(tmp_path / "a.png")
    Image.fromarray(np.asarray(image)).save(tmp_path / "b.png")  # as it says
    assert read_mask(tmp_path / "b.png").shape == (3, 4)


def test_colour_masks_say_what_to_do(tmp_path):
    Image.new("RGB", (4, 3), (1, 2, 3)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="save the values as one channel of integers"):
        read_mask(tmp_path / "a.png")


# ------------------------------------------------------------------- one archive for a whole frame


def release(path, dtype=bool, **others):
    arrays = {
        "soft_mask": np.array([[0.1, 0.9, np.nan]], np.float32),
        "gt": np.array([[0, 1, 1]]).astype(dtype),
        "ignore": np.array([[False, False, True]]),
    }
    np.savez(path, **{**arrays, **others})
    return path


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.int64])
def test_an_archive_of_the_release_is_method_and_ground_truth(tmp_path, dtype):
    release(tmp_path / "a.npz", dtype)
    assert read_mask(tmp_path / "a.npz").tolist() == [[0, 1, 255]]
    found = compare({"m": tmp_path}, tmp_path, "ap")
    assert (found["m"].pixels, found["m"]["ap"]) == (2, 1.0)


def test_ignored_pixels_of_an_archive_need_the_usual_code(tmp_path):
    release(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"a.npz: target.* found 255 at 1 pixels"):
        compare({"m": tmp_path}, tmp_path, "ap", ignore_index=None)


def test_an_archive_with_further_arrays_needs_a_key_for_its_scores(tmp_path):
    release(tmp_path / "a.npz", further=np.zeros(1))
    with pytest.raises(InputError, match=r"found the keys soft_mask, gt, ignore, further; choose"):
        read_scores(tmp_path / "a.npz")
    assert read_mask(tmp_path / "a.npz").tolist() == [[0, 1, 255]]


def test_a_mask_in_an_archive_is_the_only_array_or_gt(tmp_path):
    np.savez(tmp_path / "a.npz", anything=np.eye(2, dtype=np.uint8))
    assert read_mask(tmp_path / "a.npz").tolist() == [[1, 0], [0, 1]]
    np.savez(tmp_path / "b.npz", soft_mask=RAMP, mask=RAMP > 0.5)
    with pytest.raises(InputError, match=r"b.npz: expected the key 'gt', found the keys soft_mask"):
        read_mask(tmp_path / "b.npz")


@pytest.mark.parametrize("ignore", [np.zeros((2, 3), bool), np.zeros((1, 3))])
def test_an_ignore_array_that_does_not_fit_is_refused(tmp_path, ignore):
    release(tmp_path / "a.npz", ignore=ignore)
    with pytest.raises(InputError, match=r"a.npz: expected ignore to be a mask of shape \(1, 3\)"):
        read_mask(tmp_path / "a.npz")


# ---------------------------------------------------------------------------- formats of others


THEIRS = """
import numpy as np
from mdmkit.io import Format

def read(path, key):
    return np.loadtxt(path, ndmin=2)

def read_mask(path, key):
    return np.loadtxt(path, dtype=int, ndmin=2)

def write(path, scores, key):
    np.savetxt(path, scores)

ADDED = Format((".txt",), read, read_mask=read_mask, write=write)
"""


def test_an_installed_package_adds_a_format(installed, tmp_path):
    installed("mdmkit.readers", "txt", THEIRS)
    assert ".txt" in score_suffixes()
    assert ".txt" in mask_suffixes()
    for folder in ("masks", "scores"):
        (tmp_path / folder).mkdir()
    (tmp_path / "masks" / "a.txt").write_text("0 1 255\n")
    write_scores(tmp_path / "scores" / "a.txt", [[0.1, 0.9, 0.5]])
    assert compare({"m": tmp_path / "scores"}, tmp_path / "masks", "ap")["m"]["ap"] == 1.0


def test_damaged_files_of_an_added_format_are_named(installed, tmp_path):
    installed("mdmkit.readers", "txt", THEIRS)
    (tmp_path / "a.txt").write_text("no numbers")
    with pytest.raises(InputError, match=r"a.txt: expected a readable .txt file, found"):
        read_scores(tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nowhere_to_be_found", "from theirs:ADDED, found ModuleNotFoundError"),
        ("ADDED = 3", "to be a mdmkit.io.Format, found int at theirs:ADDED"),
    ],
)
def test_a_format_that_cannot_be_loaded_is_named_when_it_is_needed(
    installed, tmp_path, source, message
):
    installed("mdmkit.readers", "txt", source)
    assert ".txt" not in mask_suffixes()
    (tmp_path / "a.txt").touch()
    with pytest.raises(InputError, match=f"the format .txt .*{message}"):
        read_scores(tmp_path / "a.txt")


def test_a_built_in_format_is_never_replaced(installed, tmp_path):
    installed("mdmkit.readers", "npy", THEIRS)
    np.testing.assert_array_equal(read_scores(write_scores(tmp_path / "a.npy", RAMP)), RAMP)
    assert score_suffixes().count(".npy") == 1


def test_signed_integers_are_an_error_of_type(tmp_path):
    with pytest.raises(InputTypeError):
        write_scores(tmp_path / "a.npy", [[1, 2]])


GREYS = np.array([[0, 1, 2], [255, 1, 0]], np.uint8)


def test_masks_in_colour_that_spell_grey_levels_are_read(tmp_path):
    Image.fromarray(np.repeat(GREYS[..., None], 3, axis=2)).save(tmp_path / "rgb.png")
    palette = Image.fromarray(GREYS).convert("P")
    palette.putpalette([level for grey in range(256) for level in (grey,) * 3])
    palette.putdata(GREYS.ravel())
    palette.save(tmp_path / "palette.png")
    for name in ("rgb", "palette"):
        assert (read_mask(tmp_path / f"{name}.png") == GREYS).all()


def test_a_palette_whose_greys_are_not_its_indices_is_ambiguous_and_refused(tmp_path):
    palette = Image.new("P", (3, 2))
    palette.putpalette([level for grey in range(255, -1, -1) for level in (grey,) * 3])
    palette.putdata(GREYS.ravel())
    palette.save(tmp_path / "reversed.png")
    colours = np.repeat(GREYS[..., None], 3, axis=2)
    colours[0, 0, 2] = 9
    Image.fromarray(colours).save(tmp_path / "colours.png")
    for name in ("reversed", "colours"):
        with pytest.raises(InputError, match="expected one channel"):
            read_mask(tmp_path / f"{name}.png")
