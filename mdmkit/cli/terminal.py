"""A command on a terminal: progress, notes, errors as one message with an exit code."""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli.options import flag
from mdmkit.core.errors import InputError, printable
from mdmkit.core.extras import how_to_install
from mdmkit.core.files import write_text

if TYPE_CHECKING:
    from mdmkit.comparison.result import Comparison
    from mdmkit.core.progress import Progress

_debugging = False


def _set_debug(value: bool) -> None:
    global _debugging
    _debugging = _debugging or value


Quiet = Annotated[
    bool,
    flag("Output", "No progress, no notes.", "--quiet", "-q"),
]
Overwrite = Annotated[bool, flag("Output", "Replace the output file.", "--overwrite")]
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
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:

        def progress(method: str, frames: int) -> Progress:
            line = bars.add_task(method, total=frames)
            return lambda: bars.advance(line)

        yield progress


def note(text: str, quiet: bool) -> None:
    """Say something beside the result, on standard error."""
    if not quiet:
        typer.echo(printable(text, lines=True), err=True)


def note_remarks(remarks: Iterable[str], quiet: bool) -> None:
    """Say what looks like a mistake, in the words of the command line."""
    for remark in remarks:
        note(f"remark: {as_options(remark)}", quiet)


def label_of(output: Path | None) -> str:
    """What a table in LaTeX is called: as its file, so that those of one paper differ."""
    return "" if output is None else output.stem


def deliver_text(text: str, output: Path | None, quiet: bool) -> None:
    """Print a text, or write it; one that cannot be written is printed, so that it is not lost."""
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        write_text(output, text)
    except OSError:
        typer.echo(text, nl=False)
        raise
    note(f"wrote {output}", quiet)


def deliver_file(write: Callable[[Path], None], output: Path, quiet: bool) -> None:
    """Let `write` fill a file; where that fails, one in the folder for temporary files."""
    try:
        write(output)
    except OSError as error:
        rescued = Path(tempfile.mkdtemp(prefix="mdmkit-")) / output.name
        try:
            write(rescued)
        except OSError:
            raise error from None
        raise OSError(error.errno, f"{error.strerror}; it is in {rescued} instead") from error
    note(f"wrote {output}", quiet)


def deliver_table(found: Any, form: str, output: Path | None, quiet: bool) -> None:
    """Print a result in some form, or write it, with remarks in the words of the command line."""
    from mdmkit.tables.forms import show

    if found.remarks:
        found.settings["remarks"] = list(map(as_options, found.remarks))
    if output is None and form == "table":
        show(found.view())
    else:
        deliver_text(found.to_text(form, label_of(output)), output, quiet)


def deliver(comparison: Comparison, form: str, output: Path | None, quiet: bool) -> None:
    """Print a comparison in some form, or write it; what the form leaves unsaid is noted."""
    from mdmkit.comparison.table import notes

    deliver_table(comparison, form, output, quiet)
    if form not in ("table", "markdown"):
        for line in notes(comparison)[3:]:
            note(line if line.startswith("remark: ") else f"note: {line}", quiet)


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a command line, that of the process unless given: 0 done, 1 failed, 2 wrong input."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    for stream in ("stdout", "stderr"):
        if getattr(sys, stream) is None:  # closed by who called
            setattr(sys, stream, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):  # arrows need not be in a terminal's alphabet
        sys.stdout.reconfigure(errors="replace" if sys.stdout.isatty() else "backslashreplace")
    try:
        try:
            app(words)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except InputError as error:
        _fail(name, error, "error", 2, as_asked(app, error, words))
    except ModuleNotFoundError as error:
        _fail(name, error, _missing(error), 1)
    except Exception as error:  # the last line of defence: say what failed, without a traceback
        _fail(name, error, f"failed: {type(error).__name__}", 1)


def _missing(error: ModuleNotFoundError) -> str:
    """Message of a failure, with the next step where a library of an extra is missing."""
    command = how_to_install(error)
    if command is None:
        return f"failed: {type(error).__name__}"
    return f"failed: {command} brings what this command needs"


def as_asked(app: typer.Typer, error: InputError, words: Sequence[str]) -> str:
    """The message of an error, with the option in place of the argument that it stands for."""
    command = typer.main.get_command(app)
    for word in words:
        command = getattr(command, "commands", {}).get(word, command)
    options = {p.name: p.opts[0] for p in command.params if p.param_type_name == "option"}
    asked = (error.argument or "").replace("-", "_")
    if asked not in options:
        return str(error)
    return error.naming(options[asked])


def _fail(name: str, error: Exception, what: str, code: int, text: str = "") -> None:
    if _debugging:
        raise error
    hint = "" if code == 2 else " (--debug shows where)"
    said = as_options(printable(text or str(error), lines=True))
    typer.echo(f"{name}: {what}: {said}{hint}", err=True)
    sys.exit(code)


#: A parameter in a message, perhaps with a value: `overwrite=True`.
_PARAMETER = re.compile(r"`([a-z][a-z_]*)(?:=([^`\n]*))?`")


def as_options(text: str) -> str:
    """A message in the words of the command line: what stands between backticks is a parameter.

    Examples
    --------
    >>> as_options("name it by `anomaly_label`, or pass `overwrite=True`, or `missing='skip'`")
    'name it by --anomaly-label, or pass --overwrite, or --missing skip'
    """
    return _PARAMETER.sub(lambda found: _option(found[1], found[2]), text)


def _option(parameter: str, value: str | None) -> str:
    """An option, with its value as options take it: 1,255 for (1, 255), none for None."""
    option = "--" + parameter.replace("_", "-")
    if value is None or value == "True":
        return option
    plain = value.strip("'()").replace(", ", ",")
    return f"{option} {'none' if plain == 'None' else plain}"
