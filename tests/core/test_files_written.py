"""Files are tried first, written whole, synced before they are renamed, and never lost."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from mdmkit import InputError, bootstrap
from mdmkit.cli.command_line import app
from mdmkit.cli.terminal import run
from mdmkit.core import files
from mdmkit.core.files import check_output, is_whole, read_json, read_toml, seal, write_text


def test_a_file_is_synced_before_it_is_renamed(tmp_path, monkeypatch):
    done = []
    sync, rename = os.fsync, Path.replace

    def synced(descriptor):
        done.append("folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file")
        sync(descriptor)

    def renamed(self, target):
        done.append("renamed")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    write_text(tmp_path / "a.txt", "text")
    assert done == ["file", "renamed", "folder"]


def test_a_failure_names_the_file_that_was_asked_for_and_leaves_nothing(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"a\.txt could not be written: No space left") as error:
        write_text(tmp_path / "a.txt", "text")
    assert ".mdmkit-" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_files_is_refused_first(tmp_path, monkeypatch):
    def refused(**options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refused)
    with pytest.raises(InputError, match=r"output: .* can be written to, found .*: Read-only"):
        check_output(tmp_path / "a.md", overwrite=False)


def test_text_that_is_none_is_written_escaped(tmp_path):
    write_text(tmp_path / "a.json", json.dumps({"name": "a\udcff"}, ensure_ascii=False))
    assert json.loads((tmp_path / "a.json").read_text("utf-8"))["name"] == "a\udcff"


@pytest.mark.parametrize("place", [0, 3, 11, -1])
def test_a_seal_sees_every_byte(tmp_path, place):
    path = tmp_path / "a"
    path.write_bytes(b"some bytes")
    assert not is_whole(path)
    seal(path)
    assert is_whole(path)
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert not is_whole(path)
    path.write_bytes(data[:-1])
    assert not is_whole(path)


@pytest.mark.parametrize(("read", "text"), [(read_toml, "a = 1\n"), (read_json, '{"a": 1}')])
def test_a_byte_order_mark_is_no_text(tmp_path, read, text):
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read(path) == {"a": 1}


@pytest.mark.parametrize(("read", "form"), [(read_toml, "a = {}{}"), (read_json, "{}{}")])
def test_values_nested_too_deeply_name_the_file(tmp_path, read, form):
    path = tmp_path / "deep"
    path.write_text(form.format("[" * 100_000, "]" * 100_000))
    with pytest.raises(InputError, match=r"deep: expected a readable .* file, found"):
        read(path)


@pytest.fixture
def frames(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for folder in ("mine", "masks"):
        Path(folder).mkdir()
    for number in range(3):
        target = (rng.random((6, 7)) < 0.3).astype(np.uint8)
        np.save(f"masks/{number}.npy", target)
        np.save(f"mine/{number}.npy", target * 0.3 + rng.random((6, 7)) * 0.7)


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def command(frames, capsys):
    """Run a command line of mdmkit in this process."""

    def command(*arguments):
        with pytest.raises(SystemExit) as ended:
            run(app, "mdmkit", arguments)
        return Ran(ended.value.code or 0, *capsys.readouterr())

    return command


COMPARE = ("compare", "mine=mine", "--target", "masks", "--metrics", "ap")


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.pdf", "out.html"])
@pytest.mark.parametrize("start", [COMPARE, ("threshold", *COMPARE[1:4], "--t-margin", "0.2")])
def test_a_suffix_that_means_nothing_is_refused_before_the_work(command, start, name):
    ran = command(*start, "-o", name)
    assert ran.code == 2
    assert "output: expected a name ending in .txt, .md, .csv, .json, .tex" in ran.err
    assert not Path(name).exists()
    assert command(*COMPARE, "-o", name, "--format", "csv").code == 0


def test_a_table_that_cannot_be_written_goes_to_the_terminal(command, monkeypatch):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "_sync", full)
    ran = command(*COMPARE, "-o", "a.csv")
    assert ran.code == 1
    assert "a.csv could not be written: No space left on device" in ran.err
    assert ran.out.splitlines()[1].startswith("mine,3,")


@pytest.mark.slow
def test_nobody_reads_the_table(frames):
    shell = f"{sys.executable} -m mdmkit {' '.join(COMPARE)}"
    for redirected in (">&-", ">&- 2>&-", "| true"):
        ran = subprocess.run(
            f"{shell} {redirected}", shell=True, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in ran.stderr
        assert "Exception" not in ran.stderr
        assert ran.stdout == ""
    full = subprocess.run(
        f"{shell} > /dev/full", shell=True, capture_output=True, text=True, check=False
    )
    assert full.returncode == 1
    assert "No space left" in full.stderr
    assert "Exception ignored" not in full.stderr


def test_damaged_frame_counts_are_refused_and_made_anew(frames):
    pytest.importorskip("h5py")
    options = {"target": "masks", "metrics": "ap", "replicates": 5, "counts": "counts.h5"}
    first = bootstrap({"mine": "mine"}, **options)
    path = Path("counts.h5")
    data = bytearray(path.read_bytes())
    for place in range(1, len(data), len(data) // 20):
        data[place] ^= 8
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"as they were written, found .* a damaged one"):
            bootstrap({"mine": "mine"}, **options)
        data[place] ^= 8
    again = bootstrap({"mine": "mine"}, **options, overwrite=True)
    assert np.array_equal(first.replicates["mine"]["ap"], again.replicates["mine"]["ap"])


@pytest.mark.parametrize(
    "option", [("--memory", "much"), ("--bootstrap", "5", "--seed", "-1"), ("--jobs", "0")]
)
def test_numbers_that_are_none_are_refused(command, option):
    ran = command(*COMPARE, *option)
    assert ran.code == 2
    assert "expected" in ran.err
