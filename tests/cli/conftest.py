"""Folders of small frames, and `mdmkit` in this process."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mdmkit.cli import command_line as cli
from tests.cli.commands import SMALL, Ran, frame, in_process


@pytest.fixture
def folders(tmp_path):
    """Three frames of two methods, `good` and `weak`, with their masks; the working directory."""
    for name in ("masks", "good", "weak", "out"):
        (tmp_path / name).mkdir()
    for seed in range(3):
        scores, target = frame(seed)
        Image.fromarray(target).save(tmp_path / "masks" / f"{seed}.png")
        np.save(tmp_path / "good" / f"{seed}.npy", scores)
        np.save(tmp_path / "weak" / f"{seed}.npy", 0.5 * scores**2)
    return tmp_path


@pytest.fixture
def run(folders, monkeypatch, capsys):
    """`mdmkit ARGUMENTS` in the folder with the frames, in this process."""
    monkeypatch.chdir(folders)

    def command(*arguments):
        return Ran(*in_process(cli.main, "mdmkit", arguments, monkeypatch, capsys))

    return command


@pytest.fixture
def compare(run):
    """`mdmkit compare good=good --target masks ...`, sizes 0, with further options."""
    return lambda *options: run("compare", "good=good", "--target", "masks", *SMALL, *options)


@pytest.fixture
def plot(run):
    """`mdmkit plot margin good=good weak=weak --target masks --t-margin 0.5 ...`."""
    return lambda *options: run(
        "plot", "margin", "good=good", "weak=weak", "--target", "masks", "--t-margin", "0.5",
        *options,
    )  # fmt: skip
