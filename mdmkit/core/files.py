"""Writing results: whole or not at all, and never over something by accident."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from mdmkit.core.errors import InputError

_LONGEST_NAME = 255  # bytes, on the usual file systems


def check_output(path: str | Path, overwrite: bool, argument: str = "output") -> Path:
    """A file that may be written: its folder exists, and it does not (or may be replaced)."""
    output = Path(path)
    if len(os.fsencode(output.name)) > _LONGEST_NAME:
        raise InputError(f"{argument}: expected a shorter file name, found {output.name!r}")
    if output.exists() and not output.is_file():
        what = "the folder" if output.is_dir() else "the special file"
        raise InputError(f"{argument}: expected a file name, found {what} {output}")
    if output.exists() and not overwrite:
        raise InputError(
            f"{argument}: expected a new file, found that {output} exists; "
            "choose another name or pass --overwrite"
        )
    if not output.parent.is_dir():
        raise InputError(f"{argument}: expected an existing folder, found none at {output.parent}")
    return output


def stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns of a file, by which a change of it is seen."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def check_new_folder(folder: Path, argument: str = "output") -> None:
    """Refuse a folder that holds something, and a file in its place."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"{argument}: expected a new or empty folder, found that {folder} is in use"
        )


def write_atomically(output: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `output`, then rename it; on failure, nothing."""
    handle, name = tempfile.mkstemp(prefix=".mdmkit-", suffix=output.suffix, dir=output.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # as if opened directly: mkstemp's are private
        temporary.replace(output)
    except OSError as error:
        raise OSError(error.errno, f"{output} could not be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(output: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_atomically(output, lambda path: _write(path, text))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
