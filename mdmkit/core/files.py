"""Files: read only what is one, written whole or not at all, never over another by accident."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mdmkit.core.arguments import check_that
from mdmkit.core.errors import InputError, InputTypeError, SpoiltError, printable
from mdmkit.core.records import Json

_LONGEST_NAME = 255  # bytes, on the usual file systems


def as_path(value: object, argument: str) -> Path:
    """A path from text, or from what is one.

    Examples
    --------
    >>> as_path("a/b.png", "output").name
    'b.png'
    """
    if isinstance(value, (str, os.PathLike)):
        path = os.fspath(value)
        if isinstance(path, str) and path and "\0" not in path:
            return Path(path)
    raise InputTypeError(f"expected a path, found {value!r}", argument=argument)


def check_regular(path: str | Path) -> None:
    """Refuse a pipe, a socket or a device, which would be waited for without an end.

    A path at which there is nothing is left to whoever opens it.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        found = kinds.get(stat.S_IFMT(mode), "a device")
        raise InputError(f"{printable(str(path))}: expected a regular file, found {found}")


def read_text(path: str | Path) -> str:
    """Text of a UTF-8 file, with or without a byte order mark.

    Raises
    ------
    InputError
        If it is no regular file.
    OSError, UnicodeDecodeError
    """
    check_regular(path)
    return Path(path).read_text(encoding="utf-8-sig")


def read_toml(path: str | Path) -> Json:
    """The fields of a TOML file; errors name it."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    fields: Json = _parsed(path, "TOML", tomllib.loads)
    return fields


def read_json(path: str | Path) -> Any:
    """Read a JSON file; errors name it."""
    return _parsed(path, "JSON", json.loads)


@contextmanager
def readable(
    path: str | Path, what: str, reason: Callable[[Exception], object] = str
) -> Iterator[None]:
    """Turn whatever fails as a file is read into an InputError that names it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # on damaged and foreign files libraries raise nearly anything
        raise InputError(
            f"{printable(str(path))}: expected a readable {what}, found: {reason(error)}"
        ) from error


def _parsed(path: str | Path, form: str, parse: Callable[[str], Any]) -> Any:
    def reason(error: Exception) -> object:
        return "values nested too deeply" if isinstance(error, RecursionError) else error

    with readable(path, f"{form} file", reason):
        return parse(read_text(path))


def check_suffix(output: Path, suffixes: Collection[str], argument: str) -> None:
    """Refuse a name with another suffix, in small letters or not."""
    fit = output.suffix.lower() in suffixes
    check_that(fit, f"a name ending in {', '.join(suffixes)}", output.name, argument)


def check_output(
    path: str | Path,
    overwrite: bool,
    argument: str = "output",
    suffixes: Collection[str] | None = None,
) -> Path:
    """Refuse a file that cannot be written, before the work is done.

    Its folder exists and takes files, its suffix is one of `suffixes` (where they are given), and
    it does not exist, or may be replaced.
    """
    output = as_path(path, argument)
    name = printable(str(output))
    short = len(os.fsencode(output.name)) <= _LONGEST_NAME
    check_that(short, "a shorter file name", output.name, argument)
    if output.exists() and not output.is_file():
        what = "the folder" if output.is_dir() else "the special file"
        raise InputError(f"expected a file name, found {what} {name}", argument=argument)
    if suffixes is not None:
        check_suffix(output, suffixes, argument)
    if output.exists() and not overwrite:
        raise InputError(
            f"expected a new file, found that {name} exists; "
            "choose another name or pass `overwrite=True`",
            argument=argument,
        )
    if not output.parent.is_dir():
        raise InputError(
            f"expected an existing folder, found none at {printable(str(output.parent))}",
            argument=argument,
        )
    _try_folder(output.parent, argument)
    return output


def _try_folder(folder: Path, argument: str) -> None:
    """Write a temporary file: permissions alone do not say whether a file system takes one."""
    try:
        with tempfile.TemporaryFile(prefix=".mdmkit-", dir=folder) as trial:
            trial.write(b"\0")
    except OSError as error:
        raise InputError(
            f"expected a folder that can be written to, found "
            f"{printable(str(folder))}: {error.strerror}; choose another",
            argument=argument,
        ) from None


def stamp(path: Path) -> tuple[int, int]:
    """Size in bytes and time of change in ns of a file, by which a change of it is seen."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def check_new_folder(folder: Path, argument: str = "output") -> None:
    """Refuse a folder that holds something, a file in its place, and one that takes no files."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(
            f"expected a new or empty folder, found that {printable(str(folder))} is in use",
            argument=argument,
        )
    check_output_folder(folder, argument)


