"""Zarr arrays, `.zarr`: a folder which is one score map; or a group, and the key of an array in it.

Chunks that were never written mean the array's fill value: that is Zarr's own rule.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mdmkit.core.extras import needed_by
from mdmkit.core.types import Array
from mdmkit.io.formats import Format, chosen_key


def read(path: Path, key: str | None) -> Array:
    """The array; of a group that of the key, or the only one."""
    with needed_by(str(path)):
        import zarr
    if not path.exists():
        raise FileNotFoundError(f"No such file or directory: {path}")
    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Group):
        node = node[chosen_key(path, sorted(node.array_keys()), key, "array")]
    return np.asarray(node[...])


FORMAT = Format((".zarr",), read)
