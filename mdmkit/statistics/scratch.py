"""Scratch arrays: memory that frame after frame of a thread works in."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.types import Array

#: Larger arrays are not kept.
MOST_BYTES = 2**28


_KEPT = threading.local()


def scratch(name: str, size: int, dtype: Any) -> Array:
    """An array of any content, in the memory that this name had last time in this thread.

    Getting large arrays from the operating system and returning them costs as much as what is
    done to a pixel of them. Whoever asks for a name again must be done with what it had before.
    """
    wanted = size * np.dtype(dtype).itemsize
    if wanted > MOST_BYTES:
        return np.empty(size, dtype)
    kept: dict[str, NDArray[np.uint8]] = vars(_KEPT)  # of this thread
    memory = kept.get(name)
    if memory is None or memory.size < wanted:
        memory = kept[name] = np.empty(wanted, np.uint8)
    return memory[:wanted].view(dtype)
