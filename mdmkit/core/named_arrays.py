"""Values as named arrays: the one form in which counts enter files, pickles and other processes.

An array is named by its path, as `siou/totals`. What is no array itself says at `PATH/is` what it
is: a class, or `tuple 3`; None has no more than that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputTypeError
from mdmkit.core.types import Array

Arrays = dict[str, NDArray[Any]]
T = TypeVar("T", bound="AsArrays")

_IS = "is"
_KINDS: dict[str, type[AsArrays]] = {}


class AsArrays:
    """A dataclass that comes apart into named arrays, and is put together from them.

    Its fields are arrays, numbers, texts, None, tuples of these, and dataclasses of this kind.
    Pickles hold these arrays, narrowed, and nothing of what was cached.
    """

    def __init_subclass__(cls, **options: object) -> None:
        super().__init_subclass__(**options)
        _KINDS[cls.__name__] = cls

    def arrays(self) -> Arrays:
        """All it holds, by path; numbers are arrays without axes, texts are bytes."""
        return arrays_of(self)

    @classmethod
    def from_arrays(cls: type[T], arrays: Mapping[str, Array]) -> T:
        """Put together what `arrays` gave."""
        found = value_of(arrays)
        assert isinstance(found, cls)
        return found

    @property
    def nbytes(self) -> int:
        """Memory of the arrays that it holds."""
        return _nbytes(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (narrowed(self.arrays()),)


def _nbytes(value: object) -> int:
    if isinstance(value, AsArrays) and is_dataclass(value):
        value = [getattr(value, each.name) for each in fields(value)]
    if isinstance(value, (tuple, list)):
        return sum(map(_nbytes, value))
    return value.nbytes if isinstance(value, np.ndarray) else 0


def arrays_of(value: object) -> Arrays:
    """Take a value apart.

    Raises
    ------
    InputTypeError
        For an object of a class that is not `AsArrays`.
    """
    return {"/".join(path): array for path, array in _parts((), value)}


def _parts(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, (np.ndarray, np.generic, bool, int, float)):
        yield path, np.asarray(value)
    elif isinstance(value, str):
        yield path, np.array(value.encode())
    else:
        kind, items = _items(value)
        yield (*path, _IS), np.array(kind.encode())
        for name, item in items:
            yield from _parts((*path, name), item)


def _items(value: object) -> tuple[str, list[tuple[str, Any]]]:
    """Tell the kind of a value, and the values that it consists of."""
    if value is None:
        return "None", []
    if isinstance(value, (tuple, list)):
        return f"tuple {len(value)}", [(str(place), item) for place, item in enumerate(value)]
    if isinstance(value, AsArrays) and is_dataclass(value):
        return type(value).__name__, [(f.name, getattr(value, f.name)) for f in fields(value)]
    raise InputTypeError(f"expected counts that can be stored, found a {type(value).__name__}")


def value_of(arrays: Mapping[str, Array], path: str = "") -> Any:
    """Put together what `arrays_of` gave, or the part of it at a path."""
    inner = f"{path}/" if path else ""
    if f"{inner}{_IS}" not in arrays:
        found = arrays[path]
        item = found if found.ndim else found.item()
        return item.decode() if isinstance(item, bytes) else item
    kind, _, count = arrays[f"{inner}{_IS}"].item().decode().partition(" ")
    if kind == "None":
        return None
    if kind == "tuple":
        return tuple(value_of(arrays, f"{inner}{place}") for place in range(int(count)))
    cls: Any = _KINDS[kind]
    return cls(**{field.name: value_of(arrays, inner + field.name) for field in fields(cls)})


def narrowed(arrays: Mapping[str, Array]) -> Arrays:
    """Store integers and floats in the smallest types that hold all of them."""
    return {name: _narrow(array) for name, array in arrays.items()}


def widened(arrays: Mapping[str, Array]) -> Arrays:
    """Undo `narrowed`: signed integers and floats in 64 bits, all else as it is."""
    wide = {"f": np.float64, "i": np.int64}
    return {
        name: a.astype(wide.get(a.dtype.kind, a.dtype), copy=False) for name, a in arrays.items()
    }


def _narrow(array: Array) -> Array:
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            single = array.astype(np.float32)
        return single if np.array_equal(single, array, equal_nan=True) else array
    if array.dtype.kind == "i" and array.size:
        low, high = int(array.min()), int(array.max())
        return array.astype(np.min_scalar_type(min(low, -1 - high)))  # a signed type of that width
    return array


def _unpickled(arrays: Mapping[str, Array]) -> Any:
    return value_of(widened(arrays))


def fingerprint(value: object) -> str:
    """Digest of all arrays and numbers in a value; equal for equal values."""
    digest = blake2b(digest_size=16)
    for name, array in sorted(arrays_of(value).items()):
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
