"""`mdmkit published`: a paper's numbers on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from mdmkit.cli import completion
from mdmkit.cli.table_options import Form, Output, form_of
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, deliver_text


def published(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            autocompletion=completion.published,
            help="A table; without it, all are listed.",
        ),
    ] = None,
    format: Form = None,
    output: Output = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Print a paper's numbers, as printed there.

    Example: mdmkit published roadanomaly --format latex
    """
    from mdmkit.comparison.published import published_names, published_table
    from mdmkit.core.files import check_output
    from mdmkit.tables.forms import check_form

    form = check_form(format or form_of(output))
    if output is not None:
        check_output(output, overwrite)
    if name is None:
        tables = map(published_table, published_names())
        text = "".join(f"{table.name}: {table.title}; {table.source}\n" for table in tables)
    else:
        text = published_table(name).to_text(form)
    deliver_text(text, output, quiet)
