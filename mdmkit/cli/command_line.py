"""The command line: `mdmkit compare`, `plot`, `report`, `published`, `inspect`, ....

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperGroup

from mdmkit.cli.compare import compare
from mdmkit.cli.convert import convert
from mdmkit.cli.datasets import datasets
from mdmkit.cli.demo_command import demo
from mdmkit.cli.inspect import inspect
from mdmkit.cli.merge import merge
from mdmkit.cli.plot_by import plot_by
from mdmkit.cli.plot_curves import plot_curves
from mdmkit.cli.plot_froc import plot_froc
from mdmkit.cli.plot_grid import plot_grid
from mdmkit.cli.plot_margin import plot_margin
from mdmkit.cli.plot_margins_by_t import plot_margins_by_t
from mdmkit.cli.plot_thresholds import plot_thresholds
from mdmkit.cli.published import published
from mdmkit.cli.report import report
from mdmkit.cli.site import site
from mdmkit.cli.terminal import Debug, run
from mdmkit.cli.threshold import SeveralAfterOn, threshold
from mdmkit.cli.warmup import warmup

_IN_ORDER_OF_USE = (
    demo,
    datasets,
    inspect,
    convert,
    compare,
    merge,
    threshold,
    report,
    site,
    published,
    warmup,
)


class OrderOfUse(TyperGroup):
    """Commands as they stand above, figures behind the table."""

    def list_commands(self, ctx: object) -> list[str]:
        names = [command.__name__ for command in _IN_ORDER_OF_USE]
        names.insert(names.index("report"), "plot")
        return names


app = typer.Typer(
    name="mdmkit",
    help="How good is a score map, and at which threshold may it be trusted?\n\n"
    "Example: mdmkit compare mine=scores/mine msp=scores/msp --target masks\n\n"
    "Begin with `mdmkit demo`, which needs no data; `mdmkit inspect` looks at yours first.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=OrderOfUse,
)
plot_app = typer.Typer(
    help="Figures for papers.\n\n"
    "Example: mdmkit plot margin mine=scores/mine --target masks --t-margin 0.5 -o margin.pdf",
    no_args_is_help=True,
)
for command in _IN_ORDER_OF_USE:
    app.command(cls=SeveralAfterOn if command is threshold else None)(command)
for figure in (
    plot_margin,
    plot_margins_by_t,
    plot_curves,
    plot_by,
    plot_froc,
    plot_thresholds,
    plot_grid,
):
    plot_app.command(figure.__name__.removeprefix("plot_").replace("_", "-"))(figure)
app.add_typer(plot_app, name="plot")


def _print_version(value: bool) -> None:
    if value:
        from mdmkit.comparison.planning import versions

        typer.echo(", ".join(f"{name} {number}" for name, number in versions().items()))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show versions."),
    ] = False,
    debug: Debug = False,
) -> None:
    """Say how good a score map is, and at which threshold it may be trusted."""


def main() -> None:
    """Run the command line."""
    run(app, "mdmkit")
