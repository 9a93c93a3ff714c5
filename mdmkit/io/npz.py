"""Archives of NumPy arrays, `.npz`: the array of a given key, or the only one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.errors import InputError


def read(path: Path, key: str | None) -> NDArray[Any]:
    """The array of that key; without a key the archive must hold one array."""
    with path.open("rb") as file:
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise InputError(f"{path}: expected an .npz archive, found a single array")
        names = list(archive.files)
        if key is None and len(names) == 1:
            key = names[0]
        if key not in names:
            wanted = "one array" if key is None else f"the key {key!r}"
            raise InputError(
                f"{path}: expected {wanted}, found the keys {', '.join(names) or 'none'}"
                + ("; choose one with --key" if key is None else "")
            )
        return np.asarray(archive[key])
