"""Output is written whole or not at all, and failures are one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.cli.commands import SMALL, crash, shell

COMMANDS = {
    "compare": ("compare", "good=good", "--target", "masks", *SMALL, "--format", "csv", "-o"),
    "plot": ("plot", "margin", "good=good", "--target", "masks", "--t-margin", "0.5", "-o"),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_an_existing_output_is_left_alone(run, folders, command):
    output = folders / "out" / "a.png"
    output.write_text("precious")
    assert run(*command, "out/a.png").refused(
        "output: expected a new file, found that out/a.png exists; "
        "choose another name or pass --overwrite"
    )
    assert output.read_text() == "precious"
    assert run(*command, "out/a.png", "--overwrite").code == 0
    assert output.read_bytes() != b"precious"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out", "output: expected a file name, found the folder out"),
        ("gone/a.png", "output: expected an existing folder, found none at gone"),
    ],
)
def test_output_must_be_a_file_in_a_folder(run, command, name, message):
    assert run(*command, name).refused(message)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_special_files_are_never_replaced(run, folders, command):
    # `-o /dev/null --overwrite` as root must not turn the device into a plain file
    os.mkfifo(folders / "out" / "a.png")
    ran = run(*command, "out/a.png", "--overwrite")
    assert (folders / "out" / "a.png").is_fifo()
    assert ran.refused("output: expected a file name")


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_bad_input_leaves_nothing_behind(run, folders, command):
    (folders / "good" / "1.npy").write_bytes(b"")
    assert run(*command, "out/a.png").code == 2
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_nothing_behind_and_keeps_what_was(
    run, folders, command, overwrite, monkeypatch
):
    output = folders / "out" / "a.png"
    if overwrite:
        output.write_text("precious")

    def write_some(*arguments, **options):
        target = next(a for a in arguments if isinstance(a, Path))
        target.write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_some)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", write_some)
    ran = run(*command, "out/a.png", *(["--overwrite"] if overwrite else []))
    assert ran.code == 1
    assert ran.err == (
        "mdmkit: failed: OSError: [Errno 28] out/a.png could not be written: "
        "No space left on device (--debug shows where)\n"
    )
    assert os.listdir(folders / "out") == (["a.png"] if overwrite else [])
    assert not overwrite or output.read_bytes() == b"precious"


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_failure_is_one_line_and_exit_code_one(run, folders, command, monkeypatch):
    monkeypatch.setattr("mdmkit.statistics.components.ComponentCounts.of", crash)
    monkeypatch.setattr("mdmkit.statistics.kinds.PixelStatistic.of", crash)
    ran = run(*command, "out/a.png")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "mdmkit: failed: RuntimeError: something broke (--debug shows where)\n"
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_an_interrupt_leaves_nothing_behind(compare, folders, jobs, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("mdmkit.statistics.kinds.PixelStatistic.of", interrupt)
    ran = compare("-o", "out/a.md", "--jobs", jobs)
    assert ran.code in (1, 130)
    assert "Traceback" not in ran.err
    assert os.listdir(folders / "out") == []


@pytest.mark.parametrize("place", ["before", "after"])
def test_debug_shows_where_it_failed(run, monkeypatch, place):
    monkeypatch.setattr("mdmkit.statistics.kinds.PixelStatistic.of", crash)
    command = ["compare", "good=good", "--target", "masks"]
    command = ["--debug", *command] if place == "before" else [*command, "--debug"]
    with pytest.raises(RuntimeError, match="something broke"):
        run(*command)


def test_debug_shows_a_traceback_of_bad_input_too(folders):
    ran = shell("-m", "mdmkit", "--debug", "compare", "a=gone", "--target", "masks", cwd=folders)
    assert ran.returncode != 0
    assert "Traceback (most recent call last)" in ran.stderr
    assert "InputError: a: expected a folder at gone, found nothing" in ran.stderr
