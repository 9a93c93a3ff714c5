"""`mdmkit warmup`: after it nothing is compiled for frames as most have them."""

from __future__ import annotations

import os

import pytest

from tests.cli.commands import REPOSITORY, shell

USER = """
import numpy as np
from numba.core import event
from mdmkit import SIoU, evaluate, mdm
from mdmkit.cli.warmup import warmup

warmup(quiet=True)
with event.install_recorder("numba:compile") as compiled:
    rng = np.random.default_rng(0)
    target = (rng.random((200, 240)) < 0.1).astype(np.uint8)
    for dtype, most in (("float32", 1), ("float64", 1), ("float16", 1), ("uint8", 255)):
        frame = ((most * rng.random(target.shape)).astype(dtype), target)
        mdm(*frame, 0.5)
        mdm(*frame, 0.5, metric=SIoU())
        evaluate([frame, frame])
        evaluate([frame, frame], memory=0)
print({str(found.data["dispatcher"]) for _, found in compiled.buffer})
"""


@pytest.mark.slow
def test_nothing_is_left_to_compile(tmp_path):
    own = {"PYTHONPATH": str(REPOSITORY), "NUMBA_CACHE_DIR": str(tmp_path)}
    ran = shell("-c", USER, env=os.environ | own)
    assert (ran.returncode, ran.stdout) == (0, "set()\n"), ran.stdout + ran.stderr
