"""Types of arrays that many modules name."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

#: An array of any dtype.
Array = NDArray[Any]
