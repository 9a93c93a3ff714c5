"""Delivery: a comparison goes to the terminal or into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mdmkit.cli.terminal import note

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison


def deliver(comparison: Comparison, form: str, output: Path | None, quiet: bool) -> None:
    """Print a comparison in some form, or write it; what the form leaves unsaid is noted."""
    from mdmkit.comparison.table import notes
    from mdmkit.core.files import write_text
    from mdmkit.tables.forms import show

    if output is not None:
        write_text(output, comparison.to_text(form))
        note(f"wrote {output}", quiet)
    elif form == "table":
        show(comparison.view())
    else:
        typer.echo(comparison.to_text(form), nl=False)
    if form not in ("table", "markdown"):
        for line in notes(comparison)[3:]:
            note(f"note: {line}", quiet)
