"""Documents show what their commands print."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest

from mdmkit.cli import command_line as cli
from mdmkit.cli import terminal

DOCS = Path(__file__).parents[2] / "docs"


def steps(text):
    """Commands of a document and the outputs that it shows, in their order."""
    for block in re.finditer(
        r"```\n(mdmkit .*?)```|<!-- output -->\n(.*?)<!-- end -->", text, re.S
    ):
        if block[1]:
            lines = block[1].replace("\\\n", " ").strip().splitlines()
            yield from (("run", line) for line in lines)
        else:
            yield "shown", block[2].strip()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scaling", "uncertainty", "thresholds"])
def test_documents_show_what_their_commands_print(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "_debugging", False)
    found, shown = list(steps((DOCS / f"{name}.md").read_text())), 0
    printed = ""
    for what, text in found:
        if what == "run":
            monkeypatch.setattr(sys, "argv", shlex.split(text))
            capsys.readouterr()
            try:
                cli.main()
            except SystemExit as ended:
                assert not ended.code, text  # noqa: PT017
            printed = capsys.readouterr().out
        else:
            assert text in printed
            shown += 1
    assert shown >= 2
