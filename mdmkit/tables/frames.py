"""Tables as data frames of pandas and polars."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from mdmkit.core.arguments import as_choice
from mdmkit.core.extras import MissingLibraryError
from mdmkit.core.records import Json

LIBRARIES = ("pandas", "polars")


def to_frame(rows: Sequence[Json], library: str) -> Any:
    """Rows as a data frame; columns that a row lacks are empty there.

    Raises
    ------
    InputError
        For another library than pandas and polars.
    MissingLibraryError
        If it is not installed, with how to install it.
    """
    as_choice(library, LIBRARIES, "library")
    try:
        frames = import_module(library)
    except ModuleNotFoundError:
        raise MissingLibraryError(
            f"to_frame: expected the library {library}, found none; install it with: "
            f"pip install {library}"
        ) from None
    columns = dict.fromkeys(key for row in rows for key in row)
    return frames.DataFrame({key: [row.get(key) for row in rows] for key in columns})
