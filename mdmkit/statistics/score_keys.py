"""Score keys: unsigned integers that are ordered like the scores they stand for.

0 and the largest integer are keys of no score: they stand below and above all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.frame import as_unit
from mdmkit.core.types import Array
from mdmkit.statistics.edges import united
from mdmkit.statistics.scratch import scratch

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

Keys = NDArray[Any]  # of unsigned integers

#: The unsigned type of keys, and how the smaller dtypes of scores are read; others, as float64.
_UNSIGNED = {2: np.uint16, 4: np.uint32, 8: np.uint64}
_WIDTHS = {"uint8": 2, "uint16": 4, "float16": 2, "float32": 4, "float64": 8}
_DIGIT = 11  # bits, as in the kernel that sorts
#: Each interval costs a look at every score; of more, scores are searched one by one.
MOST_INTERVALS = 6


def sign_of(dtype: np.dtype[Any]) -> Any:
    """The sign bit of floats or keys, in the type of the keys."""
    return _UNSIGNED[dtype.itemsize](1 << (8 * dtype.itemsize - 1))


def exponent_of(dtype: np.dtype[Any]) -> Any:
    """The exponent bits of floats, all set in those that are not finite."""
    floats = np.dtype(f"f{dtype.itemsize}")
    return np.array(np.inf, floats).view(_UNSIGNED[dtype.itemsize])[()]


def key_source(dtype: np.dtype[Any]) -> str:
    """The dtype, by its name, from which keys of such scores are made."""
    return dtype.name if dtype.name in _WIDTHS else "float64"


def keys_of(scores: Array, valid: NDArray[np.bool_] | None = None) -> Keys:
    """Keys of scores, of their shape; -0.0 and 0.0 share one.

    With `valid`, the largest integer where it is False. O(P), 2 to 8 bytes per pixel.
    """
    from mdmkit.statistics.kernels.split_scores import order_keys

    source = key_source(scores.dtype)
    kind = np.dtype(_UNSIGNED[_WIDTHS[source]])
    if source.startswith("u"):
        keys = scores.astype(kind) + kind.type(1)
    else:
        floats = np.ascontiguousarray(scores if scores.dtype.name == source else as_unit(scores))
        keys = np.empty(scores.shape, kind)
        order_keys(floats.view(kind).ravel(), sign_of(kind), keys.ravel())
    if valid is not None:
        keys[~valid] = np.iinfo(kind).max
    return np.asarray(keys)


def floats_of(keys: Keys) -> Array:
    """The inverse of `keys_of`, in the float type of the keys' width."""
    sign = sign_of(keys.dtype)
    return np.asarray(np.where(keys & sign, keys ^ sign, ~keys).view(f"f{keys.itemsize}"))


def scores_of(keys: Keys, source: str = "") -> NDArray[np.float64]:
    """Scores that have these keys, in float64; `source` is `key_source` of what is no float."""
    if source.startswith("u"):
        return as_unit((keys - keys.dtype.type(1)).astype(source))
    return floats_of(keys).astype(np.float64)


def floor_keys(scores: Any, dtype: np.dtype[Any]) -> Keys:
    """Keys of the largest floats of the keys' width that are not above the scores.

    A > z exactly where the key of A is above that of z.
    """
    exact = np.asarray(scores, np.float64)
    return keys_of(floor_floats(exact, np.dtype(f"f{dtype.itemsize}")))


def floor_floats(exact: Array, kind: np.dtype[Any]) -> Array:
    """The largest floats of a type that are not above numbers in float64."""
    with np.errstate(over="ignore"):
        near = exact.astype(kind)
        return np.where(near > exact, np.nextafter(near, kind.type(-np.inf)), near)


def widened(keys: Keys) -> Keys:
    """Keys of 64 bits for the same scores, in the same order."""
    return keys if keys.itemsize == 8 else keys_of(scores_of(keys))


def split_keys(frame: Frame) -> tuple[Keys, Keys]:
    """Sorted keys of the normal and of the anomalous pixels of a frame, which is validated."""
    from mdmkit.statistics.kernels.split_scores import split_by_class

    bits = _bits(frame)
    masks = sign_of(bits.dtype), exponent_of(bits.dtype)
    keys = scratch("split keys", bits.size, bits.dtype)
    front, back, flagged = split_by_class(bits, *frame.flat_labels(), *masks, keys)
    if flagged:
        frame.check()
        front, back, _ = split_by_class(bits, *frame.flat_labels(), *masks, keys)
    return _sorted_copy(keys[:front]), _sorted_copy(keys[back:])


def split_keys_between(frame: Frame, intervals: NDArray[np.float64]) -> tuple[Keys, Keys]:
    """Split the keys of scores in any of some closed intervals by class, shape (k, 2).

    Of a frame that was counted before, and is not validated once more.
    """
    from mdmkit.statistics.kernels.split_scores import gather_between, split_between

    bits = _bits(frame)
    kind = bits.dtype
    together = united(intervals)
    lows = floor_keys(np.nextafter(together[:, 0], -np.inf), kind) + kind.type(1)
    highs = floor_keys(together[:, 1], kind)
    some = lows <= highs
    lows, highs = lows[some], highs[some]
    keys = np.empty_like(bits)  # of which but a few pages are touched
    if not lows.size:
        return keys[:0], keys[:0]
    sign = sign_of(kind)
    if lows.size <= MOST_INTERVALS and lows[0] > sign:  # of positive floats
        signed = np.dtype(f"i{kind.itemsize}")
        firsts, lasts = ((ends ^ sign).view(signed) for ends in (lows, highs))
        front, back = gather_between(
            bits.view(signed), *frame.flat_labels(), firsts, lasts, sign, keys
        )
    else:
        front, back = split_between(bits, *frame.flat_labels(), sign, lows, highs, keys)
    return sorted_keys(keys[:front].copy()), sorted_keys(keys[back:].copy())


def _bits(frame: Frame) -> Keys:
    scores = frame.scores.ravel()
    if scores.dtype.kind == "u":
        scores = as_unit(scores)
    return scores.view(_UNSIGNED[scores.itemsize])


def sorted_keys(keys: Keys, first_bit: int = 0) -> Keys:
    """Sort keys in ascending order, those that agree from `first_bit` on in their own.

    O(n); the array that it is given is overwritten.
    """
    return _sorted(keys, np.empty_like(keys), first_bit)


def _sorted_copy(keys: Keys) -> Keys:
    """A copy of keys in ascending order; they are overwritten."""
    return np.array(_sorted(keys, scratch("sorted keys", keys.size, keys.dtype)))


def _sorted(keys: Keys, spare: Keys, first_bit: int = 0) -> Keys:
    """Keys in ascending order, in the one array or the other."""
    from mdmkit.statistics.kernels.split_scores import sort_keys

    shifts = np.arange(first_bit, 8 * keys.itemsize, _DIGIT).astype(keys.dtype)
    return np.asarray(sort_keys(keys, spare, shifts))
