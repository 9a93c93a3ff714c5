"""`mdmkit warmup`: kernels compiled ahead."""

from __future__ import annotations

from mdmkit.cli.terminal import Debug, Quiet, note


def warmup(quiet: Quiet = False, debug: Debug = False) -> None:
    """Compile the loops ahead, so that the first comparison need not.

    Takes half a minute, once for each installation.

    Example: mdmkit warmup
    """
    import numpy as np

    from mdmkit.evaluation.evaluation import evaluate

    target = np.eye(4, dtype=np.uint8)
    for dtype in ("float16", "float32", "float64", "uint8", "uint16"):
        evaluate([(target.astype(dtype), target)])
    note("compiled", quiet)
