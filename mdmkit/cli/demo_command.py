"""`mdmkit demo`: a comparison that needs no data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli.options import INPUT, OUTPUT, option
from mdmkit.cli.terminal import Debug, Quiet, deliver


def demo(
    output: Annotated[
        Path,
        option(OUTPUT, "FOLDER", "A new or empty folder.", "--output", "-o"),
    ] = Path("mdmkit-demo"),
    seed: Annotated[int, option(INPUT, "N", "Seed of the frames.")] = 0,
    frames: Annotated[int, option(INPUT, "N", "Frames to draw.")] = 8,
    normal: Annotated[
        int,
        option(INPUT, "N", "Also score maps of frames without any anomaly."),
    ] = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compare three synthetic methods: AP alike, margins far apart.

    Draws masks and score maps, then does what `compare` and `plot margin` do.

    Example: mdmkit demo -o mdmkit-demo
    """
    from mdmkit.cli.demo import T_MARGIN, run_demo

    found = run_demo(output, seed, frames, normal)
    if quiet:
        return
    deliver(found.comparison, "table", None, quiet=False)
    typer.echo(f"\ntable    {found.table}")
    for figure in found.figures:
        typer.echo(f"figure   {figure}")
    methods = " ".join(f"{name}={folder}" for name, folder in found.drawn.methods.items())
    typer.echo(
        f"\nThe synthetic maps are files; try:\n  mdmkit plot margin {methods} "
        f"--target {found.drawn.target} --t-margin {T_MARGIN:g} -o margin.pdf"
    )
