"""Margin: the width of the range of thresholds at which a metric passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.number import Entry, Number
from mdmkit.core.number import Interval as Interval


def check_t_margin(t_margin: object) -> float:
    """The required quality T as a float in [0, 1)."""
    expected = f"expected a number in [0, 1), found {t_margin!r}"
    try:
        value = float("nan" if isinstance(t_margin, (str, bytes)) else t_margin)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise InputTypeError(expected, argument="t_margin") from None
    if not 0 <= value < 1:
        raise InputError(expected, argument="t_margin")
    return value


def are_several(t_margin: object) -> bool:
    """Whether T is a sequence of required qualities."""
    if isinstance(t_margin, (str, bytes, type)) or not hasattr(t_margin, "__iter__"):
        return False
    return int(getattr(t_margin, "ndim", 1)) > 0


@dataclass(frozen=True, kw_only=True, repr=False)
class Margin(Number):
    """The Maximal Detection Margin (MDM) of one metric at one required quality T, a `Number`.

    Attributes
    ----------
    value : float
        Length of the longest range of thresholds z with d(A > z, B) > T, in [0, 1]; 0.0 where
        there is none. The mean over images for `aggregate="per_image"`. None in a `Result` only,
        where a part of the data set holds nothing to detect.
    interval : (float, float) or None
        The range [x, y), half-open; of several longest ones that at the lower z.
    threshold : float or None
        The recommended threshold, the middle of the interval: farthest from failing.
    t_margin : float
        T, in [0, 1); the metric must exceed it strictly.
    metric : str
        Name of the metric d.
    bracket : (float, float) or None
        Rigorous bounds on the value; `(value, value)` where it is exact.
    min_prediction, min_target : int or None
        Component sizes in pixels, for component metrics.
    resolution : float or None
        Distance of the thresholds at which an arbitrary callable was tried; None where every
        step of d was looked at.
    aggregate : {"pooled", "per_image"}
    images : Distribution or None
        Per image: the distribution of margins over the images where they are defined.
    trivial : float or None
        The trivial level: the larger, where defined, of the metric's values at the predictions of
        all valid pixels and of none, on the same frames. A margin at a T that does not exceed it
        is passed by doing nothing.
    confidence, all_predicted, binned, frames, valid_frames
        As in `Number`.
    ends : (float, float) or None
        These two values, NaN where undefined.

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation, BMVC 2023.

    Examples
    --------
    >>> from mdmkit import mdm
    >>> m = mdm([[0.125, 0.25, 0.75]], [[0, 0, 1]], t_margin=0.5)
    >>> m
    Margin(value=0.625, interval=[0.125, 0.75), threshold=0.4375, t_margin=0.5, metric='f1', exact)
    >>> float(m), m.to_dict()["bracket"]
    (0.625, (0.625, 0.625))
    """

    value: float
    bracket: Interval | None = None
    t_margin: float
    metric: str
    min_prediction: int | None = None
    min_target: int | None = None
    aggregate: str = "pooled"
    ends: Interval | None = field(default=None, compare=False)  # NaN equals nothing

    always_written: ClassVar[tuple[str, ...]] = ("interval", "threshold", "bracket")

    def row(self, key: str) -> dict[str, Entry]:
        """Its entries of one flat row, with the trivial level and whether it passes T."""
        row = super().row(key)
        if self.trivial is not None:
            row |= {f"{key}_trivial": self.trivial, f"{key}_is_trivial": self.is_trivial}
        return row

    @property
    def is_trivial(self) -> bool:
        """Whether T does not exceed the trivial level: a constant prediction passes it."""
        return self.trivial is not None and self.t_margin <= self.trivial

    def to_dict(self) -> dict[str, object]:
        """Everything known of it, ready for JSON."""
        names = (
            "value",
            "interval",
            "threshold",
            "t_margin",
            "metric",
            "bracket",
            "min_prediction",
            "min_target",
            "resolution",
            "aggregate",
        )
        values = None if self.images is None else self.images.values
        own: dict[str, object] = {name: getattr(self, name) for name in names}
        return own | {"images": values, "trivial": self.trivial}

    def __repr__(self) -> str:
        if self.value is None:  # in a result
            return f"Margin(undefined, t_margin={self.t_margin!r}, metric={self.metric!r})"
        parts = [f"value={self.value:.6g}", f"interval={self._range}"]
        if self.interval is not None:
            parts.append(f"threshold={self.threshold:.6g}")
        parts += [f"t_margin={self.t_margin!r}", f"metric={self.metric!r}"]
        if self.min_prediction is not None:
            parts.append(f"min_prediction={self.min_prediction}, min_target={self.min_target}")
        if self.resolution is not None:
            parts.append(f"resolution={self.resolution:g}, no bracket")
        elif self.bracket == (self.value, self.value):
            parts.append("exact")
        else:
            parts.append(f"bracket={self.bracket}")
        if self.aggregate != "pooled":
            images = self.images.defined if self.images else 0
            parts.append(f"aggregate={self.aggregate!r} over {images} images")
        return f"Margin({', '.join(parts)})"

    def _repr_html_(self) -> str:
        """A table of two rows, for notebooks."""
        from html import escape

        known = {
            "MDM": f"{float(self):.6g}",
            "d": f"{self.metric} > {self.t_margin!r}",
            "thresholds": self._range or "-",
            "recommended": "-" if self.threshold is None else f"{self.threshold:.6g}",
            "bracket": self.spelled_bracket(".6g") or "-",
            "trivial level": "-" if self.trivial is None else f"{self.trivial:.6g}",
        }
        if self.is_trivial and self.value:
            known["MDM"] += " (passed by doing nothing)"
        heads = "".join(f"<th>{name}</th>" for name in known)
        cells = "".join(f"<td>{escape(text)}</td>" for text in known.values())
        return f"<table><tr>{heads}</tr><tr>{cells}</tr></table>"

    @property
    def _range(self) -> str | None:
        return None if self.interval is None else "[{:.6g}, {:.6g})".format(*self.interval)


def trivial_level(ends: Sequence[float] | None) -> float | None:
    """The larger, where defined, of a metric's values at two constant predictions."""
    defined = [value for value in ends or () if value == value]
    return max(defined, default=None)


def longest_run(edges: NDArray[np.float64], passes: NDArray[np.bool_]) -> Interval | None:
    """The longest [x, y) of adjacent passing steps, step i being [edges[i], edges[i + 1]).

    Of several, the lowest; None where no passing run has a positive length.
    """
    padded = np.zeros(passes.size + 2, bool)
    padded[1:-1] = passes
    turns = np.flatnonzero(padded[1:] != padded[:-1])
    starts, ends = edges[turns[::2]], edges[turns[1::2]]
    if starts.size == 0:
        return None
    best = int(np.argmax(ends - starts))
    if not ends[best] > starts[best]:
        return None
    return float(starts[best]), float(ends[best])


def runs_of_length(
    edges: NDArray[np.float64], passes: NDArray[np.bool_], length: float
) -> NDArray[np.bool_]:
    """Select passing steps that lie in runs at least that long; see `longest_run`."""
    starts = np.flatnonzero(passes & ~np.append(False, passes[:-1]))
    ends = np.flatnonzero(passes & ~np.append(passes[1:], False)) + 1
    kept = edges[ends] - edges[starts] >= length
    turns = np.zeros(passes.size + 1, np.int64)
    turns[starts[kept]], turns[ends[kept]] = 1, -1
    return np.asarray(np.cumsum(turns)[:-1] > 0)
