"""Tensors saved by torch.save, `.pt`; read with `weights_only=True`: no code of the file is run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mdmkit.core.errors import InputError, printable
from mdmkit.core.extras import needed_by
from mdmkit.core.types import Array
from mdmkit.io.formats import Format, chosen_key


def read(path: Path, key: str | None) -> Array:
    """The tensor, or that of a dictionary's key; bfloat16 becomes float32, which holds it."""
    with needed_by(str(path)):
        import torch
    with path.open("rb") as file:
        try:
            saved = _loaded(torch, file)
        except Exception as error:
            # torch's own message advises to load it without weights_only
            raise InputError(
                f"{printable(str(path))}: expected a readable .pt file, found: nothing that "
                f"torch.load reads with weights_only=True ({type(error).__name__})"
            ) from error
    if isinstance(saved, dict):
        named = {str(name): tensor for name, tensor in saved.items()}
        saved = named[chosen_key(path, list(named), key, "tensor")]
    if not isinstance(saved, torch.Tensor):
        raise InputError(f"{path}: expected a tensor, found {type(saved).__name__}")
    tensor = saved.detach()
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise InputError(f"{path}: expected a dense tensor, found {tensor.layout} {tensor.dtype}")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InputError(
            f"{path}: expected a tensor that is stored whole, found {tuple(tensor.shape)} of "
            f"{tensor.untyped_storage().nbytes()} bytes; save tensor.contiguous()"
        )
    return np.asarray((tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy())


def _loaded(torch: Any, file: BinaryIO) -> Any:
    """What a file holds, without torch's remarks on how it was pickled."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)
        return torch.load(file, map_location="cpu", weights_only=True)


FORMAT = Format((".pt",), read)
