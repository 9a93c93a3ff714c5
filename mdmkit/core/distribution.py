"""Distribution: a value over images, those where it is undefined counted apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import fsum, isnan

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
    mean : float or None
        None where it is defined nowhere.
    defined, undefined : int
        Numbers of images.
    min, q25, median, q75, max : float or None
    values : tuple of float or None
        Of the images where it is defined, in their order; of `mdm` alone.
    """

    mean: float | None
    defined: int
    undefined: int
    min: float | None = None
    q25: float | None = None
    median: float | None = None
    q75: float | None = None
    max: float | None = None
    values: tuple[float, ...] | None = None

    @classmethod
    def of(cls, values: Iterable[float]) -> Distribution:
        """Summarise one value per image, NaN where undefined."""
        everything = list(values)
        defined = [value for value in everything if not isnan(value)]
        undefined = len(everything) - len(defined)
        if not defined:
            return cls(None, 0, undefined)
        quartiles = np.quantile(defined, [0, 0.25, 0.5, 0.75, 1])
        least, q25, median, q75, most = map(float, quartiles)
        mean = mean_where_defined(defined)
        return cls(mean, len(defined), undefined, least, q25, median, q75, most)

    def to_dict(self) -> dict[str, float | None]:
        """All but the mean and the single values, ready for JSON."""
        return {k: v for k, v in asdict(self).items() if k not in ("mean", "values")}
