"""How the tests of commands run them, and the small frames that they are given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from mdmkit.cli import terminal

REPOSITORY = Path(__file__).parents[2]
RANKING = "ap,auroc,fpr95,best_f1"
SMALL = ("--min-prediction", "0", "--min-target", "0")


def frame(seed, shape=(24, 32)):
    """A score map and its mask: one square, seen better or worse."""
    rng = np.random.default_rng(seed)
    target = np.zeros(shape, np.uint8)
    target[6:14, 8 : 18 + seed] = 1
    target[:2] = 255
    scores = np.clip(0.6 * (target == 1) + 0.4 * rng.random(shape), 0, 1)
    return scores.astype(np.float32), target


class Ran:
    """How a command ended: exit code, standard output and standard error."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def refused(self, *parts):
        """Wrong usage or input: exit code 2, one message with these parts, no traceback."""
        assert self.code == 2, self.err
        assert self.err.startswith("mdmkit: error: ")
        assert self.err.count("mdmkit: error: ") == 1
        assert self.err.endswith("\n")
        assert "Traceback" not in self.err
        assert self.out == ""
        for part in parts:
            assert part in self.err, self.err
        return True


def in_process(main, program, arguments, monkeypatch, capsys):
    """Run a command line in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", [program, *map(str, arguments)])
    monkeypatch.setattr(terminal, "_debugging", False)
    capsys.readouterr()
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    return code, *capsys.readouterr()


def rows(ran):
    assert ran.code == 0, ran.err
    return json.loads(ran.out)["rows"]


def shell(*arguments, **options):
    """`python ARGUMENTS` in a process of its own."""
    options.setdefault("env", os.environ | {"PYTHONPATH": str(REPOSITORY)})
    return subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, **options
    )


def masks(folders, change):
    for path in (folders / "masks").iterdir():
        Image.fromarray(change(np.array(Image.open(path)))).save(path)


def crash(*arguments, **options):
    raise RuntimeError("something broke")
