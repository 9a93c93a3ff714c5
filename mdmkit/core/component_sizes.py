"""ComponentSizes: the smallest components that count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_integer
from mdmkit.core.named_arrays import AsArrays

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


class TargetChoice(Protocol):
    """Some of the ground-truth components of each frame."""

    def keeps(self, frame: Frame) -> NDArray[np.bool_]:
        """Whether each component counts, in the order of their first pixels."""


@dataclass(frozen=True, order=True)
class ComponentSizes(AsArrays):
    """Sets the smallest components that count, in pixels.

    Parameters
    ----------
    min_prediction : int
        Predicted components with fewer pixels are dropped.
    min_target : int
        Ground-truth components with fewer pixels are ignored after labelling.
    within : TargetChoice, optional
        Which ground-truth components count; the others are ignored like those that are too small.

    Raises
    ------
    InputError
        For sizes below 0.

    Examples
    --------
    >>> print(ComponentSizes(500, 100))
    min_prediction=500, min_target=100
    """

    min_prediction: int = 0
    min_target: int = 0
    within: TargetChoice | None = None

    def __post_init__(self) -> None:
        for name in ("min_prediction", "min_target"):
            size = as_integer(getattr(self, name), name, 0, "a number of pixels")
            object.__setattr__(self, name, size)

    def __str__(self) -> str:
        return f"min_prediction={self.min_prediction}, min_target={self.min_target}"
