"""The page of errors quotes what is really said."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mdmkit.cli import command_line as cli
from mdmkit.cli import terminal

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
QUOTED = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.M)
#: Of a library that is not installed; tested where libraries are taken away.
ELSEWHERE = {"brings what this command needs"}
COMMANDS = {
    "expected a score map of every method for every mask": "one --target masks",
    "expected label values 0 (normal), 1 (anomaly), 255 (ignore)": "fine --target strange",
    "expected values in [0, 1] or a normaliser": "logits --target masks --metrics mdm_f1@0.5",
    "expected finite scores at valid pixels": "undefined --target masks",
    "expected the shape of the scores": "small --target masks",
    "expected at least one anomalous pixel": "fine --target normal --metrics mdm_f1@0.5",
    "expected a readable .npy file": "cut --target masks",
    "expected a new file": "fine --target masks -o there.md",
    "expected a name ending in": "fine --target masks -o there.bmp",
}


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "_debugging", False)
    target = np.zeros((8, 9), np.uint8)
    target[2:4, 2:4] = 1
    scores = np.linspace(0, 1, target.size).reshape(target.shape)
    undefined = np.where(target == 1, np.nan, scores)
    masks = {"masks": target, "normal": 0 * target, "strange": 7 * target}
    maps = {"fine": scores, "logits": scores - 3, "small": scores[::2], "undefined": undefined}
    for name in (*masks, *maps, "one", "cut"):
        Path(name).mkdir()
    for key in "ab":
        for name, values in masks.items():
            Image.fromarray(values).save(f"{name}/{key}.png")
        for name, values in maps.items():
            np.save(f"{name}/{key}.npy", values)
        Path(f"cut/{key}.npy").write_bytes(Path(f"fine/{key}.npy").read_bytes()[:200])
    np.save("one/a.npy", scores)
    Path("there.md").touch()


def test_every_error_of_the_page_is_provoked_here():
    assert set(QUOTED) == set(COMMANDS) | ELSEWHERE


@pytest.mark.parametrize("words", COMMANDS)
def test_the_page_quotes_what_is_said(words, folders, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["mdmkit", "compare", *COMMANDS[words].split()])
    with pytest.raises(SystemExit, match="2"):
        cli.main()
    assert words in capsys.readouterr().err
