"""Pictures of the manual: each is drawn by a command that a page shows, or by a demo."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_picture_is_drawn_by_the_script():
    script = runpy.run_path(str(DOCS / "draw_images.py"))
    drawn = {name for pictures in script["DEMOS"].values() for name in pictures.values()}
    assert {path.name for path in DOCS.glob("images/*")} == drawn | {"requirements.png"}


def test_the_command_of_the_page_draws_the_ranges():
    script = runpy.run_path(str(DOCS / "draw_images.py"))
    shown = script["commands"]((DOCS / "thresholds.md").read_text(encoding="utf-8"))
    demos = [words for words in shown if words[1] == "demo"]
    (figure,) = (words for words in shown if "--figure" in words)
    assert figure[figure.index("--figure") + 1] == "ranges.png"
    made = {words[words.index("-o") + 1] for words in demos}
    assert {word.split("/")[0] for word in figure if word.endswith("/masks")} == made
