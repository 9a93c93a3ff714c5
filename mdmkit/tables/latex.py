r"""Tables as LaTeX that fits a column or a page of a two-column paper.

Widths are estimated from those of Computer Modern, the widest common face; what does not fit is set
smaller, then (in a column) left to a comment, then (on a page) set in several pieces, never scaled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mdmkit.core.errors import printable
from mdmkit.tables.table import TRIVIAL, UNDEFINED, Block, Column, View, in_tables

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "*": "{*}",
    "[": "{[}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    ">": r"$>$",
    "<": r"$<$",
    "†": r"$^\dagger$",
    "°": r"$^{\circ}$",
}
_PUBLISHED = " (published)"  # said by the caption and a rule instead
_POINTS = 72.27  # an inch
_PREFERRED = re.compile(r"aux\. data|MDM .*|AP|AUROC|FPR95")  # in a column, if not all columns fit
_MINUS = re.compile(r"^-(?=\d)")
_INTERVAL = re.compile(r"\[(\S+), (\S+)\]")


@dataclass(frozen=True)
class _Step:
    """A size of type: its command, the em that it comes to in points, the space beside a column."""

    command: str
    em: float
    space: float


_STEPS = (
    _Step("", 10.0, 6),
    _Step(r"\small", 9.25, 4),
    _Step(r"\footnotesize", 8.5, 4),
    _Step(r"\footnotesize", 8.5, 3),
    _Step(r"\footnotesize", 8.5, 2),
    _Step(r"\scriptsize", 8, 1.3),
)
_SCRIPT, _BOLD = 0.86, 1.15  # beside \footnotesize


@dataclass(frozen=True)
class _Place:
    """Describes the place of a table: a column, or a page."""

    environment: str
    inches: float
    compact: bool

    def fits(self, names: Sequence[str], columns: Sequence[Column]) -> _Step | None:
        """The largest type in which all columns fit."""
        ems = max(map(_em, names)) + sum(map(_column_em, columns))
        room = self.inches * _POINTS
        return next(
            (s for s in _STEPS if s.em * ems + 2 * s.space * len(columns) <= room),
            None,
        )

    def kept(self, names: Sequence[str], columns: Sequence[Column]) -> list[Column]:
        """Choose as many columns as fit, in their order: a margin and the preferred ones first."""
        margin = next((column for column in columns if column.name.startswith("MDM ")), None)
        kept = sorted(columns, key=lambda c: (not _PREFERRED.fullmatch(c.name), c is not margin))
        while len(kept) > 1 and not self.fits(names, kept):
            kept.pop()
        return [column for column in columns if column in kept]

    def pieces(self, names: Sequence[str], columns: Sequence[Column]) -> tuple[list[slice], _Step]:
        """All columns in as few and as even pieces as fit, in one size of type."""
        pieces, found = [slice(0)], [_STEPS[-1]]
        for count in range(1, len(columns) + 1):
            size = -(-len(columns) // count)
            pieces = [slice(start, start + size) for start in range(0, len(columns), size)]
            steps = [self.fits(names, columns[piece]) for piece in pieces]
            found = [step for step in steps if step]
            if len(found) == len(steps):
                break
        return pieces, max(found, key=_STEPS.index, default=_STEPS[-1])


COLUMN, PAGE = _Place("table", 3.25, True), _Place("table*", 6.875, False)


def _em(text: str) -> float:
    """About how wide a text is."""
    return sum(
        next((em for letters, em in _EM.items() if c in letters), 0.78 if c.isupper() else 0.56)
        for c in text
    )


_EM = {
    "ijl.,:;'|[]": 0.29,
    "frtsI()/- °†": 0.4,
    "cez": 0.45,
    "ao0123456789↑↓": 0.5,
    "w+<>": 0.78,
    "mM%@": 0.92,
    "W": 1.03,
}


def _column_em(column: Column) -> float:
    head, metric, margin, condition = _head_parts(column)
    below = _em(f"{condition} {column.arrow}".strip())
    above = _em(head) + _SCRIPT * max(_em(metric), _em(margin))
    return max(above, below, *(_cell_em(column, row) for row in range(len(column.cells))))


def _cell_em(column: Column, row: int) -> float:
    bounds, rest = _behind(column, row)
    value, *ends = (_em(text.replace("-", "+")) for text in (column.cells[row], *bounds))
    weight = _BOLD if row in column.best else 1
    return value * weight + _SCRIPT * max(ends, default=0.0) + _em(rest)


def _head_parts(column: Column) -> tuple[str, str, str, str]:
    """Name, metric and T of a margin, and what else it is at; sizes are left to the caption."""
    conditions = [c for c in column.condition.split(", ") if c and not c.startswith("sizes ")]
    if column.name.startswith("MDM ") and conditions and conditions[0].startswith("T="):
        metric, margin = column.name.removeprefix("MDM "), conditions[0].removeprefix("T=")
        return "MDM", metric, margin, ", ".join(conditions[1:])
    return column.name, "", "", ", ".join(conditions)


def _behind(column: Column, row: int) -> tuple[tuple[str, ...], str]:
    """The bounds of an interval behind a cell, and what else stands there."""
    behind = column.behind(row).strip()
    found = _INTERVAL.match(behind)
    if found is None:
        return (), behind
    return tuple(bound.lstrip("+") for bound in found.groups()), behind[found.end() :].strip()


def escaped(text: str) -> str:
    """A text as LaTeX that shows it and does nothing else."""
    quoted = re.sub(r'"([^"]*)"', r"``\1''", printable(" ".join(text.split())))
    written = "".join(_LATEX.get(character, character) for character in quoted)
    return re.sub(r"\. (?=\S)", r".\\ ", written)  # an abbreviation, not the end of a sentence


def _heads(columns: Sequence[Column]) -> Iterator[str]:
    """Two rows: names, and below them what they are at and where better is."""
    names, conditions = ["method"], [""]
    for column in columns:
        head, metric, margin, condition = _head_parts(column)
        index = escaped(metric).replace(" ", r"\ ")
        names.append(escaped(head) + (rf"$_{{\mathrm{{{index}}}}}^{{{margin}}}$" if metric else ""))
        below = f"{escaped(condition)} {escaped(column.arrow)}".strip()
        conditions.append(rf"{{\scriptsize {below}}}" if below else "")
    yield " & ".join(names) + r" \\"
    if any(conditions):
        yield " & ".join(conditions) + r" \\"


def _cell(column: Column, row: int) -> str:
    """A value; the bounds of its interval stand small above each other."""
    text = column.cells[row]
    bounds, rest = _behind(column, row)
    behind = "$_{{{}}}^{{{}}}$".format(*bounds) if bounds else ""
    if rest:
        behind += escaped(rest) if len(rest) == 1 else rf" {{\scriptsize {escaped(rest)}}}"
    if row in column.best:
        return rf"\textbf{{{text}}}{behind}"
    if row in column.second:
        return rf"\underline{{{text}}}{behind}"
    return "--" if text == UNDEFINED else _MINUS.sub("$-$", escaped(text)) + behind


def to_latex(view: View, place: _Place = COLUMN) -> str:
    """A `table` for booktabs: the best of a column bold, the second underlined, a caption."""
    names = [method.removesuffix(_PUBLISHED) for method in view.methods]
    view = replace(view, methods=tuple(names))
    leading = () if view.auxiliary is None else (view.auxiliary,)
    joined = [c for block in view.blocks if block.role == "joined" for c in block.columns]
    names.append("method")
    kept = place.kept(names, [*leading, *joined]) if place.compact else [*leading, *joined]
    left = {_measure(column) for column in joined if column not in kept}
    body: list[str] = []
    if joined:
        body += _table(view, place, [Block("", tuple(kept))])
    blocks = view.blocks if joined else view.tables
    for table in in_tables([block for block in blocks if block.role == "apart"]):
        body += _table(view, place, [_without(block, left) for block in table])
    comments = [line for line in view.notes if view.caption and line not in view.caption]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            rf"\begin{{{place.environment}}}[tb]",
            r"\centering",
            rf"\caption{{{_caption(view, kept)}}}",
            rf"\label{{tab:{_label(view.label)}}}\par\smallskip",
            *body,
            rf"\end{{{place.environment}}}",
            *(f"% {printable(' '.join(line.split()))}" for line in comments),
            *_left_out(view, left),
            "",
        ]
    )


def _label(name: str) -> str:
    """A name of letters, digits and hyphens, which LaTeX takes in a label whatever is loaded."""
    return re.sub("[^A-Za-z0-9]+", "-", name).strip("-") or View.label


def _measure(column: Column) -> tuple[str, str]:
    return column.name, column.condition


def _without(block: Block, left: set[tuple[str, str]]) -> Block:
    columns = tuple(column for column in block.columns if _measure(column) not in left)
    return replace(block, columns=columns)


def _caption(view: View, columns: Sequence[Column]) -> str:
    sentences = [r"Measures in \%, best in bold, second best underlined"]
    if any(_head_parts(column)[1] for column in columns):
        sentences.append("MDM$_m^T$: Maximal Detection Margin of metric~$m$ at~$T$")
    cells = "".join(cell for column in columns for cell in (*column.cells, *column.details))
    unused = {mark for mark in (TRIVIAL, UNDEFINED) if mark not in cells}
    said = view.caption or view.notes
    shown = (line for line in said if line.partition(":")[0] not in unused)
    sentences += [re.sub("^-(?=:)", "--", escaped(line)) for line in shown]
    return ". ".join(sentence[:1].upper() + sentence[1:] for sentence in sentences) + "."


def _left_out(view: View, left: set[tuple[str, str]]) -> Iterator[str]:
    """Comments with what the table does not show."""
    if left:
        yield "% not shown for want of room; the form latex-wide has all columns across a page:"
    for block in view.blocks:
        for column in block.columns:
            if block.role == "aside" or (block.role == "joined" and _measure(column) in left):
                cells = zip(view.methods, column.cells, strict=True)
                values = "; ".join(f"{method} {cell}" for method, cell in cells)
                yield f"% {printable(f'{block.title}: {column.heading}: {values}')}"


def _table(view: View, place: _Place, sections: Sequence[Block]) -> list[str]:
    """A tabular per piece, below a title if there is one."""
    first = sections[0]
    lines = []
    if first.title and first.columns:
        title = re.sub(r" \[[^]]*\]$", "", first.title)  # of brackets that stand as small figures
        lines += [r"\par\smallskip", rf"{{\small {escaped(title)}}}\par\smallskip"]
    names = ["method", *view.methods]
    pieces, step = place.pieces(names, first.columns)
    for number, piece in enumerate(pieces):
        lines += [r"\par\smallskip"] if number else []
        parts = [replace(block, columns=block.columns[piece]) for block in sections]
        lines += _tabular(view, parts, step)
    return lines


def _tabular(view: View, sections: Sequence[Block], step: _Step) -> list[str]:
    columns = sections[0].columns
    aligned = "".join("l" if column is view.auxiliary else "r" for column in columns)
    bounded = any(_behind(c, row)[0] for c in columns for row in range(len(c.cells)))
    kind, width, spread = "tabular", "", ""
    if step.space < _STEPS[1].space:  # a narrower typeface than the estimate's leaves room
        kind, width, spread = "tabular*", r"{\linewidth}", r"\extracolsep{\fill}"
    lines = [
        rf"{{{step.command}\setlength{{\tabcolsep}}{{{step.space:g}pt}}%",
        *([r"\renewcommand{\arraystretch}{1.4}%"] if bounded else []),  # bounds stand clear
        rf"\begin{{{kind}}}{width}{{@{{{spread}}}l{aligned}@{{}}}}",
        r"\toprule",
        *_heads(columns),
    ]
    for block in sections:
        lines.append(r"\midrule")
        if block.section:
            heading = rf"\textit{{{escaped(block.section)}}}"
            lines.append(rf"\multicolumn{{{1 + len(columns)}}}{{@{{}}l}}{{{heading}}} \\")
        for row, method in view.rows_of(block):
            if 0 < row == view.own:
                lines.append(r"\midrule")
            cells = [_cell(column, row) for column in block.columns]
            lines.append(" & ".join([escaped(method), *cells]) + r" \\")
    return [*lines, r"\bottomrule", rf"\end{{{kind}}}}}"]
