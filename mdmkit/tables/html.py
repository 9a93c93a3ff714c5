"""Tables as HTML, for notebooks."""

from __future__ import annotations

from html import escape

from mdmkit.core.errors import printable
from mdmkit.tables.table import Block, Column, View


def to_html(view: View) -> str:
    """A table per block, the best of a column bold, and the notes below."""
    tables = "".join(_table(view, block) for block in view.tables)
    lines = ["bold: best of its column", *view.notes]
    return f"<div>{tables}<small>{'<br>'.join(map(_text, lines))}</small></div>"


def _text(text: str) -> str:
    return escape(printable(text))


def _table(view: View, block: Block) -> str:
    title = f"{block.title}: {block.section}" if block.section else block.title
    heads = "".join(f"<th>{_text(column.heading)}</th>" for column in block.columns)
    rows = "".join(
        f"<tr><th>{_text(method)}</th>"
        + "".join(_cell(column, row) for column in block.columns)
        + "</tr>"
        for row, method in view.rows_of(block)
    )
    return (
        f"<table><caption>{_text(title)}</caption>"
        f"<thead><tr><th>method</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _cell(column: Column, row: int) -> str:
    text = _text(column.cells[row])
    shown = f"<b>{text}</b>" if row in column.best else text
    return f"<td>{shown}{_text(column.behind(row))}</td>"
