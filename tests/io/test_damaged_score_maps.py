"""Score maps that mdmkit wrote: a damaged one is told, or gives the same numbers."""

import os
import random

import numpy as np
import pytest

from mdmkit import InputError
from mdmkit.core.files import is_spoilt
from mdmkit.io import read_scores, write_scores

SCORES = np.random.default_rng(0).random((20, 30)).astype(np.float32)
SUFFIXES = (".npy", ".npz", ".hdf5", ".png", ".tif")


def damage(whole, seed):
    """A copy with a few bits turned, or cut off."""
    rng, damaged = random.Random(seed), bytearray(whole)
    if seed % 4 == 0:
        return damaged[: rng.randrange(len(damaged))]
    for _ in range(rng.choice([1, 2, 8])):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return damaged


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_score_map_is_told_or_gives_the_same_numbers(tmp_path, suffix):
    path = write_scores(tmp_path / f"a{suffix}", SCORES)
    known, whole = read_scores(path), path.read_bytes()
    refused = 0
    for seed in range(40):
        path.write_bytes(damage(whole, seed))
        try:
            found = read_scores(path)
        except InputError:
            refused += 1
        else:
            np.testing.assert_array_equal(found, known)
    assert refused > 20


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_read_what_is_written(tmp_path, suffix):
    path = write_scores(tmp_path / f"a{suffix}", SCORES)
    if suffix == ".npy":
        found = np.load(path)
        assert np.array_equal(np.load(path, mmap_mode="r"), SCORES)
    elif suffix == ".npz":
        found = np.load(path)["scores"]
    elif suffix == ".hdf5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path) as file:
            found = np.asarray(file["value"])
    else:
        image = pytest.importorskip("PIL.Image")
        found = np.asarray(image.open(path))
        found = found / 65_535 if suffix == ".png" else found
    np.testing.assert_allclose(found, SCORES, atol=1e-5)


def test_files_of_others_carry_no_fingerprint(tmp_path):
    np.save(tmp_path / "a.npy", SCORES)
    assert not is_spoilt(tmp_path / "a.npy")
    assert np.array_equal(read_scores(tmp_path / "a.npy"), SCORES)
    (tmp_path / "empty.npy").write_bytes(b"")
    assert not is_spoilt(tmp_path / "empty.npy")


def test_lists_and_tables_that_are_pipes_are_refused(tmp_path):
    from mdmkit import read_threshold
    from mdmkit.datasets.subset import read_keys
    from mdmkit.metrics.selections import _column

    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes among files here")
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    for read in (read_threshold, read_keys, lambda path: _column(path, "weather", ["a"])):
        with pytest.raises(InputError, match=r"pipe.toml: expected a regular file, found a pipe"):
            read(pipe)
