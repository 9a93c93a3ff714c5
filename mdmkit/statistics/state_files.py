"""State files: results of counting as named arrays in one versioned file, whole or not at all.

A file is an uncompressed `.npz` of arrays without pickles, and a JSON header. Integers and floats
are stored as narrowly as they fit and come back in 64 bits; the same state has the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mdmkit.core.errors import InputError, SpoiltError
from mdmkit.core.files import check_regular, is_whole, seal, write_atomically
from mdmkit.core.named_arrays import Arrays, narrowed, widened
from mdmkit.core.records import Json

VERSION = 3
_HEADER = "header"


def write_state(path: Path, header: Mapping[str, object], arrays: Arrays) -> None:
    """Write a state, whole or not at all."""
    text = json.dumps({"version": VERSION, **header}, sort_keys=True)
    stored = {_HEADER: np.frombuffer(text.encode(), np.uint8), **narrowed(arrays)}

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez(file, **stored)  # type: ignore[arg-type]
        seal(temporary)

    write_atomically(path, write)


def read_header(path: Path) -> Json:
    """Read the header of a state, without its arrays.

    Raises
    ------
    InputError
        If it is no such file, cut off, or of another version.
    """
    return _read(path, with_arrays=False)[0]


def read_state(path: Path) -> tuple[Json, Arrays]:
    """The header and the arrays of a state.

    Raises
    ------
    InputError
        As `read_header`.
    """
    return _read(path, with_arrays=True)


def _read(path: Path, with_arrays: bool) -> tuple[Json, Arrays]:
    check_regular(path)
    try:
        if with_arrays and not is_whole(path):
            raise ValueError("a damaged one")
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(file[_HEADER].tobytes())
            names = [name for name in file.files if name != _HEADER] if with_arrays else []
            arrays = {name: file[name] for name in names}
    except FileNotFoundError:
        raise InputError(f"{path}: expected a state of mdmkit, found no such file") from None
    except Exception as error:  # on damaged files libraries raise nearly anything
        raise SpoiltError(
            f"{path}: expected a state of mdmkit as it was written, found {error}"
        ) from None
    if not isinstance(header, dict) or header.get("version") != VERSION:
        found = header.get("version") if isinstance(header, dict) else header
        raise InputError(
            f"{path}: expected a state of version {VERSION}, found version {found}; read it with "
            "the mdmkit that wrote it, or count anew"
        )
    return header, widened(arrays)
