"""The core needs numpy and numba alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

USER = Path(__file__).with_name("slim.py")


def test_numpy_and_numba_are_enough():
    environment = os.environ | {"PYTHONPATH": str(USER.parents[2])}
    ran = subprocess.run(
        [sys.executable, USER, "--block"], env=environment, capture_output=True, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "enough\n", "")
