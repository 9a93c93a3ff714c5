"""`mdmkit demo` as a command."""

from __future__ import annotations

import json
import os

import pytest

from tests.cli.commands import crash, shell

DEMO_FILES = {
    "comparison.json", "comparison.md", "margin.pdf", "margin.png", "thresholds.png",
    "masks", "scores",
}  # fmt: skip


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo's folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder / "demo", shell("-m", "mdmkit", "demo", "-o", "demo", cwd=folder)


@pytest.mark.slow
def test_the_demo_writes_its_table_and_figures(demo):
    folder, ran = demo
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(os.listdir(folder)) == DEMO_FILES
    table = (folder / "comparison.md").read_text()
    assert all(f"| {name} |" in table for name in ("steady", "timid", "drifting"))


@pytest.mark.slow
def test_the_demo_shows_margins_far_apart_where_ranking_is_alike(demo):
    found = json.loads((demo[0] / "comparison.json").read_text())["rows"]
    aps, margins = ([row[key] for row in found] for key in ("ap", "mdm_f1@0.7"))
    assert max(aps) - min(aps) < 0.05
    assert max(margins) - min(margins) > 0.2


@pytest.mark.slow
def test_the_demo_shows_a_command_that_works(demo, run):
    folder, ran = demo
    command = ran.stdout.strip().splitlines()[-1].split()
    assert command[:3] == ["mdmkit", "plot", "margin"]
    command = [part.replace("demo/", f"{folder}/") for part in command]
    assert run(*command[1:]).code == 0


@pytest.mark.parametrize("there", ["file", "folder in use"])
def test_the_demo_refuses_a_place_in_use(run, folders, there):
    place = folders / ("masks/0.png" if there == "file" else "masks")
    before = sorted(folders.rglob("*"))
    assert run("demo", "-o", place).refused(
        f"output: expected a new or empty folder, found that {place} is in use"
    )
    assert sorted(folders.rglob("*")) == before


def test_the_demo_refuses_a_negative_seed(run, folders):
    assert run("demo", "-o", "demo", "--seed", "-1").refused("seed")
    assert not (folders / "demo").exists()


def test_a_demo_that_fails_leaves_its_place_free(run, folders, monkeypatch):
    monkeypatch.setattr("mdmkit.statistics.kinds.PixelStatistic.of", crash)
    assert run("demo", "-o", "demo").code == 1
    monkeypatch.undo()
    monkeypatch.chdir(folders)
    assert not (folders / "demo").exists()
