"""`mdmkit published`: a paper's numbers on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from mdmkit.cli import completion
from mdmkit.cli.groups import Result, with_groups
from mdmkit.cli.terminal import deliver_text, label_of


@with_groups
def published(
    result: Result,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            autocompletion=completion.published,
            help="A table; without it, all are listed.",
        ),
    ] = None,
) -> None:
    """Print a paper's numbers, as printed there.

    Example: mdmkit published roadanomaly --format latex
    """
    from mdmkit.comparison.published import published_names, published_table

    form = result.check()
    if name is None:
        tables = map(published_table, published_names())
        text = "".join(f"{table.name}: {table.title}; {table.source}\n" for table in tables)
    else:
        text = published_table(name).to_text(form, label_of(result.output))
    deliver_text(text, result.output, result.quiet)
