"""`mdmkit convert`: score maps in another file format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli.options import NUMBERS, OUTPUT, Key, flag, one_of
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note, progress_bars


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder of score maps.")],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write to.")],
    to: Annotated[
        str,
        one_of(NUMBERS, "npy|npz|hdf5|png16|tif", "Format of the new files."),
    ],
    dtype: Annotated[
        str | None,
        one_of(
            OUTPUT,
            "float16|float32",
            "Type of the scores in the new files; benchmarks take float16 hdf5.",
            default="as they are",
        ),
    ] = None,
    key: Key = None,
    invert: Annotated[
        bool,
        flag(NUMBERS, "Write 1 - score: scores of which higher means normal.", "--invert"),
    ] = False,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write score maps in another file format: same frames, nothing clipped.

    Example: mdmkit convert scores/mine anomaly_p/mine/AnomalyTrack-all --to hdf5 --dtype float16
    """
    from mdmkit.datasets.conversion import convert as convert_folder

    with progress_bars(quiet) as progress:
        done = convert_folder(
            source,
            output,
            to,
            dtype=dtype,
            key=key,
            invert=invert,
            overwrite=overwrite,
            progress=progress,
        )
    note(f"wrote {done.frames} score maps to {output}", quiet)
    if done.largest_change:
        note(f"rounding moved scores by at most {done.largest_change:.2g}", quiet)
    if done.vanished:
        note(f"{done.vanished} pixels with positive scores too small for it are 0 now", quiet)
