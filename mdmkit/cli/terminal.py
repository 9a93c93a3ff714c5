"""A command on a terminal: progress, notes, errors as one message with an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdmkit.core.errors import InputError
from mdmkit.core.extras import how_to_install

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison
    from mdmkit.evaluation.sources import Progress

_debugging = False


def _set_debug(value: bool) -> None:
    global _debugging
    _debugging = _debugging or value


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress, no notes.", rich_help_panel="Output"),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the output file.", rich_help_panel="Output")
]
Debug = Annotated[
    bool, typer.Option("--debug", callback=_set_debug, help="Show a traceback on errors.")
]


@contextmanager
def progress_bars(quiet: bool) -> Iterator[Callable[[str, int], Progress] | None]:
    """A bar on the terminal, nothing elsewhere: `progress(title, steps)` starts one line."""
    if quiet or not (sys.stdout.isatty() and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f}/s")

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:

        def progress(method: str, frames: int) -> Progress:
            line = bars.add_task(method, total=frames)
            return lambda: bars.advance(line)

        yield progress


def note(text: str, quiet: bool) -> None:
    """Say something beside the result, on standard error."""
    if not quiet:
        typer.echo(text, err=True)


def deliver(comparison: Comparison, form: str, output: Path | None, quiet: bool) -> None:
    """Print a comparison in some form, or write it; what the form leaves unsaid is noted."""
    from mdmkit.comparison.table import notes
    from mdmkit.tables.forms import show

    if output is None and form == "table":
        show(comparison.view())
    else:
        deliver_text(comparison.to_text(form), output, quiet)
    if form not in ("table", "markdown"):
        for line in notes(comparison)[3:]:
            note(f"note: {line}", quiet)


def deliver_text(text: str, output: Path | None, quiet: bool) -> None:
    """Print a text, or write it."""
    from mdmkit.core.files import write_text

    if output is None:
        typer.echo(text, nl=False)
        return
    write_text(output, text)
    note(f"wrote {output}", quiet)


def run(app: typer.Typer, name: str) -> None:
    """Run a command line: 0 done, 1 failed, 2 wrong usage or input."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # arrows need not be in a terminal's alphabet
        sys.stdout.reconfigure(errors="replace")
    try:
        app()
    except InputError as error:
        _fail(name, error, "error", 2)
    except ModuleNotFoundError as error:
        _fail(name, error, _missing(error), 1)
    except Exception as error:  # the last line of defence: say what failed, without a traceback
        _fail(name, error, f"failed: {type(error).__name__}", 1)


def _missing(error: ModuleNotFoundError) -> str:
    """What failed, with the next step where a library of an extra is not installed."""
    command = how_to_install(error)
    if command is None:
        return f"failed: {type(error).__name__}"
    return f"failed: {command} brings what this command needs"


def _fail(name: str, error: Exception, what: str, code: int) -> None:
    if _debugging:
        raise error
    hint = "" if code == 2 else " (--debug shows where)"
    typer.echo(f"{name}: {what}: {error}{hint}", err=True)
    sys.exit(code)
