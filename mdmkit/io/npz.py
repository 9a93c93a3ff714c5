"""Archives of NumPy arrays, `.npz`: the array of a given key, or the only one.

The release of Maskomaly writes `image`, `gt`, `ignore` and `soft_mask` of a frame into one archive,
so that one folder serves as a method and as ground truth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.types import Array
from mdmkit.io.formats import Format, chosen_key

SCORES, TARGET, IGNORE = "soft_mask", "gt", "ignore"
_IMAGE = "image"
IGNORED = 255
_DEFAULT_KEY = "scores"


def _opened(path: Path, file: Any) -> np.lib.npyio.NpzFile:
    archive = np.load(file, allow_pickle=False)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise InputError(f"{path}: expected an .npz archive, found a single array")
    return archive


def _array(path: Path, archive: np.lib.npyio.NpzFile, key: str | None) -> Array:
    return np.asarray(archive[chosen_key(path, archive.files, key, "array")])


def read(path: Path, key: str | None) -> Array:
    """The array of that key; without a key, the only one, or `soft_mask` beside `gt`."""
    with path.open("rb") as file:
        archive = _opened(path, file)
        names = set(archive.files)
        if key is None and {SCORES, TARGET} <= names <= {SCORES, TARGET, IGNORE, _IMAGE}:
            key = SCORES
        return _array(path, archive, key)


def read_mask(path: Path, key: str | None) -> Array:
    """The only array, or `gt`, with the label 255 where `ignore` is set."""
    with path.open("rb") as file:
        archive = _opened(path, file)
        single = len(archive.files) == 1
        labels = _array(path, archive, key or (None if single else TARGET))
        if single or IGNORE not in archive.files:
            return labels
        ignore = _array(path, archive, IGNORE)
    if ignore.shape != labels.shape or ignore.dtype.kind not in "iub":
        raise InputError(
            f"{path}: expected {IGNORE} to be a mask of shape {labels.shape}, as {TARGET}, "
            f"found {ignore.dtype} of shape {ignore.shape}"
        )
    if labels.dtype.kind not in "iub":
        return labels  # refused where labels are judged
    wide = labels.dtype if labels.dtype.itemsize > 1 else np.dtype(np.int16)
    hidden = np.where(ignore.astype(bool), wide.type(IGNORED), labels.astype(wide))
    return hidden if hidden.min() < 0 else hidden.astype(np.promote_types(np.uint8, labels.dtype))


def write(path: Path, scores: Array, key: str | None) -> None:
    """Write an array, named `scores` by default."""
    with path.open("wb") as file:
        np.savez(file, **{key or _DEFAULT_KEY: scores})  # type: ignore[arg-type]


FORMAT = Format((".npz",), read, read_mask=read_mask, write=write)
