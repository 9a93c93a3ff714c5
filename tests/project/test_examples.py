"""Every script of the gallery runs, offline and without a display, and writes its pictures."""

from __future__ import annotations

import ast
import re
import runpy
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


def optional_libraries(source):
    """Top-level names of what a script imports that the core does without."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.partition(".")[0] for name in names}
    optional = found & {"torch", "torchmetrics", "dask", "distributed", "sklearn", "tifffile"}
    return optional | ({"torch", "transformers"} if "maskomaly" in found else set())


QUICK = {"mdm_in_five_lines", "metric_of_ones_own"}


def slow_but(quick, paths):
    """Parameters of a test: those that are not quick are run with the slow tests."""
    return [
        pytest.param(path, marks=() if path.stem in quick else pytest.mark.slow, id=path.stem)
        for path in paths
    ]


@pytest.mark.parametrize("path", slow_but(QUICK, EXAMPLES))
def test_an_example_runs_and_writes_a_picture(path, tmp_path, monkeypatch):
    for library in optional_libraries(path.read_text()):
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    runpy.run_path(str(path), run_name="__main__")
    pictures = sorted(tmp_path.glob("*.png"))
    assert pictures
    for picture in pictures:
        with Image.open(picture) as opened:  # something is drawn: not one colour all over
            assert len(opened.convert("L").getcolors()) > 10


def test_there_are_examples():
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_has_a_title_and_says_what_it_shows(path):
    title, rule, blank, *rest = ast.get_docstring(ast.parse(path.read_text())).splitlines()
    assert (set(rule), len(rule), blank) == ({"="}, len(title), "")
    assert rest


def drawn_in(page):
    """The code of the pictures that a page draws, which goes on from one to the next."""
    blocks = re.findall(r"^\.\. plot::\n((?:   .*\n|\n)+)", page.read_text(), re.MULTILINE)
    lines = textwrap.dedent("\n".join(blocks)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(":"))


DRAWING = [page for page in PAGES if drawn_in(page)]


@pytest.mark.slow
@pytest.mark.parametrize("page", DRAWING, ids=lambda page: page.stem)
def test_the_pictures_of_a_page_can_be_drawn(page):
    import matplotlib.pyplot as plt

    plt.switch_backend("agg")
    exec(compile(drawn_in(page), page.name, "exec"), {})
    assert plt.get_fignums()
    plt.close("all")


def test_a_page_draws():
    assert DRAWING
