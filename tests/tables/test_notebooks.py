"""Tables in notebooks, and as data frames."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from mdmkit import InputError, compare, mdm

FRAMES = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
OTHERS = [([[0.1, 0.9, 0.2]], [[0, 0, 1]])]


@pytest.fixture(scope="module")
def comparison():
    return compare({"<b>": FRAMES, "other": OTHERS}, metrics="ap,mdm_f1@0.5")


def test_html_has_every_cell_and_escapes_names(comparison):
    page = comparison._repr_html_()
    view = comparison.view()
    for block in view.tables:
        for column in block.columns:
            assert all(cell in page for cell in column.cells)
    assert "&lt;b&gt;" in page
    assert "<b>100.0</b>" in page
    assert page.count("<table>") == page.count("</table>") == len(view.tables)


def test_a_margin_says_that_it_is_trivial():
    margin = mdm(*FRAMES[0], 0.5)
    page = margin._repr_html_()
    assert "[0.1, 0.9)" in page
    assert "f1 &gt; 0.5" in page
    assert "doing nothing" in page  # all predicted: F1 is 0.5
    assert "doing nothing" not in mdm(*FRAMES[0], 0.6)._repr_html_()


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_have_the_rows_of_csv(comparison, library, monkeypatch):
    given = SimpleNamespace(DataFrame=dict)
    monkeypatch.setitem(sys.modules, library, given)
    frame = comparison.to_frame(library)
    assert frame["method"] == ["<b>", "other"]
    assert frame["ap"] == [comparison["<b>"]["ap"], comparison["other"]["ap"]]
    assert len(comparison.to_frame(library, long=True)["metric"]) == 4


def test_what_lacks_is_named_with_how_to_install_it(comparison, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(InputError, match="pip install polars"):
        comparison.to_frame("polars")
    with pytest.raises(InputError, match="expected one of pandas, polars, found 'numpy'"):
        comparison.to_frame("numpy")
