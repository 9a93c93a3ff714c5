"""A table before any form is chosen: columns, blocks of them, notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mdmkit.core.number import Number
from mdmkit.core.records import Json

UNDEFINED = "-"
#: Behind margins that a constant prediction passes.
TRIVIAL = "°"
Row = Json


@dataclass(frozen=True)
class Column:
    """Holds one measure of all methods, as text.

    Attributes
    ----------
    name, condition : str
        What is measured, and at which T, threshold or rate.
    arrow : str
        Where better is.
    cells : tuple of str
    best, second : frozenset of int
        Rows that hold the best and the second-best value, as shown. None is best where all are
        equal, none second where only two values are shown.
    details : tuple of str
        What stands behind each cell, as an interval; empty where nothing does.
    """

    name: str
    condition: str
    arrow: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()
    second: frozenset[int] = frozenset()
    details: tuple[str, ...] = ()

    def behind(self, row: int) -> str:
        """Text behind a cell, with a space before it."""
        detail = self.details[row] if row < len(self.details) else ""
        return f" {detail}" if detail else ""

    @property
    def heading(self) -> str:
        """On one line."""
        return " ".join(part for part in (self.name, self.condition, self.arrow) if part)

    @property
    def narrow_heading(self) -> str:
        """On two lines where there is a condition."""
        first = f"{self.name} {self.arrow}".rstrip()
        return f"{first}\n{self.condition}" if self.condition else first


@dataclass(frozen=True)
class Block:
    """Columns that are shown together.

    Attributes
    ----------
    title : str
    columns : tuple of Column
    role : {"apart", "joined", "aside"}
        What becomes of it in LaTeX: a table of its own below its title, part of one with all joined
        ones whose headings say what they are, or comments beside the table.
    section : str
        Heading of its rows, where consecutive blocks of one title and the same columns make up one
        table, with the methods in each of its sections.
    """

    title: str
    columns: tuple[Column, ...]
    role: Literal["apart", "joined", "aside"] = "apart"
    section: str = ""


def in_tables(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks by table: consecutive sections of one title together, others alone.

    Examples
    --------
    >>> blocks = [Block("Quality", ()), Block("By town", (), section="a"),
    ...           Block("By town", (), section="b")]
    >>> [len(table) for table in in_tables(blocks)]
    [1, 2]
    """
    found: list[list[Block]] = []
    for block in blocks:
        if block.section and found and found[-1][0].section and found[-1][0].title == block.title:
            found[-1].append(block)
        else:
            found.append([block])
    return found


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal; "-" where undefined."""
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def shown(number: Number) -> str:
    """A number as percent: its bracket where that is wide, a mark where it is trivial."""
    text = percent(number.value) if number.is_known else number.spelled_bracket(".1f", 100)
    return f"{text}{TRIVIAL}" if number.is_trivial and number.value else text


def number_column(
    name: str,
    condition: str,
    higher_is_better: bool,
    numbers: Sequence[Number],
    kinds: Sequence[str],
    details: Sequence[str] = (),
) -> Column:
    """A column of numbers, the leading ones marked among those of one kind.

    Not marked as leading: what a constant prediction passes, and kinds of which one is only known
    to a wide bracket.
    """
    best: set[int] = set()
    second: set[int] = set()
    for kind in dict.fromkeys(kinds):
        rows = [row for row, own in enumerate(kinds) if own == kind]
        if not all(numbers[row].is_known for row in rows):
            continue
        values = [None if numbers[row].is_trivial else numbers[row].value for row in rows]
        column = value_column(name, condition, higher_is_better, values)
        best |= {rows[i] for i in column.best}
        second |= {rows[i] for i in column.second}
    column = value_column(name, condition, higher_is_better, (), details)
    cells = tuple(map(shown, numbers))
    return replace(column, cells=cells, best=frozenset(best), second=frozenset(second))


def value_column(
    name: str,
    condition: str,
    higher_is_better: bool,
    values: Sequence[float | None],
    details: Sequence[str] = (),
) -> Column:
    """Fractions as percent, with the leading ones marked."""
    order = sorted((v for v in values if v is not None), reverse=higher_is_better)
    shown = list(dict.fromkeys(map(percent, order)))  # what reads as equal is marked as equal
    best, second = (shown + [""] * 2)[:2]

    def rows(text: str) -> frozenset[int]:
        return frozenset(i for i, value in enumerate(values) if percent(value) == text)

    return Column(
        name,
        condition,
        "↑" if higher_is_better else "↓",
        tuple(map(percent, values)),
        rows(best) if len(shown) > 1 else frozenset(),  # else nobody leads
        rows(second) if len(shown) > 2 else frozenset(),
        tuple(details),
    )


@dataclass(frozen=True)
class View:
    """Holds the text that tables show of several methods.

    Attributes
    ----------
    methods : tuple of str
        Name of each row.
    auxiliary : Column or None
        Who was trained with auxiliary data; shown with the first block.
    blocks : tuple of Block
        Columns that are shown together, one table each on a terminal.
    notes : tuple of str
        What a reader must know.
    record : dict
        All of it for JSON: full precision, undefined as None.
    rows, long : sequence of dict
        The same for CSV: one row per method, and one row per method and measure.
    own : int
        So many of the rows were computed here; those after them were printed elsewhere.
    caption : tuple of str
        The notes that a paper's caption needs, in short; all of them where it is empty.
    label : str
        What a reference of LaTeX finds the table by, behind "tab:".
    """

    methods: tuple[str, ...]
    auxiliary: Column | None
    blocks: tuple[Block, ...]
    notes: tuple[str, ...]
    record: Json
    rows: Sequence[Json]
    long: Sequence[Json]
    own: int
    caption: tuple[str, ...] = ()
    label: str = "mdmkit"

    @property
    def tables(self) -> list[Block]:
        """The blocks, the first one with who uses auxiliary data."""
        first, *others = self.blocks
        leading = () if self.auxiliary is None else (self.auxiliary,)
        return [replace(first, columns=(*leading, *first.columns)), *others]

    def rows_of(self, block: Block) -> Iterator[tuple[int, str]]:
        """Number and name of the methods in a block: printed ones where it has a value of them."""
        printed = any(cell != UNDEFINED for c in block.columns for cell in c.cells[self.own :])
        return enumerate(self.methods if printed else self.methods[: self.own])
