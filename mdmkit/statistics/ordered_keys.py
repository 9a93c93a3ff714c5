"""Ordered keys: scores as unsigned integers of their own width, ordered like them.

0 and the largest integer are keys of no score: they stand below and above all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit

Keys = NDArray[np.unsignedinteger[Any]]
#: Width of the keys of each dtype of scores; others are read as float64.
_WIDTHS = {"uint8": 2, "uint16": 4, "float16": 2, "float32": 4, "float64": 8}


def key_source(dtype: np.dtype[Any]) -> str:
    """The dtype, by its name, from which keys of such scores are made."""
    return dtype.name if dtype.name in _WIDTHS else "float64"


def ordered_keys(scores: NDArray[Any], valid: NDArray[np.bool_]) -> Keys:
    """Keys of the scores, of their shape; the largest integer where not valid.

    -0.0 and 0.0 have one key. O(P), 2 to 8 bytes a pixel.
    """
    from mdmkit.statistics.kernels.erosion import order_keys

    source = key_source(scores.dtype)
    width = _WIDTHS[source]
    kind = np.dtype(f"u{width}")
    top = kind.type(np.iinfo(kind).max)
    if source.startswith("u"):
        return np.asarray(np.where(valid, scores.astype(kind) + kind.type(1), top))
    values = scores if scores.dtype.name == source else as_unit(scores)
    keys = np.empty(scores.shape, kind)
    sign = kind.type(1 << (8 * width - 1))
    bits = np.ascontiguousarray(values).view(kind)
    order_keys(bits.ravel(), sign, np.ascontiguousarray(valid).ravel(), top, keys.ravel())
    return keys


def scores_of(keys: Keys, source: str) -> NDArray[np.float64]:
    """The scores, in float64, that have these keys; `source` is `key_source` of their dtype."""
    kind = keys.dtype
    if source.startswith("u"):
        return as_unit((keys - kind.type(1)).astype(source))
    sign = kind.type(1 << (8 * kind.itemsize - 1))
    bits = np.where(keys & sign, keys ^ sign, ~keys)
    return bits.view(source).astype(np.float64)


def sorted_keys(parts: Sequence[Keys]) -> Keys:
    """All keys of several arrays, ascending. O(n) by digits of 11 bits."""
    from mdmkit.statistics.kernels.erosion import sort_keys

    keys = np.concatenate(parts)
    return np.asarray(sort_keys(keys, np.empty_like(keys)))
