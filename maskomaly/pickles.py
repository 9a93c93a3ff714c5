"""Tensors out of a pickle of arrays, without running what else a pickle may hold."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray, numeric
from torch import Tensor

from maskomaly.foreign import what_text_is
from mdmkit.core.errors import InputError
from mdmkit.core.files import check_regular

_ZIP = b"PK\x03\x04"  # how a file of torch.save begins


_WRAPPERS = ("model", "state_dict", "model_state_dict")


def _encode(text: str, encoding: str) -> bytes:
    # Protocols 0 to 2 write bytes as text in Latin-1; no other codec has a place here.
    if encoding != "latin1":
        raise InputError(f"expected bytes in latin1, found {encoding}")
    return text.encode("latin1")


def _bytearray(*content: object) -> bytearray:
    return bytearray(*content)


# All that a pickle of arrays refers to, by the names of old and new numpy and of Python 2.
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("collections", "OrderedDict"): OrderedDict,
    ("_codecs", "encode"): _encode,
    ("builtins", "bytearray"): _bytearray,
    **{
        (f"numpy.{core}.{module.__name__.rsplit('.', 1)[1]}", name): getattr(module, name)
        for core in ("core", "_core")
        for module, name in (
            (multiarray, "_reconstruct"),
            (multiarray, "scalar"),
            (numeric, "_frombuffer"),
        )
    },
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads dictionaries, lists, numbers, text and numpy arrays; refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """The admitted object of this name, or an InputError that names it."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise InputError(
                f"expected arrays, text and numbers only, found a reference to {module}.{name}"
            ) from None

    def persistent_load(self, pid: object) -> Any:
        """Refused: an object that lies outside the file."""
        raise InputError(f"expected arrays, text and numbers only, found an object kept at {pid!r}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Named tensors of a checkpoint, read without running code from the file.

    Parameters
    ----------
    path : Path
        A pickle of numpy arrays (`.pkl` of detectron2's model zoo), or a file of `torch.save`
        (`.pth`), which is read with `weights_only=True`. The tensors may lie in an entry "model"
        or "state_dict", beside others ("__author__", the optimiser's state), which are dropped;
        a prefix "module." of them all is too.

    Raises
    ------
    InputError
        A file that is damaged, refers to anything but arrays, or holds no named tensors; the
        message names the file.
    """
    check_regular(path)
    try:
        with path.open("rb") as file:
            start = file.read(len(_ZIP))
            file.seek(0)
            if start == _ZIP:
                content = torch.load(file, map_location="cpu", weights_only=True)
            else:
                content = ArrayUnpickler(file, encoding="latin1").load()
    except Exception as error:  # a damaged pickle may raise anything
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        text = what_text_is(path)  # not before: the oldest pickles are text, too
        if text is not None and not isinstance(error, InputError):
            reason = f"found {text}"
        raise InputError(f"{path}: expected a checkpoint of detectron2: {reason}") from error
    content = _unwrapped(content)
    if not isinstance(content, Mapping) or not content:
        raise InputError(
            f"{path}: expected a checkpoint of detectron2 (named tensors), found "
            f"{type(content).__name__}"
        )
    return {str(name): _tensor(value, f"{path}: {name}") for name, value in content.items()}


def _unwrapped(content: object) -> Any:
    """The named tensors themselves: training adds entries beside them, and prefixes before them."""
    while isinstance(content, Mapping):
        inner = [content[each] for each in _WRAPPERS if isinstance(content.get(each), Mapping)]
        if not inner:
            break
        content = inner[0]
    parallel = "module."  # of DataParallel
    if isinstance(content, Mapping) and all(str(name).startswith(parallel) for name in content):
        return {str(name).removeprefix(parallel): value for name, value in content.items()}
    return content


def _tensor(value: object, what: str) -> Tensor:
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub":
        return torch.from_numpy(np.array(value, order="C"))
    raise InputError(f"{what}: expected an array of numbers, found {type(value).__name__}")
