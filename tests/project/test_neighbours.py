"""Pages for those who come from other tools: their lines and ours, run, give the numbers shown."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
NEIGHBOURS = {
    "from-evalanomaly": "sklearn",
    "from-scikit-learn": "sklearn",
    "from-torchmetrics": "torchmetrics",
    "from-anomalib": "anomalib",
}


def results(text):
    """Each expression with a number behind it: its source, the value it had, the number shown."""
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        for statement in ast.parse(block).body:
            source = ast.get_source_segment(block, statement)
            shown = re.search(r"  # (-?\d+\.\d+)$", lines[statement.end_lineno - 1])
            if isinstance(statement, ast.Expr) and shown:
                yield source, float(eval(source, names)), shown[1]
            else:
                exec(compile(source, "page", "exec"), names)


@pytest.mark.parametrize("page", NEIGHBOURS)
def test_a_page_shows_what_its_lines_give(page):
    pytest.importorskip(NEIGHBOURS[page], reason=f"{NEIGHBOURS[page]} is not installed")
    found = list(results((DOCS / f"{page}.md").read_text(encoding="utf-8")))
    assert found
    wrong = [
        f"{source}: {value}, shown as {shown}"
        for source, value, shown in found
        if f"{value:.{len(shown.partition('.')[2])}f}" != shown
    ]
    assert not wrong, "\n".join(wrong)
