"""Files of frames by key: the path below a folder, without suffix and a layout's own endings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mdmkit.core.errors import InputError, listing
from mdmkit.io.formats import FOLDER_SUFFIXES


def existing_folder(folder: str | Path, argument: str) -> Path:
    """The folder, which must exist."""
    path = Path(folder)
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise InputError(f"{argument}: expected a folder at {path}, found {found}")
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
            raise InputError(f"{current}: expected a readable folder, found: {error}") from error
        for entry in entries:
            if not entry.name.startswith("."):
                is_folder = entry.is_dir() and entry.suffix.lower() not in FOLDER_SUFFIXES
                (waiting if is_folder else found).append(entry)
    return sorted(found)


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
        If two files share a key, or there is none.
    """
    suffixes = tuple(suffixes)
    by_key: dict[str, Path] = {}
    doubles: list[str] = []
    others: set[str] = set()
    for path in files_below(folder):
        stem = path.with_suffix("").name
        if path.suffix.lower() not in suffixes or not stem.endswith(ending):
            others.add(path.suffix or path.name)
            continue
        key = path.relative_to(folder).with_suffix("").as_posix().removesuffix(ending)
        if key in by_key:
            doubles.append(f"{key}: {by_key[key].name} and {path.name}")
        by_key[key] = path
    if doubles:
        raise InputError(
            f"{argument}: expected one file a frame in {folder}, found several:\n{listing(doubles)}"
        )
    if not by_key:
        found = f"only {', '.join(sorted(others)[:8])}" if others else "no files"
        raise InputError(
            f"{argument}: expected files {' '.join(ending + s for s in suffixes)} in {folder}, "
            f"found {found}"
        )
    return by_key
