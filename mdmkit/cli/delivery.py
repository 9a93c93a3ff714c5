"""Delivery: a comparison goes to the terminal or into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mdmkit.cli.terminal import as_options, deliver_text, note

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison


def deliver(comparison: Comparison, form: str, output: Path | None, quiet: bool) -> None:
    """Print a comparison in some form, or write it; what the form leaves unsaid is noted."""
    from mdmkit.comparison.table import notes
    from mdmkit.tables.forms import show

    remarks = [as_options(remark) for remark in comparison.settings.get("remarks", ())]
    if remarks:
        comparison.settings["remarks"] = remarks
    if output is not None:
        deliver_text(comparison.to_text(form), output, quiet)
    elif form == "table":
        show(comparison.view())
    else:
        typer.echo(comparison.to_text(form), nl=False)
    if form not in ("table", "markdown"):
        for line in notes(comparison)[3:]:
            note(f"note: {line}", quiet)
