"""MaskSamples: an arbitrary callable on masks, tried at the thresholds of each frame."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.distribution import mean_where_defined
from mdmkit.core.errors import InputTypeError
from mdmkit.core.foreign import leaving_arguments, read_only
from mdmkit.core.frame import as_unit
from mdmkit.core.labels import ANOMALOUS
from mdmkit.core.named_arrays import AsArrays
from mdmkit.statistics.merging import Merging

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

MaskFunction = Callable[[NDArray[np.bool_], NDArray[np.bool_]], Any]

#: Up to this many steps every step is looked at; beyond, as many thresholds at equal distances.
MOST_STEPS = 1001
RESOLUTION = 1 / (MOST_STEPS - 1)
GRID = np.arange(MOST_STEPS) / (MOST_STEPS - 1)


@dataclass(frozen=True, eq=False)
class _FrameSamples(AsArrays):
    thresholds: NDArray[np.float64]  # every step's lower end, or GRID
    values: NDArray[np.float64]
    exact: bool
    ends: tuple[float, float]  # of all valid pixels, and of none

    def at(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.values[np.searchsorted(self.thresholds, z, side="right") - 1])


def _as_float(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"expected {name} to return a float, found {reprlib.repr(value)}", argument="metric"
        ) from None


@dataclass(frozen=True, eq=False)
class MaskSamples(Merging):
    """Values of `function(prediction, target)` for each frame, at its steps or at equal distances.

    Attributes
    ----------
    frames : tuple
        One entry per frame.
    anomalous : int
        Number of anomalous pixels.
    """

    frames: tuple[_FrameSamples, ...]
    anomalous: int

    @classmethod
    def of(cls, frame: Frame, function: MaskFunction) -> MaskSamples:
        """Call the function once for each step of the frame, 1,001 times at most."""
        scores = np.where(frame.valid, as_unit(frame.scores), -1.0)  # ignored: never predicted
        target = frame.classes == ANOMALOUS
        steps = np.concatenate([[0.0], np.unique(scores[scores > 0])])
        exact = steps.size <= MOST_STEPS
        thresholds = steps if exact else GRID
        name = getattr(function, "__name__", type(function).__name__)

        def value(prediction: NDArray[np.bool_]) -> float:
            return _as_float(function(read_only(prediction), read_only(target.copy())), name)

        with leaving_arguments("metric", name):
            values = np.array([value(scores > z) for z in thresholds])
            ends = value(frame.valid.copy()), value(np.zeros_like(target))
        samples = _FrameSamples(thresholds, values, exact, ends)
        return cls((samples,), frame.anomalous_pixels)

    @property
    def ends(self) -> tuple[float, float]:
        """Means at the predictions of all valid pixels, and of none."""
        at_all, at_none = zip(*(frame.ends for frame in self.frames), strict=True)
        return mean_where_defined(at_all), mean_where_defined(at_none)

    def steps(self) -> tuple[NDArray[np.float64], NDArray[np.float64], float | None]:
        """Thresholds, the mean over frames where it is defined at each, and the resolution.

        The resolution is None where the thresholds are all the steps there are.
        """
        thresholds = np.array([0.0])
        if all(frame.exact for frame in self.frames):
            thresholds = np.unique(np.concatenate([f.thresholds for f in self.frames]))
        exact = all(frame.exact for frame in self.frames) and thresholds.size <= MOST_STEPS
        if not exact:
            thresholds = GRID
        rows = np.stack([frame.at(thresholds) for frame in self.frames], axis=1)
        values = np.array([mean_where_defined(row) for row in rows.tolist()])
        return thresholds, values, None if exact else RESOLUTION
