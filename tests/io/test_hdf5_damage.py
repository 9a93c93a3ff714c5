"""HDF5 files of others: a damaged one is named, and none leads into another file."""

import os
import random
import signal

import numpy as np
import pytest

from mdmkit import InputError
from mdmkit.io import hdf5, read_scores

h5py = pytest.importorskip("h5py")
SCORES = np.random.default_rng(0).random((40, 50)).astype(np.float16)


@pytest.fixture
def write(tmp_path):
    def write(fill, name="a.hdf5"):
        with h5py.File(tmp_path / name, "w") as file:
            fill(file)
        return tmp_path / name

    return write


@pytest.mark.parametrize("options", [{}, {"chunks": (7, 9)}, {"compression": "gzip"}])
def test_a_whole_file_is_read_bit_by_bit(write, options):
    path = write(lambda file: file.create_dataset("value", data=SCORES, **options))
    found = read_scores(path)
    assert found.dtype == SCORES.dtype
    assert np.array_equal(found, SCORES)


def test_a_link_within_the_file_is_followed(write):
    def fill(file):
        file["group/map"] = SCORES
        file["value"] = h5py.SoftLink("/group/map")

    assert np.array_equal(read_scores(write(fill)), SCORES)


def external_link(file):
    file["value"] = h5py.ExternalLink("other.hdf5", "value")


def soft_link_to_external(file):
    file["group"] = h5py.ExternalLink("other.hdf5", "/")
    file["value"] = h5py.SoftLink("group/value")


def circle(file):
    file["value"] = h5py.SoftLink("value")


def external_storage(file):
    file.create_dataset("value", (4, 5), "f4", external=[("raw.bin", 0, 80)])


def virtual(file):
    layout = h5py.VirtualLayout((40, 50), "f2")
    layout[:] = h5py.VirtualSource("other.hdf5", "value", (40, 50))
    file.create_virtual_dataset("value", layout)


def never_written(file):
    file.create_dataset("value", (4, 5), "f4")


def partly_written(file):
    file.create_dataset("value", (40, 50), "f4", chunks=(10, 10))[:20] = 1


@pytest.mark.parametrize(
    "fill",
    [external_link, soft_link_to_external, circle, external_storage, virtual, never_written,
     partly_written],
)  # fmt: skip
def test_what_is_not_whole_in_this_file_is_refused(write, tmp_path, fill):
    write(lambda file: file.create_dataset("value", data=SCORES), "other.hdf5")
    (tmp_path / "raw.bin").write_bytes(bytes(80))
    with pytest.raises(InputError, match=r"a\.hdf5: expected a readable .hdf5 file, found"):
        read_scores(write(fill))


def test_a_reader_that_ends_is_replaced(write, monkeypatch):
    path = write(lambda file: file.create_dataset("value", data=SCORES))
    read_scores(path)
    os.kill(hdf5._idle[-1]._process.pid, signal.SIGKILL)
    with pytest.raises(InputError, match=r"a\.hdf5: .* the HDF5 library ended"):
        read_scores(path)
    assert np.array_equal(read_scores(path), SCORES)


def test_a_reader_that_does_not_answer_is_ended(write, monkeypatch):
    path = write(lambda file: file.create_dataset("value", data=SCORES))
    read_scores(path)
    os.kill(hdf5._idle[-1]._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(hdf5, "_PATIENCE", 0.2)
    with pytest.raises(InputError, match=r"a\.hdf5: .* the HDF5 library ended"):
        read_scores(path)


def test_damaged_files_are_named_and_end_nothing(write, tmp_path):
    """Each copy is refused by name, or read as a map of numbers."""
    path = write(
        lambda file: file.create_dataset("value", data=SCORES, chunks=(20, 25), compression="gzip")
    )
    whole, rng = path.read_bytes(), random.Random(0)
    messages = []
    for number in range(120):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 2, 8, 40])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        damaged = tmp_path / "damaged.hdf5"
        damaged.write_bytes(data[: rng.randrange(len(data))] if number % 4 == 0 else data)
        try:
            read_scores(damaged)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 60
    assert all("damaged.hdf5" in message for message in messages)
