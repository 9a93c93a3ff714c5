"""`mdmkit demo`: a comparison that needs no data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli.options import INPUT, OUTPUT
from mdmkit.cli.terminal import Debug, Quiet, deliver


def demo(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="A new or empty folder.",
            rich_help_panel=OUTPUT,
        ),
    ] = Path("mdmkit-demo"),
    seed: Annotated[
        int, typer.Option(metavar="N", help="Seed of the frames.", rich_help_panel=INPUT)
    ] = 0,
    frames: Annotated[
        int, typer.Option(metavar="N", help="Frames to draw.", rich_help_panel=INPUT)
    ] = 8,
    normal: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Also score maps of frames without any anomaly.",
            rich_help_panel=INPUT,
        ),
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
