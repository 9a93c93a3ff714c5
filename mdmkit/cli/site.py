"""`mdmkit site`: several comparisons as a leaderboard that works offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdmkit.cli import completion
from mdmkit.cli.options import INPUT, OUTPUT, flag, option
from mdmkit.cli.terminal import Debug, Quiet, note

if TYPE_CHECKING:
    from mdmkit.comparison.published import PublishedTable


def site(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]RESULTS...",
            help="JSON files of `mdmkit compare -o NAME.json`, or folders of them. Files of one "
            "data set are joined; NAME= names it.",
        ),
    ],
    output: Annotated[
        Path,
        option(
            OUTPUT,
            "FOLDER",
            "A new or empty folder; index.html in it is the first page.",
            "--output",
            "-o",
        ),
    ],
    title: Annotated[str, option(OUTPUT, "TEXT", "Title of the site.")] = "Leaderboard",
    published: Annotated[
        list[str] | None,
        option(
            INPUT,
            "[NAME=]TABLE",
            "Show a printed table beside the data set NAME, which may be left out where "
            "there is only one; repeatable. `mdmkit published` lists the tables.",
            complete=completion.published,
        ),
    ] = None,
    quiet: Quiet = False,
    overwrite: Annotated[
        bool,
        flag(OUTPUT, "Replace an earlier site.", "--overwrite"),
    ] = False,
    debug: Debug = False,
) -> None:
    """Write a leaderboard: methods by data sets, ranks with intervals, pages that work offline.

    A page of `mdmkit report` beside a JSON file, of the same name but for .html, is linked.

    Example: mdmkit site results -o site --published roadanomaly=roadanomaly
    """
    from mdmkit.report.site import build_site, check_site, find_results, write_site

    check_site(output, overwrite)
    found = find_results(results)
    tables = _tables(published or [], list(dict.fromkeys(saved.name for saved in found)))
    built = build_site(found, title=title, published=tables)
    first = write_site(built, output, overwrite)
    note(f"wrote {first}: {len(found)} files, {len(built.tracks)} data sets", quiet)


def _tables(items: list[str], names: list[str]) -> dict[str, list[PublishedTable]]:
    """Printed tables by the name of the data set that they stand beside."""
    from mdmkit.comparison.published import published_table
    from mdmkit.core.errors import InputError

    tables: dict[str, list[PublishedTable]] = {}
    for item in items:
        name, sign, table = item.rpartition("=")
        if not sign and len(names) > 1:
            raise InputError(
                f"expected NAME={table} with one of {', '.join(names)}, found no NAME",
                argument="published",
            )
        tables.setdefault(name if sign else names[0], []).append(published_table(table))
    return tables
