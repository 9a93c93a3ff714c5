"""Tables as text: terminal, Markdown, CSV, JSON, LaTeX."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isfinite
from typing import TYPE_CHECKING, Any

from mdmkit.core.arguments import as_choice, check_kind
from mdmkit.core.errors import printable
from mdmkit.core.records import Json
from mdmkit.tables.frames import to_frame
from mdmkit.tables.html import to_html
from mdmkit.tables.latex import PAGE, to_latex
from mdmkit.tables.table import Block, Column, View, in_tables

if TYPE_CHECKING:
    from rich.console import RenderableType


def _shown(column: Column, row: int) -> str:
    """A cell with the star of the best, and what stands behind it."""
    return f"{column.cells[row]}{'*' if row in column.best else ' '}{column.behind(row)}"


def _fitting(
    table: Sequence[Block], methods: Sequence[str], width: int | None
) -> list[list[Block]]:
    """A table in as many pieces as fit a width, so that no number is cut."""
    if width is None:
        return [list(table)]
    names = ("method", *methods, *(block.section for block in table))
    named = max(map(len, names))
    ends: list[int] = []
    room = -1
    for place, columns in enumerate(zip(*(block.columns for block in table), strict=True)):
        shown = [_shown(c, row) for c in columns for row in range(len(c.cells))]
        needed = max(map(len, (*shown, *columns[0].narrow_heading.splitlines()))) + _GAP
        if needed > room:
            ends.append(place)
            room = width - named - _GAP
        room -= needed
    pieces = [slice(*ends_of_piece) for ends_of_piece in pairwise([*ends, None])]
    return [
        [
            replace(
                block,
                title=block.title if number == 0 else f"{block.title} (continued)",
                columns=block.columns[piece],
            )
            for block in table
        ]
        for number, piece in enumerate(pieces)
    ]


def to_renderables(view: View, width: int | None = None) -> list[RenderableType]:
    """Tables and notes for a rich console; wide tables in pieces where a width is given."""
    from rich.text import Text

    parts: list[RenderableType] = [
        _rich_table(view, piece)
        for table in in_tables(view.tables)
        for piece in _fitting(table, view.methods, width)
    ]
    lines = ["* best of its column", *map(printable, view.notes)]
    parts.append(Text("\n".join(lines)))
    return parts


def _rich_table(view: View, blocks: Sequence[Block]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    first = blocks[0]
    table = Table(title=first.title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("method", overflow="fold")
    for column in first.columns:
        table.add_column(Text(column.narrow_heading), justify="right", no_wrap=True)
    for block in blocks:
        if block.section:
            table.add_section()
            table.add_row(Text(printable(block.section), style="italic"))
        for row, method in view.rows_of(block):
            cells = [
                Text(_shown(c, row), style="bold" if row in c.best else "") for c in block.columns
            ]
            table.add_row(Text(printable(method)), *cells)
    return table


_WIDTH = 400  # a file has room: numbers are never cut
_GAP = 3  # between columns


def _to_terminal(view: View) -> str:
    try:
        from rich.console import Console
    except ModuleNotFoundError:  # the core alone prints its tables, too
        return _to_markdown(view)

    buffer = io.StringIO()
    console = Console(file=buffer, width=_WIDTH, color_system=None)
    for part in to_renderables(view, _WIDTH):
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def show(view: View) -> None:
    """Print a view: as wide as the terminal, or as wide as it is where there is none."""
    if not sys.stdout.isatty():
        sys.stdout.write(_to_terminal(view))
        return
    from rich.console import Console

    console = Console()
    for part in to_renderables(view, console.width):
        console.print(part)


def _to_markdown(view: View) -> str:
    def escaped(text: str) -> str:
        return re.sub(r"([\\`*_\[\]<>&~|])", r"\\\1", printable(" ".join(text.split())))

    lines: list[str] = []
    for table in in_tables(view.tables):
        first = table[0]
        lines += [f"**{first.title}**", ""]
        lines.append("| method | " + " | ".join(escaped(c.heading) for c in first.columns) + " |")
        lines.append("|:--|" + "--:|" * len(first.columns))
        for block in table:
            if block.section:
                lines.append(f"| *{escaped(block.section)}* |" + " |" * len(block.columns))
            for row, method in view.rows_of(block):
                cells = [
                    (f"**{c.cells[row]}**" if row in c.best else c.cells[row]) + c.behind(row)
                    for c in block.columns
                ]
                lines.append(f"| {escaped(method)} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [f"- {escaped(line)}" for line in ["bold: best of its column", *view.notes]]
    return "\n".join(lines) + "\n"


def finite(record: object) -> Any:
    """A record for JSON, which has no NaN and no infinity: None in their place.

    Examples
    --------
    >>> finite({"ap": float("nan"), "ap_bracket": (0.0, float("-inf")), "frames": 3})
    {'ap': None, 'ap_bracket': None, 'frames': 3}
    """
    if isinstance(record, Mapping):
        return {key: finite(value) for key, value in record.items()}
    if isinstance(record, (list, tuple)):
        numbers = all(isinstance(value, (int, float)) for value in record)
        values = [finite(value) for value in record]
        return None if numbers and None in values else values
    return None if isinstance(record, float) and not isfinite(record) else record


def _json(record: object) -> str:
    text = json.dumps(finite(record), indent=2, allow_nan=False, ensure_ascii=False)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


#: What JSON leaves, and a terminal or a file does not take for text.
_UNSAFE = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def _csv(rows: Sequence[Json]) -> str:
    """Fractions in full precision; undefined is empty."""
    fields = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_csv_cell, fields))
    writer.writerows([_csv_cell(row.get(field)) for field in fields] for row in rows)
    return buffer.getvalue()


def _csv_cell(value: object) -> Any:
    """A value; text that a spreadsheet would take for a formula stands behind an apostrophe."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.lstrip()[:1] in _FORMULAS and text.strip() else text


