"""Distribution: a value over images, those where it is undefined counted apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import fsum, isnan
from typing import Any

import numpy as np


def mean_where_defined(values: Iterable[float]) -> float:
    """Mean of the values that are not NaN; NaN without any."""
    defined = [value for value in values if not isnan(value)]
    return fsum(defined) / len(defined) if defined else float("nan")


@dataclass(frozen=True)
class Distribution:
    """Mean and quartiles over the images where a value is defined.

    Attributes
    ----------
    mean : float
        NaN where it is defined nowhere.
    defined, undefined : int
        Numbers of images.
    min, q25, median, q75, max : float or None
    """

    mean: float
    defined: int
    undefined: int
    min: float | None = None
    q25: float | None = None
    median: float | None = None
    q75: float | None = None
    max: float | None = None

    @classmethod
    def of(cls, values: Iterable[float]) -> Distribution:
        """From one value an image, NaN where undefined."""
        everything = list(values)
        defined = [value for value in everything if not isnan(value)]
        undefined = len(everything) - len(defined)
        if not defined:
            return cls(float("nan"), 0, undefined)
        quartiles = np.quantile(defined, [0, 0.25, 0.5, 0.75, 1])
        return cls(mean_where_defined(defined), len(defined), undefined, *map(float, quartiles))

    def to_dict(self) -> dict[str, Any]:
        """All but the mean, ready for JSON."""
        return {key: value for key, value in asdict(self).items() if key != "mean"}
