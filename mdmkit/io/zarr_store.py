"""Zarr arrays, `.zarr`: a folder which is one score map; or a group, and the key of an array in it.

Chunks that were never written mean the array's fill value: that is Zarr's own rule.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.extras import needed_by
from mdmkit.core.types import Array
from mdmkit.io.formats import Format


def read(path: Path, key: str | None) -> Array:
    """The array; of a group that of the key, or the only one."""
    with needed_by(str(path)):
        import zarr
    if not path.exists():
        raise FileNotFoundError(f"No such file or directory: {path}")
    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Group):
        node = _chosen(path, node, key)
    return np.asarray(node[...])


def _chosen(path: Path, group: Any, key: str | None) -> Any:
    names = sorted(group.array_keys())
    if key is None and len(names) == 1:
        key = names[0]
    if key not in names:
        wanted = "one array" if key is None else f"the array {key!r}"
        raise InputError(
            f"{path}: expected {wanted}, found the arrays {', '.join(names) or 'none'}"
            + (f"; choose one, as `key='{next(iter(names))}'`" if key is None and names else "")
        )
    return group[key]


FORMAT = Format((".zarr",), read)
