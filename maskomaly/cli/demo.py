"""`maskomaly demo`: from synthetic streets to tables and figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli.options import INPUT, OUTPUT, UNCERTAINTY
from mdmkit.cli.terminal import Debug, Quiet, progress_bars


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
    ] = Path("maskomaly-demo"),
    scenes: Annotated[
        int, typer.Option(metavar="N", help="Number of streets to draw.", rich_help_panel=INPUT)
    ] = 24,
    kind: Annotated[
        str,
        typer.Option(
            metavar="test|validation-anomaly|mining",
            help="Of which drawing.",
            rich_help_panel=INPUT,
        ),
    ] = "test",
    bootstrap: Annotated[
        int,
        typer.Option(
            metavar="R",
            help="Resample the images N times, for intervals of the differences.",
            rich_help_panel=UNCERTAINTY,
        ),
    ] = 0,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Draw streets with anomalies, run the network in the package, compare its scores.

    Images -> network -> Maskomaly, its ablation and six other scores -> tables and figures.

    Example: maskomaly demo -o maskomaly-demo
    """
    from maskomaly.demo import run_demo

    with progress_bars(quiet) as bar:
        found = run_demo(output, scenes, kind=kind, replicates=bootstrap, bar=bar)
    if quiet:
        return
    for comparison in (found.comparison, found.ablation):
        typer.echo(comparison.to_text("table"))
    if found.differences:
        typer.echo(found.differences)
    for kind, paths in (("table", found.tables), ("figure", found.figures)):
        for path in paths:
            typer.echo(f"{kind:<7}  {path}")
    methods = " ".join(f"{name}={found.folders[name]}" for name in ("maskomaly", "msp"))
    typer.echo(
        f"\nThe score maps are files; try:\n  mdmkit plot margin {methods} "
        f"--target {found.target} --t-margin 0.5 -o margin.pdf"
    )