def check_output_folder(folder: Path, argument: str = "output") -> None:
    """Refuse a folder that cannot be made, or takes no files, before the work is done."""
    existing = next((place for place in (folder, *folder.parents) if os.path.lexists(place)), None)
    if existing is None:
        return
    if not existing.is_dir():
        raise InputError(
            f"expected a folder, found the file {printable(str(existing))}", argument=argument
        )
    _try_folder(existing, argument)


def write_atomically(output: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file beside `output`, then rename it; on failure, nothing.

    The file is synced before it is renamed, and its folder after: a power cut leaves the old file
    or the new one.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=".mdmkit-", suffix=output.suffix, dir=output.parent)
        temporary = Path(name)
        os.close(handle)
        write(temporary)
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # as if opened directly: mkstemp's are private
        _sync(temporary)
        temporary.replace(output)
        _sync(output.parent)
    except OSError as error:
        raise OSError(error.errno, f"{output} could not be written: {error.strerror}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # pragma: no cover  (folders cannot be opened there)
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        if not path.is_dir():  # some file systems sync no folders
            raise
    finally:
        os.close(descriptor)


SEAL = b"mdmkit\0whole"  # at the end of a file, before a fingerprint of all that stands before it
_DIGEST = 32  # bytes


def seal(path: Path) -> None:
    """Add to a file what shows that it is whole, behind all that its format reads."""
    with path.open("ab") as file:
        file.write(SEAL + _fingerprint(path, path.stat().st_size))


def is_whole(path: Path) -> bool:
    """Whether a sealed file is, byte for byte, as it was written."""
    return _seal_of(path) is not None and not is_spoilt(path)


def is_spoilt(path: Path) -> bool:
    """Whether a file was sealed, and is not as it was written."""
    found = _seal_of(path)
    size = path.stat().st_size - len(SEAL) - _DIGEST
    return found is not None and found != SEAL + _fingerprint(path, size)


def _seal_of(path: Path) -> bytes | None:
    """The fingerprint at the end of a sealed file, known by most bytes of SEAL; else None."""
    check_regular(path)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - len(SEAL) - _DIGEST))
        end = file.read()
    alike = sum(found == expected for found, expected in zip(end, SEAL, strict=False))
    return end if alike > len(SEAL) // 2 and len(end) == len(SEAL) + _DIGEST else None


def _fingerprint(path: Path, size: int) -> bytes:
    """Compute the digest of the first `size` bytes of a file."""
    digest = blake2b(digest_size=_DIGEST)
    with path.open("rb") as file:
        while piece := file.read(min(size, 1 << 20)):
            digest.update(piece)
            size -= len(piece)
    return digest.digest()


_CHECKSUM = "checksum"


def as_sealed_json(record: Mapping[str, object]) -> str:
    """The text of a JSON file with a checksum of all its other fields."""
    return json.dumps({**record, _CHECKSUM: checksum(record)}, indent=1) + "\n"


def read_sealed_json(path: str | Path, required: bool = True, version: object = None) -> Json:
    """The fields of a file that `as_sealed_json` is the text of, without the checksum.

    Parameters
    ----------
    path : path
    required : bool
        Whether a file without a checksum, as people write them, is refused.
    version : optional
        What its field `version` must be.

    Raises
    ------
    SpoiltError
        If a field was changed since, or it is no JSON object.
    InputError
        If there is no such file, or it is of another version.
    """
    name = printable(str(path))
    try:
        record = read_json(path)
    except InputError as error:
        raise (SpoiltError(str(error)) if Path(path).is_file() else error) from None
    if not isinstance(record, dict):
        raise SpoiltError(f"{name}: expected named fields, found {type(record).__name__}")
    if record.get("version") != version:
        raise InputError(f"{name}: expected version {version}, found another")
    if not required and _CHECKSUM not in record:
        return record
    if record.pop(_CHECKSUM, None) != checksum(record):
        hint = "" if required else f"; who means the change removes its line {_CHECKSUM!r}"
        raise SpoiltError(
            f"{name}: expected it as it was written, found it changed by hand or damaged{hint}"
        )
    return record


def checksum(record: Mapping[str, object]) -> str:
    """Of what JSON can say, whatever the order of its fields."""
    text = json.dumps(record, sort_keys=True)
    return blake2b(text.encode(), digest_size=16).hexdigest()


def write_text(output: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all.

    What is no text (names of files that are not UTF-8) is written escaped.
    """

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8", errors="backslashreplace")

    write_atomically(output, write)


def append_text(output: Path, text: str) -> None:
    """Append UTF-8 text, on the disk when this returns."""
    with output.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
