"""Numbers as papers printed them, to be shown beside your own.

One CSV file per table: comment lines with title, source, number of frames where the data set that
is named has one, and notes; then one row per method, in percent as printed. Columns are measure
names, or headings of what no measure computes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from mdmkit.core.arguments import as_choice
from mdmkit.core.records import Json
from mdmkit.tables.forms import Tabular
from mdmkit.tables.headings import LOWER_IS_BETTER, key_titles
from mdmkit.tables.table import UNDEFINED, Block, Column, Row, View, value_column

_UNMEASURED = ("method", "auxiliary")


@dataclass(frozen=True)
class PublishedRow:
    """Holds the printed numbers of one method.

    Attributes
    ----------
    method : str
    auxiliary : str
        Whether it was trained with auxiliary data, as printed or corrected; "" where not printed.
    values : dict of float
        Fractions by column; None where nothing was printed.

    Examples
    --------
    >>> from mdmkit import published_table
    >>> row = published_table("roadanomaly").rows[1]
    >>> row.method, row.auxiliary, row.values["fpr95"]
    ('PEBAL', 'yes', 0.446)
    """

    method: str
    auxiliary: str
    values: dict[str, float | None]

    def to_dict(self) -> Json:
        """All of it as one row, ready for JSON."""
        return {"method": self.method, "auxiliary": self.auxiliary, **self.values}


@dataclass(frozen=True)
class PublishedTable(Tabular):
    """Holds a printed table with its source.

    Attributes
    ----------
    name, title, source : str
    frames : int or None
        Of the data set that is named; None where it is not known how many were judged.
    notes : tuple of str
    columns : tuple of str
        Measure names such as "ap", or headings as printed, such as "MDM (a)".
    rows : tuple of PublishedRow

    Examples
    --------
    >>> from mdmkit import published_table
    >>> published_table("roadanomaly").columns
    ('ap', 'fpr95', 'MDM (a)', 'MDM (b)')
    """

    name: str
    title: str
    source: str
    notes: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]
    frames: int | None = None

    def to_dict(self) -> Json:
        """Title, source, notes and rows, ready for JSON: fractions, None where not printed."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "frames": self.frames,
            "notes": list(self.notes),
            "rows": [row.to_dict() for row in self.rows],
        }

    def records(self) -> list[Row]:
        """One row per method, in fractions."""
        return [row.to_dict() | {"source": self.source} for row in self.rows]

    def long_records(self) -> list[Row]:
        """One row per method and column."""
        return [
            {
                "table": self.name,
                "method": row.method,
                "auxiliary": row.auxiliary,
                "metric": name,
                "value": value,
                "source": self.source,
            }
            for row in self.rows
            for name, value in row.values.items()
        ]

    def is_of(self, frames: int) -> bool:
        """Whether the data set has so many frames, as far as that is known."""
        return self.frames == frames

    def view(self) -> View:
        """The content of the table, before any form is chosen."""
        columns = [
            value_column(
                *key_titles(name),
                name not in LOWER_IS_BETTER,
                [row.values[name] for row in self.rows],
            )
            for name in self.columns
        ]
        auxiliary = tuple(row.auxiliary or UNDEFINED for row in self.rows)
        told = any(row.auxiliary for row in self.rows)
        frames = f"frames: {self.frames or 'not known'}"
        notes = (f"source: {self.source}", frames, *self.notes)
        return View(
            tuple(row.method for row in self.rows),
            Column("aux. data", "", "", auxiliary) if told else None,
            (Block(f"{self.title}, %", tuple(columns), "joined"),),
            notes,
            self.to_dict(),
            self.records(),
            self.long_records(),
            0,
            (self.title, *notes),
        )


def published_names() -> tuple[str, ...]:
    """List the names of all printed tables.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from mdmkit import published_names
    >>> "roadanomaly" in published_names()
    True
    """
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".csv") for name in names if name.endswith(".csv")))


def published_table(name: str) -> PublishedTable:
    """Look up a printed table by its name.

    Parameters
    ----------
    name : str
        One of `published_names()`.

    Returns
    -------
    PublishedTable

    Raises
    ------
    InputError
        If there is none of that name.

    Examples
    --------
    >>> from mdmkit import published_table
    >>> published_table("roadanomaly").rows[-1].values["ap"]
    0.709
    """
    as_choice(name, published_names(), "published")
    text = files(__name__).joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return _parsed(name, text.splitlines())


def _parsed(name: str, lines: Iterable[str]) -> PublishedTable:
    remarks: dict[str, list[str]] = {"title": [], "source": [], "frames": [], "note": []}
    plain = []
    for line in lines:
        if line.startswith("# "):
            kind, _, remark = line[2:].partition(": ")
            remarks[kind].append(remark)
        else:
            plain.append(line)
    reader = csv.DictReader(plain)
    rows = []
    for cells in reader:
        values = {
            column: float(Decimal(cell) / 100) if cell else None
            for column, cell in cells.items()
            if column not in _UNMEASURED
        }
        rows.append(PublishedRow(cells["method"], cells["auxiliary"], values))
    columns = tuple(c for c in reader.fieldnames or () if c not in _UNMEASURED)
    (title,), (source,), notes = remarks["title"], remarks["source"], tuple(remarks["note"])
    frames = int(remarks["frames"][0]) if remarks["frames"] else None
    return PublishedTable(name, title, source, notes, columns, tuple(rows), frames)
