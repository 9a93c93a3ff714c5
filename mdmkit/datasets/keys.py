"""Files of frames by key: the path below a folder, without suffix and a layout's own endings."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from mdmkit.core.errors import InputError, listing, printable
from mdmkit.core.files import as_path
from mdmkit.io.formats import FOLDER_SUFFIXES


def existing_folder(folder: str | Path, argument: str) -> Path:
    """The folder, which must exist."""
    path = as_path(folder, argument)
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise InputError(
            f"expected a folder at {printable(str(path))}, found {found}", argument=argument
        )
    return path


def files_below(folder: Path) -> list[Path]:
    """All files below, sorted; hidden files and folders are not looked at.

    Folders that are one file of a format are among the files.
    """
    found: list[Path] = []
    waiting = [folder]
    seen: set[Path] = set()  # links may lead upwards
    while waiting:
        current = waiting.pop()
        if current.resolve() in seen:
            continue
        seen.add(current.resolve())
        try:
            entries = sorted(current.iterdir())
        except OSError as error:
            raise InputError(
                f"{printable(str(current))}: expected a readable folder, found: {error.strerror}"
            ) from error
        for entry in entries:
            if not entry.name.startswith("."):
                is_folder = entry.is_dir() and entry.suffix.lower() not in FOLDER_SUFFIXES
                (waiting if is_folder else found).append(entry)
    return sorted(found)


def key_of(path: Path, folder: Path, ending: str = "") -> str:
    """The key of a file: its path below a folder, without suffix and a layout's own ending.

    In composed characters (NFC): file systems and tools differ in how they spell an accent.
    """
    below = path.relative_to(folder).with_suffix("").as_posix().removesuffix(ending)
    return unicodedata.normalize("NFC", below)


def files_by_key(
    folder: Path, suffixes: Iterable[str], argument: str, ending: str = ""
) -> dict[str, Path]:
    """Files of these suffixes by key.

    Parameters
    ----------
    folder : Path
    suffixes : iterable of str
        With the dot, in small letters.
    argument : str
        How messages call the folder.
    ending : str
        What a layout puts between key and suffix; files without it are passed over.

    Raises
    ------
    InputError
        If two files share a key, there is none, one is no regular file, or a name is no text.
    """
    suffixes = tuple(suffixes)
    by_key: dict[str, Path] = {}
    doubles: list[str] = []
    others: set[str] = set()
    unfit: list[str] = []
    for path in files_below(folder):
        stem = path.with_suffix("").name
        if path.suffix.lower() not in suffixes or not stem.endswith(ending):
            others.add(path.suffix or path.name)
            continue
        key = key_of(path, folder, ending)
        if key in by_key:
            doubles.append(f"{key}: {spelled(by_key[key].name)} and {spelled(path.name)}")
        by_key[key] = path
        unfit += what_is_unfit(path, key)
    if unfit:
        raise InputError(
            f"expected regular files whose names are text in "
            f"{printable(str(folder))}, found\n{listing(unfit)}\nrename or remove them",
            argument=argument,
        )
    if doubles:
        raise InputError(
            f"expected one file a frame in {printable(str(folder))}, found several:"
            f"\n{listing(doubles)}",
            argument=argument,
        )
    if not by_key:
        found = f"only {printable(', '.join(sorted(others)[:8]))}" if others else "no files"
        raise InputError(
            f"expected files {' '.join(ending + s for s in suffixes)} in "
            f"{printable(str(folder))}, found {found}",
            argument=argument,
        )
    return by_key


def what_is_unfit(path: Path, key: str) -> list[str]:
    """Why a file cannot be a frame's: its name is no text, or there is nothing to read."""
    if printable(key) != key:
        return [f"{key}: a name with characters that are no text"]
    if not path.exists():
        return [f"{path.name}: a link that leads nowhere"]
    special = not (path.is_file() or path.is_dir())
    return [f"{path.name}: a pipe, a socket or a device"] if special else []


def spelled(name: str) -> str:
    """A name; one whose characters are not composed with these spelled out."""
    return name if unicodedata.is_normalized("NFC", name) else ascii(name)[1:-1]
