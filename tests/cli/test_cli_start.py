"""The command line: how it starts, and what it says of wrong usage."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import RANKING, REPOSITORY, shell

LIGHT = """
import sys
{before}
names = {{"numpy", "numba", "torch", "matplotlib", "scipy", "sklearn", "h5py", "PIL"}}
names |= {{"dask", "distributed", "zarr"}}
heavy = sorted(names & set(sys.modules))
assert not heavy, heavy
"""


def test_importing_mdmkit_imports_nothing_heavy():
    ran = shell("-c", LIGHT.format(before="import mdmkit; dir(mdmkit)"))
    assert ran.returncode == 0, ran.stderr


def commands(*command_lines):
    """Code that runs command lines one after another."""
    return f"""
import sys
from mdmkit import cli
for line in {command_lines!r}:
    sys.argv = ["mdmkit", *line.split()]
    try:
        cli.main()
    except SystemExit as ended:
        assert not ended.code
"""


def test_help_imports_nothing_heavy():
    asked = [f"{name} --help" for name in ("", "compare", "plot margin", "inspect")]
    ran = shell("-c", LIGHT.format(before=commands(*asked)))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("Usage: mdmkit") == 4


def test_a_comparison_imports_nothing_that_it_does_not_use(folders):
    unused = """
unused = {"scipy.linalg", "matplotlib", "jinja2", "h5py", "asyncio", "multiprocessing", "ssl"}
unused |= {f"mdmkit.{room}" for room in ("plots", "report", "thresholds", "uncertainty")}
unused |= {"mdmkit.comparison.checkpoints", "mdmkit.cli.report", "mdmkit.cli.plot_curves"}
loaded = sorted(unused & set(sys.modules))
assert not loaded, loaded
"""
    asked = f"compare good=good --target masks --metrics {RANKING} --quiet"
    ran = shell("-c", commands(asked) + unused, cwd=folders)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_module_runs_as_a_program(folders):
    ran = shell(
        "-m", "mdmkit", "compare", "good=good", "--target", "masks", "--metrics", RANKING,
        "--format", "json", cwd=folders,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["rows"][0]["method"] == "good"


def test_bad_input_ends_the_program_with_two_and_one_message(folders):
    ran = shell("-m", "mdmkit", "compare", "good=gone", "--target", "masks", cwd=folders)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "mdmkit: error: good: expected a folder at gone, found nothing\n"


def test_a_full_device_ends_the_program_with_one(folders):
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "mdmkit", "compare", "good=good", "--target", "masks",
             "--metrics", "ap", "--format", "json"],
            stdout=full, stderr=subprocess.PIPE, text=True, cwd=folders,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    assert ran.returncode == 1
    assert "No space left on device" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "Exception ignored" not in ran.stderr


def test_output_that_cannot_show_an_arrow_is_no_failure(folders):
    # a pipe on Windows, or PYTHONIOENCODING: no arrows in cp1252
    line = "compare good=good --target masks --metrics ap --format "
    code = commands(*(line + form for form in ("table", "markdown", "latex")))
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "cp1252"}
    ran = shell("-c", code, cwd=folders, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("AP") >= 3


def test_version_names_what_the_numbers_depend_on(run):
    ran = run("--version")
    assert ran.code == 0
    for name in ("mdmkit", "numpy", "numba"):
        assert f"{name} " in ran.out


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["compare"], ["compare", "good=good"], ["plot"]]
)
def test_unusable_command_lines_end_with_two(run, arguments):
    ran = run(*arguments)
    assert ran.code == 2
    assert "Traceback" not in ran.err
