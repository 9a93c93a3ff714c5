"""`mdmkit warmup`: kernels compiled ahead."""

from __future__ import annotations

from mdmkit.cli.terminal import Debug, Quiet, note


def warmup(quiet: Quiet = False, debug: Debug = False) -> None:
    """Compile the loops ahead, so that the first comparison need not.

    Takes a minute, once for each installation.

    Example: mdmkit warmup
    """
    import numpy as np

    from mdmkit.evaluation.arrays import mdm
    from mdmkit.evaluation.evaluation import evaluate

    for side in (4, 160):  # small frames are ranked, larger ones are put into bins
        target = np.eye(side, dtype=np.uint8)
        scores = np.random.default_rng(0).random(target.shape)
        for dtype in ("float16", "float32", "float64", "uint8", "uint16"):
            frame = (scores.astype(dtype), target)
            for metric in ("f1", "siou"):
                mdm(*frame, 0.5, metric=metric)
            for memory in (2**31, 0):
                evaluate([frame, frame], memory=memory)
    note("compiled", quiet)
