"""mdmkit convert: keys kept, nothing clipped, nothing overwritten, nothing half-written."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from mdmkit import InputError
from mdmkit.datasets import find_scores
from mdmkit.datasets.conversion import SUFFIXES, convert
from mdmkit.io import read_scores, write_scores

RNG = np.random.default_rng(0)
MAPS = {key: RNG.random((6, 8)).astype(np.float32) for key in ("t5/300", "t6/300", "a.1")}


@pytest.fixture
def source(tmp_path):
    """Three score maps, two of them with the same stem in different folders."""
    for key, scores in MAPS.items():
        path = tmp_path / "in" / f"{key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, scores)
    return tmp_path / "in"


def written(folder):
    return {key: read_scores(path) for key, path in find_scores("out", folder).items()}


@pytest.mark.parametrize("form", [form for form in SUFFIXES if form != "png16"])
def test_every_format_holds_the_same_scores_under_the_same_keys(source, tmp_path, form):
    done = convert(source, tmp_path / "out", form)
    assert (done.frames, done.largest_change, done.vanished) == (3, 0, 0)
    found = written(tmp_path / "out")
    assert found.keys() == MAPS.keys()
    for key, scores in found.items():
        assert scores.dtype == np.float32
        np.testing.assert_array_equal(scores, MAPS[key])


def test_sixteen_bits_move_scores_by_half_a_step_at_most(source, tmp_path):
    done = convert(source, tmp_path / "out", "png16")
    assert 0 < done.largest_change <= 0.5 / 65535
    for key, scores in written(tmp_path / "out").items():
        assert scores.dtype == np.uint16
        assert abs(scores / 65535 - MAPS[key]).max() <= done.largest_change


def test_there_and_back_over_all_formats_is_the_same(source, tmp_path):
    folder = source
    for form in ("hdf5", "npz", "tif", "npy"):
        convert(folder, tmp_path / form, form)
        folder = tmp_path / form
    for key, scores in written(folder).items():
        np.testing.assert_array_equal(scores, MAPS[key])


def test_a_submission_to_the_official_benchmark_is_half_precision_hdf5(source, tmp_path):
    done = convert(source, tmp_path / "out", "hdf5", dtype="float16")
    with h5py.File(tmp_path / "out" / "t5" / "300.hdf5") as file:
        assert file["value"].dtype == np.float16
        np.testing.assert_array_equal(file["value"], MAPS["t5/300"].astype(np.float16))
    most = max(abs(scores.astype(np.float16) - scores).max() for scores in MAPS.values())
    assert done.largest_change == pytest.approx(most)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "bool"])
def test_integers_become_the_floats_they_mean(tmp_path, dtype):
    (tmp_path / "in").mkdir()
    top = 1 if dtype == "bool" else np.iinfo(dtype).max
    write_scores(tmp_path / "in" / "a.png", np.array([[0, top]]).astype(dtype))
    convert(tmp_path / "in", tmp_path / "out", "hdf5", dtype="float32")
    assert written(tmp_path / "out")["a"].tolist() == [[0.0, 1.0]]


def test_eight_bits_become_sixteen_without_loss(tmp_path):
    (tmp_path / "in").mkdir()
    scores = np.arange(256, dtype=np.uint8)[None]
    np.save(tmp_path / "in" / "a.npy", scores)
    assert convert(tmp_path / "in", tmp_path / "out", "png16").largest_change < 1e-15
    np.testing.assert_array_equal(written(tmp_path / "out")["a"], 257 * scores.astype(np.uint16))


def test_nan_stays_where_floats_are_written(source, tmp_path):
    scores = MAPS["a.1"].copy()
    scores[0, 0] = np.nan
    np.save(source / "a.1.npy", scores)
    convert(source, tmp_path / "out", "hdf5", dtype="float16")
    assert np.isnan(written(tmp_path / "out")["a.1"]).sum() == 1


@pytest.mark.parametrize(
    ("form", "dtype", "value", "message"),
    [
        ("hdf5", "float16", 70000.0, "a.1.npy: expected scores of at most 65504, which float16"),
        ("npy", "float16", -1e6, r"found -1e\+06 at \(2, 3\) \(1 such pixels\)"),
        ("png16", None, 1.25, r"expected scores in \[0, 1\] for PNG, found 1.25 at row 2"),
        ("png16", None, np.nan, r"a.1.npy: .*for PNG, found nan at row 2, column 3"),
    ],
)
def test_what_does_not_fit_is_named_never_clipped(source, tmp_path, form, dtype, value, message):
    scores = MAPS["a.1"].copy()
    scores[2, 3] = value
    np.save(source / "a.1.npy", scores)
    with pytest.raises(InputError, match=message) as caught:
        convert(source, tmp_path / "out", form, dtype=dtype)
    assert "1 of 3 score maps cannot be converted, the others are written" in str(caught.value)
    assert written(tmp_path / "out").keys() == {"t5/300", "t6/300"}


def test_scores_too_small_for_the_dtype_are_counted(source, tmp_path):
    scores = MAPS["a.1"].copy()
    scores[0, :3] = 1e-12
    np.save(source / "a.1.npy", scores)
    assert convert(source, tmp_path / "out", "npy", dtype="float16").vanished == 3
    assert convert(source, tmp_path / "png", "png16").vanished == 3
    assert convert(source, tmp_path / "same", "npy").vanished == 0


@pytest.mark.parametrize("bad", [b"nothing", None])
def test_every_bad_score_map_is_listed(source, tmp_path, bad):
    for key in ("t5/300", "a.1"):
        if bad:
            (source / f"{key}.npy").write_bytes(bad)
        else:
            np.save(source / f"{key}.npy", np.zeros((2, 2), np.int64))
    with pytest.raises(InputError, match="2 of 3 score maps cannot be converted") as caught:
        convert(source, tmp_path / "out", "npz")
    for key in ("t5/300", "a.1"):
        assert f"{source}/{key}.npy: " in str(caught.value)


def test_existing_files_are_listed_before_anything_is_written(source, tmp_path):
    convert(source, tmp_path / "out", "npy")
    (tmp_path / "out" / "a.1.npy").unlink()
    with pytest.raises(InputError, match=r"found that 2 exist; choose another\s+folder or pass"):
        convert(source, tmp_path / "out", "npy", dtype="float16")
    assert all(scores.dtype == np.float32 for scores in written(tmp_path / "out").values())
    assert not (tmp_path / "out" / "a.1.npy").exists()


def test_existing_files_are_replaced_on_request_even_in_place(source):
    convert(source, source, "npy", dtype="float16", overwrite=True)
    assert {scores.dtype.name for scores in written(source).values()} == {"float16"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"form": "jpg"}, "to: expected one of npy, npz, hdf5, png16, tif, found 'jpg'"),
        ({"form": "npy", "dtype": "int8"}, "dtype: expected one of float16, float32, found 'int8'"),
        ({"form": "png16", "dtype": "float16"}, "dtype: expected none for png16, found 'float16'"),
    ],
)
def test_bad_options_are_refused(source, tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        convert(source, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_output_is_a_folder(source, tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(InputError, match=r"output: expected a folder, found the file .*out"):
        convert(source, tmp_path / "out", "npy")


def test_the_key_chooses_what_is_read(tmp_path):
    (tmp_path / "in").mkdir()
    np.savez(tmp_path / "in" / "a.npz", x=np.zeros((2, 2)), y=np.ones((2, 2)))
    convert(tmp_path / "in", tmp_path / "out", "npy", key="y")
    assert written(tmp_path / "out")["a"].sum() == 4