_FORMULAS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


FORMATS: dict[str, Callable[[View], str]] = {
    "table": _to_terminal,
    "markdown": _to_markdown,
    "csv": lambda view: _csv(view.rows),
    "json": lambda view: _json(view.record),
    "latex": to_latex,
    "latex-wide": lambda view: to_latex(view, PAGE),
    "csv-long": lambda view: _csv(view.long),
    "json-long": lambda view: _json(list(view.long)),
}


def check_form(form: str, argument: str = "format") -> str:
    """Check that a form is one of `FORMATS`."""
    return str(as_choice(form, FORMATS, argument))


class Tabular(ABC):
    """A result that can be shown as a table."""

    @abstractmethod
    def view(self) -> View:
        """The content of the table, before any form is chosen."""

    def to_text(self, form: str = "table", label: str = View.label) -> str:
        """Write table, markdown, csv, json, latex, latex-wide, csv-long or json-long.

        "latex" fits a column of a two-column paper (3.25 inches), "latex-wide" its page (6.875);
        `label` is what a reference finds that table by, behind "tab:".
        """
        return FORMATS[check_form(form, "form")](replace(self.view(), label=label))

    def to_frame(self, library: str = "pandas", long: bool = False) -> Any:
        """Make a data frame of "pandas" or "polars": fractions in full precision, as in CSV.

        Parameters
        ----------
        library : {"pandas", "polars"}
        long : bool
            A row per method and measure in place of a row per method.

        Raises
        ------
        InputError
            For another library; if it is not installed, with how to install it.
        """
        check_kind(long, (bool,), "long")
        view = self.view()
        return to_frame(view.long if long else view.rows, library)

    def _repr_html_(self) -> str:
        """The tables, for notebooks."""
        return to_html(self.view())

    def __str__(self) -> str:
        return self.to_text()
