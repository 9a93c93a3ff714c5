"""State files: results of counting as arrays in one versioned file, whole or not at all.

A file is an uncompressed `.npz` of arrays without pickles, and a JSON header. Integers and floats
are stored as narrowly as they fit and come back in 64 bits; the same state has the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, SpoiltError
from mdmkit.core.files import check_regular, is_whole, seal, write_atomically
from mdmkit.statistics.compact import narrow, widened

VERSION = 2
_HEADER = "header"
#: Dataclasses that may be in a file, and where they live.
_HOME = {
    "BinnedComponents": "statistics.binned_components",
    "BinnedCounts": "statistics.stepped_counts",
    "DetectionRule": "statistics.detections",
    "Detections": "statistics.detections",
    "ImageRates": "statistics.image_rates",
    "IntervalCounts": "statistics.interval_counts",
    "SteppedCounts": "statistics.stepped_counts",
    "TargetBin": "statistics.target_bins",
    "ComponentSizes": "core.component_sizes",
    "ComponentCounts": "statistics.components",
    "BinnedSteps": "statistics.binned_steps",
    "MinMax": "statistics.normalizers",
    "PixelBins": "statistics.score_bins",
    "PixelCounts": "statistics.pixels",
    "PixelScores": "statistics.pixel_scores",
    "Rank": "statistics.normalizers",
    "BinnedRatios": "statistics.binned_steps",
    "RatioSteps": "statistics.steps",
    "Sigmoid": "statistics.normalizers",
    "Steps": "statistics.steps",
    "Unchanged": "statistics.normalizers",
}
Arrays = dict[str, NDArray[Any]]


def fingerprint(value: Any) -> str:
    """Of all arrays and numbers in a value; equal for equal values."""
    packed = Packed()
    packed.put("value", value)
    digest = blake2b(json.dumps(packed.types, sort_keys=True).encode(), digest_size=16)
    for name in sorted(packed.arrays):
        array = np.ascontiguousarray(packed.arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


class Packed:
    """Nested results taken apart into arrays, by path.

    Attributes
    ----------
    arrays : dict of str to ndarray
    types : dict of str to str
        What was at each path that is not an array itself.
    """

    def __init__(self, arrays: Arrays | None = None, types: dict[str, str] | None = None) -> None:
        self.arrays = {} if arrays is None else arrays
        self.types = {} if types is None else types

    def put(self, path: str, value: Any) -> None:
        """Take a value apart: an array, a number, a sequence, a mapping or a known dataclass."""
        if (
            isinstance(value, np.ndarray) and value.dtype.kind == "u"
        ):  # keys, of a width of their own
            self.arrays[path], self.types[path] = value, "keys"
        elif isinstance(value, (np.ndarray, bool, int, float, str, np.generic)):
            self.arrays[path] = narrow(np.asarray(value))
            self.types[path] = "array" if isinstance(value, np.ndarray) else type(value).__name__
        elif value is None:
            self.types[path] = "None"
        elif isinstance(value, (tuple, list)):
            self.types[path] = f"tuple {len(value)}"
            for index, item in enumerate(value):
                self.put(f"{path}/{index}", item)
        else:
            name = type(value).__name__
            assert is_dataclass(value), name
            assert name in _HOME, name
            self.types[path] = name
            for field in fields(value):
                self.put(f"{path}/{field.name}", getattr(value, field.name))

    def get(self, path: str) -> Any:
        """The value at a path, put together again."""
        kind, _, count = self.types[path].partition(" ")
        if kind == "None":
            return None
        if kind == "keys":
            return self.arrays[path]
        if kind == "array":
            return widened(self.arrays[path])
        if kind == "tuple":
            return tuple(self.get(f"{path}/{index}") for index in range(int(count)))
        if path in self.arrays:
            return self.arrays[path].item()
        cls = getattr(import_module(f"mdmkit.{_HOME[kind]}"), kind)
        return cls(**{field.name: self.get(f"{path}/{field.name}") for field in fields(cls)})


def write_state(path: Path, header: Mapping[str, Any], packed: Packed) -> None:
    """Write a state, whole or not at all."""
    text = json.dumps({"version": VERSION, **header, "types": packed.types}, sort_keys=True)
    arrays = {_HEADER: np.frombuffer(text.encode(), np.uint8), **packed.arrays}

    def write(temporary: Path) -> None:
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        seal(temporary)

    write_atomically(path, write)


def read_header(path: Path) -> dict[str, Any]:
    """What a state says of itself, without its arrays.

    Raises
    ------
    InputError
        If it is no such file, cut off, or of another version.
    """
    return _read(path, with_arrays=False)[0]


def read_state(path: Path) -> tuple[dict[str, Any], Packed]:
    """A state.

    Raises
    ------
    InputError
        As `read_header`.
    """
    return _read(path, with_arrays=True)


def _read(path: Path, with_arrays: bool) -> tuple[dict[str, Any], Packed]:
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
    return header, Packed(arrays, header.pop("types", {}))
