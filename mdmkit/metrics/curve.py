"""ThresholdCurve: a segment metric as a step function d(z) of the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mdmkit.core.arguments import check_that
from mdmkit.core.margin import (
    Interval,
    Margin,
    are_several,
    check_t_margin,
    longest_run,
    runs_of_length,
    trivial_level,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """d(A > z, B) for every z in [0, 1].

    Attributes
    ----------
    breakpoints : ndarray of float64, shape (n,)
        0 = b_0 < b_1 < ...: the scores at which d can change.
    values : ndarray of float64, shape (n,)
        d on [b_i, b_i+1), the last one on [b_n-1, 1]; NaN where d is undefined.
    metric : str
        Name of d.
    min_prediction, min_target : int or None
        Component sizes in pixels, for component metrics.
    resolution : float or None
        Where d is an arbitrary callable with too many steps: the distance of the thresholds at
        which it was tried, each value being taken to hold until the next. None: exact.
    low, high : ndarray of float64, shape (n,), or None
        Where scores were counted in bins: bounds of d within each step; `values` holds at the
        lower end of a step.
    ends : (float, float) or None
        d of the predictions of all valid pixels and of none; NaN where undefined.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    >>> curve.breakpoints.tolist(), curve.values.round(3).tolist()
    ([0.0, 0.25, 0.5, 0.75], [0.8, 1.0, 0.667, 0.0])
    >>> curve([0.1, 0.3])
    array([0.8, 1. ])
    >>> [m.interval for m in curve.margin((0.7, 0.9))]
    [(0.0, 0.5), (0.25, 0.5)]
    """

    breakpoints: NDArray[np.float64]
    values: NDArray[np.float64]
    metric: str
    min_prediction: int | None = None
    min_target: int | None = None
    resolution: float | None = None
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    ends: Interval | None = None

    @overload
    def __call__(self, z: float) -> float: ...
    @overload
    def __call__(self, z: ArrayLike) -> NDArray[np.float64]: ...
    def __call__(self, z: object) -> Any:
        """Look d up at one or more thresholds in [0, 1]; NaN where undefined."""
        try:
            thresholds = np.asarray(z, np.float64)
        except (TypeError, ValueError):
            thresholds = np.array(np.nan)
        inside = np.all((thresholds >= 0) & (thresholds <= 1))
        check_that(inside, "thresholds in [0, 1]", z, "z")
        values = self.values[np.searchsorted(self.breakpoints, thresholds, side="right") - 1]
        return values if values.ndim else float(values)

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """The breakpoints and 1: step i is [edges[i], edges[i + 1])."""
        return np.append(self.breakpoints, 1.0)

    @overload
    def margin(self, t_margin: float) -> Margin: ...
    @overload
    def margin(self, t_margin: Sequence[float]) -> tuple[Margin, ...]: ...
    def margin(self, t_margin: Any) -> Any:
        """The MDM at a required quality T in [0, 1): the longest run of steps with d > T.

        Parameters
        ----------
        t_margin : float or sequence of float

        Returns
        -------
        Margin, or a tuple of them in the order of `t_margin`.
        """
        if are_several(t_margin):
            return tuple(map(self.margin, map(check_t_margin, t_margin)))
        t = check_t_margin(t_margin)
        bounds, passes = self._bounds(t), self.values > t  # NaN never passes
        if self.low is not None and bounds is not None and bounds[0] == bounds[1]:
            passes = self.low > t  # a run that only may be that long must not stand for one that is
        interval = longest_run(self.edges, passes)
        value = interval[1] - interval[0] if interval else 0.0
        return Margin(
            value=value,
            interval=interval,
            threshold=(interval[0] + interval[1]) / 2 if interval else None,
            t_margin=t,
            metric=self.metric,
            bracket=(bounds or (value, value)) if self.resolution is None else None,
            min_prediction=self.min_prediction,
            min_target=self.min_target,
            resolution=self.resolution,
            trivial=trivial_level(self.ends),
            ends=self.ends,
        )

    def _bounds(self, t: float) -> Interval | None:
        """Bounds of the margin, where steps have some."""
        if self.low is None or self.high is None:
            return None
        runs = (longest_run(self.edges, bound > t) for bound in (self.low, self.high))
        low, high = (run[1] - run[0] if run else 0.0 for run in runs)
        return low, high

    def undecided(self, t_margin: float) -> NDArray[np.bool_]:
        """Steps within which d may be on either side of T, if the margin hangs on it, shape (n,).

        It does not in runs that are shorter than one known to pass even if all of them pass.
        """
        if self.low is None or self.high is None:
            return np.zeros(self.values.size, bool)
        t = check_t_margin(t_margin)
        surely, maybe = self.low > t, self.high > t
        known = longest_run(self.edges, surely)
        long = runs_of_length(self.edges, maybe, known[1] - known[0] if known else 0.0)
        return np.asarray(long & ~surely)

    def plot(self, ax: Axes | None = None, t_margin: float | None = None) -> Axes:
        """Draw d over z, with the margin at T shaded where T is given; returns the axes."""
        from mdmkit.plots import draw_curve

        return draw_curve(self, ax=ax, t_margin=t_margin)

    def __repr__(self) -> str:
        sizes = (
            ""
            if self.min_prediction is None
            else f", min_prediction={self.min_prediction}, min_target={self.min_target}"
        )
        how = "exact" if self.resolution is None else f"resolution={self.resolution:g}"
        return f"ThresholdCurve({self.metric!r}{sizes}, {self.breakpoints.size} steps, {how})"
