"""The command line: `mdmkit compare`, `plot`, `report`, `published`, `inspect`, ....

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup

from mdmkit.cli.terminal import Debug, run

#: The module, function and, where words are not parsed as usual, class of a command.
Place = tuple[str, ...]
_IN_ORDER_OF_USE: dict[str, Place] = {
    "demo": ("demo_command", "demo"),
    "datasets": ("datasets", "datasets"),
    "inspect": ("inspect", "inspect"),
    "convert": ("convert", "convert"),
    "compare": ("compare", "compare"),
    "merge": ("merge", "merge"),
    "threshold": ("threshold", "threshold", "SeveralAfterOn"),
    "plot": (),
    "report": ("report", "report"),
    "site": ("site", "site"),
    "published": ("published", "published"),
    "warmup": ("warmup", "warmup"),
}
_FIGURES: dict[str, Place] = {
    name: (f"plot_{name.replace('-', '_')}",) * 2
    for name in ("margin", "margins-by-t", "curves", "by", "froc", "thresholds", "grid")
}


class Commands(UserDict[str, Any]):
    """Commands by name, each loaded when it is asked for: options of all take 0.1 s."""

    def __getitem__(self, name: str) -> Any:
        if isinstance(place := self.data[name], tuple):
            self.data[name] = _load(name, *place)
        return self.data[name]


def _load(name: str, module: str, *names: str) -> Any:
    found = import_module(f"mdmkit.cli.{module}")
    function, *parser = (getattr(found, each) for each in names)
    alone = typer.Typer(add_completion=False)
    alone.command(name, cls=next(iter(parser), None))(function)
    return typer.main.get_command(alone)


class OrderOfUse(TyperGroup):
    """Commands as they stand above, figures behind the table."""

    places: ClassVar = _IN_ORDER_OF_USE

    def __init__(self, *, commands: Mapping[str, object], **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = Commands({**self.places, **commands})

    def list_commands(self, ctx: object) -> list[str]:
        return list(self.commands)


class Figures(OrderOfUse):
    """A command for each kind of figure."""

    places: ClassVar = _FIGURES


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
    cls=Figures,
)
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
