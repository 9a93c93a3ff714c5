"""Segment metrics d in three tiers: from counts, from components, any callable on masks.

A metric says which sweep it needs of a frame (`recipe`) and turns the merged sweep into its
`ThresholdCurve`. What is undefined (0 / 0) is NaN, which passes no T.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit import exact_sums
from mdmkit.component_grid import ComponentGrid
from mdmkit.components import QUALITIES, ComponentSizes, ComponentSweep
from mdmkit.curves import ThresholdCurve
from mdmkit.errors import InputError, InputTypeError, NoTargetError
from mdmkit.exact_sums import LIMBS, UNITS
from mdmkit.foreign import leaving_arguments, read_only
from mdmkit.pixels import PixelGrid, PixelSweep
from mdmkit.recipes import ComponentRecipe, MaskRecipe, PixelRecipe, Recipe
from mdmkit.samples import MaskFunction, MaskSamples

Counts = NDArray[np.int64]
Ratio = NDArray[np.float64]
CountFunction = Callable[[Counts, Counts, Counts, Counts], Any]


def ratio(numerator: Any, denominator: Any) -> Ratio:
    """One float64 division; 0 / 0 is NaN, without a warning."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.true_divide(numerator, denominator))


def check_anomalous(anomalous: int) -> None:
    """Refuse frames without an anomalous pixel: there is nothing to detect."""
    if anomalous == 0:
        raise NoTargetError(
            "target: expected at least one anomalous pixel, found none "
            "(does anomaly_label name the right value?)"
        )


def _named(metric: Metric) -> str:
    return f"metric {metric.name}"


def _checked(name: str, found: Any, shape: tuple[int, ...]) -> Ratio:
    """What a metric's formula returned, as floats of the shape of its counts."""
    values = np.asarray(found)
    if values.dtype.kind not in "fiub":
        raise InputTypeError(f"{name}: expected floats, found {values.dtype}")
    if values.shape != shape:
        raise InputError(
            f"{name}: expected a value for each count, shape {shape}, found shape {values.shape}"
        )
    return values.astype(np.float64)


class Metric(ABC):
    """A segment metric d(prediction, target), higher = better.

    The base of all: `CountMetric` for formulas of pixel counts, `ComponentMetric` for formulas of
    components, `MaskMetric` for anything else.

    Attributes
    ----------
    name : str
        As in `metric="f1"`, tables and figures.

    Examples
    --------
    >>> from mdmkit import F1, Metric, SIoU
    >>> [isinstance(metric, Metric) for metric in (F1(), SIoU(min_target=10))]
    [True, True]
    """

    name: str

    @property
    @abstractmethod
    def recipe(self) -> Recipe:
        """The sweep that it is computed from."""

    @abstractmethod
    def curve(self, sweep: Any) -> ThresholdCurve:
        """d(z) from a sweep over scores in [0, 1].

        Raises
        ------
        NoTargetError
            If the sweep holds nothing to detect.
        """

    def bounds(self, grid: Any) -> tuple[Ratio, Ratio] | None:
        """Least and largest d within each cell of a grid, shape (m + 1,) each, NaN: undefined.

        None where nothing is known about the metric between two thresholds.
        """
        return None


class CountMetric(Metric):
    """A formula of the pixel counts (TP, FP, FN, TN), exact at every distinct score.

    An object of it is a function of counts: `metric(tp, fp, fn, tn)`.

    Attributes
    ----------
    name : str
    monotone : bool
        Declares that it never falls as TP rises and never rises with FP (FN and TN following), so
        that counts at two thresholds bound it between them. A metric that does not declare it is
        looked at step by step.

    See Also
    --------
    count_metric : makes one of a function.

    Examples
    --------
    >>> from mdmkit import F1, CountMetric
    >>> isinstance(F1(), CountMetric), F1.monotone
    (True, True)
    >>> F1()(tp=[3, 0], fp=[1, 0], fn=[0, 3], tn=[6, 7])
    array([0.85714286, 0.        ])
    """

    monotone: bool = False

    @abstractmethod
    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Any:
        """The metric for int64 arrays of one shape; NaN where undefined."""

    @property
    def recipe(self) -> PixelRecipe:
        return PixelRecipe()

    def __call__(self, tp: Any, fp: Any, fn: Any, tn: Any) -> Ratio:
        """The metric at given counts, float64 of their shape."""
        counts = [read_only(np.asarray(count, np.int64)) for count in (tp, fp, fn, tn)]
        with np.errstate(invalid="ignore", divide="ignore"), leaving_arguments(_named(self)):
            values = self.formula(*counts)
        return _checked(_named(self), values, counts[0].shape)

    def curve(self, sweep: PixelSweep) -> ThresholdCurve:
        check_anomalous(sweep.anomalous)
        breakpoints, totals = sweep.on_unit()
        return ThresholdCurve(breakpoints, self(*sweep.confusion(totals)), self.name)

    def bounds(self, grid: PixelGrid) -> tuple[Ratio, Ratio] | None:
        if not self.monotone:
            return None
        anomalous, normal = grid.totals[0]
        (tp_low, fp_low), (tp_high, fp_high) = grid.low.T, grid.high.T
        low = self(tp_low, fp_high, anomalous - tp_low, normal - fp_high)
        return low, self(tp_high, fp_low, anomalous - tp_high, normal - fp_low)


@dataclass(frozen=True)
class F1(CountMetric):
    """Pixel F1 = 2 TP / (2 TP + FP + FN), in [0, 1].

    0 for an empty prediction where there are anomalies. The default of `mdm`.

    Examples
    --------
    >>> from mdmkit import F1, mdm
    >>> mdm([[0.25, 0.5, 0.75]], [[0, 1, 1]], 0.9, metric=F1()).interval
    (0.25, 0.5)
    """

    name = "f1"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(2 * tp, 2 * tp + fp + fn)


@dataclass(frozen=True)
class FBeta(CountMetric):
    """Pixel F-beta = (1 + b^2) TP / ((1 + b^2) TP + b^2 FN + FP), in [0, 1].

    Parameters
    ----------
    beta : float
        b > 0; more than 1 favours recall, less precision.

    Raises
    ------
    InputError
        For other values of beta.

    References
    ----------
    van Rijsbergen: Information Retrieval. 1979.

    Examples
    --------
    >>> from mdmkit import FBeta
    >>> FBeta(2).name, float(FBeta(2)(tp=1, fp=0, fn=1, tn=0))
    ('f2', 0.5555555555555556)
    """

    beta: float
    monotone = True

    def __post_init__(self) -> None:
        if not (isinstance(self.beta, (int, float)) and 0 < self.beta < 1e100):
            raise InputError(f"beta: expected a number > 0, found {self.beta!r}")

    @property
    def name(self) -> str:  # type: ignore[override]
        return f"f{self.beta:g}"

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        b2 = float(self.beta) ** 2
        return ratio((1 + b2) * tp, (1 + b2) * tp + b2 * fn + fp)


@dataclass(frozen=True)
class IoU(CountMetric):
    """Pixel intersection over union = TP / (TP + FP + FN), in [0, 1].

    Examples
    --------
    >>> from mdmkit import IoU
    >>> float(IoU()(tp=1, fp=1, fn=2, tn=0))
    0.25
    """

    name = "iou"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(tp, tp + fp + fn)


@dataclass(frozen=True)
class Precision(CountMetric):
    """Pixel precision = TP / (TP + FP), in [0, 1]; undefined for an empty prediction.

    Examples
    --------
    >>> from mdmkit import Precision
    >>> Precision()(tp=[1, 0], fp=[1, 0], fn=[0, 1], tn=[0, 1])
    array([0.5, nan])
    """

    name = "precision"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(tp, tp + fp)


@dataclass(frozen=True)
class Recall(CountMetric):
    """Pixel recall (true positive rate) = TP / (TP + FN), in [0, 1].

    Examples
    --------
    >>> from mdmkit import Recall
    >>> float(Recall()(tp=3, fp=5, fn=1, tn=0))
    0.75
    """

    name = "recall"
    monotone = True

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Ratio:
        return ratio(tp, tp + fn)


@dataclass(frozen=True)
class CountFormula(CountMetric):
    """A user's own function of the counts; made by `count_metric`."""

    function: CountFunction = field(repr=False)
    name: str
    monotone: bool = False

    def formula(self, tp: Counts, fp: Counts, fn: Counts, tn: Counts) -> Any:
        # copies: some libraries write to arrays that say they are read-only
        return self.function(*(read_only(count.copy()) for count in (tp, fp, fn, tn)))


def count_metric(
    function: CountFunction | None = None, *, name: str | None = None, monotone: bool = False
) -> Any:
    """Make a metric of a function of the pixel counts; a decorator.

    Parameters
    ----------
    function : callable
        `function(tp, fp, fn, tn)` on int64 arrays of one shape, returning floats of that shape,
        NaN where undefined (0 / 0 is, and raises no warning).
    name : str, optional
        The function's own name by default.
    monotone : bool
        Declare that it never falls as TP rises and never rises with FP; see `CountMetric`.

    Returns
    -------
    CountFormula

    Examples
    --------
    >>> from mdmkit import count_metric, mdm
    >>> @count_metric(monotone=True)
    ... def tversky(tp, fp, fn, tn):
    ...     return tp / (tp + 0.3 * fp + 0.7 * fn)
    >>> mdm([[0.25, 0.75]], [[0, 1]], 0.9, metric=tversky).interval
    (0.25, 0.75)
    """
    if function is None:
        return partial(count_metric, name=name, monotone=monotone)
    return CountFormula(function, name or str(getattr(function, "__name__", "metric")), monotone)


@dataclass(frozen=True)
class ComponentMetric(Metric):
    """A metric of ground-truth and predicted components (8-connectivity).

    Parameters
    ----------
    min_prediction : int
        Predicted components with fewer pixels are dropped.
    min_target : int
        Ground-truth components with fewer pixels are ignored after labelling.

    Notes
    -----
    One of your own names the part of the sweep that it is a formula of (`part`: `siou`, `ppv` or
    `hits`), and the formula (`values`).

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from mdmkit import mdm
    >>> @dataclass(frozen=True)
    ... class Found(ComponentMetric):
    ...     "Share of the ground-truth components with sIoU >= 0.5."
    ...     name = "found"
    ...
    ...     def part(self, sweep):
    ...         return sweep.hits  # TP at t = 0.25, 0.30, ..., 0.75, then FP
    ...
    ...     def values(self, totals, targets):
    ...         return totals[..., 5] / targets
    >>> mdm([[0.75, 0.25, 0.5, 0.0]], [[1, 0, 1, 0]], 0.75, metric=Found()).interval
    (0.0, 0.5)
    """

    min_prediction: int = 0
    min_target: int = 0

    def __post_init__(self) -> None:
        ComponentSizes(self.min_prediction, self.min_target)

    @property
    def recipe(self) -> ComponentRecipe:
        return ComponentRecipe(ComponentSizes(self.min_prediction, self.min_target))

    @abstractmethod
    def values(self, totals: Counts, targets: int) -> Ratio:
        """The metric for rows of totals of its part of the sweep."""

    @abstractmethod
    def part(self, sweep: ComponentSweep) -> Any:
        """The `Steps` of the sweep that it is a formula of."""

    def steps(self, sweep: ComponentSweep) -> Any:
        """Its part of a sweep, which it cannot write to."""
        with leaving_arguments(_named(self)):
            return self.part(read_only(sweep))

    def __call__(self, totals: Counts, targets: int) -> Ratio:
        """`values`, which must be floats, one for each row of totals that it cannot write to."""
        rows = read_only(np.asarray(totals))
        with np.errstate(invalid="ignore", divide="ignore"), leaving_arguments(_named(self)):
            values = self.values(rows, targets)
        return _checked(_named(self), values, rows.shape[:-1])

    def check(self, sweep: ComponentSweep) -> None:
        """Refuse a sweep without a ground-truth component."""
        check_anomalous(sweep.largest)
        if sweep.targets == 0:
            raise NoTargetError(
                f"min_target: expected a ground-truth component of at least {self.min_target} "
                f"pixels, found none (the largest has {sweep.largest}); lower min_target"
            )

    def curve(self, sweep: ComponentSweep) -> ThresholdCurve:
        self.check(sweep)
        breakpoints, totals = self.steps(sweep).on_unit()
        return ThresholdCurve(
            breakpoints,
            self(totals, sweep.targets),
            self.name,
            self.min_prediction,
            self.min_target,
        )


@dataclass(frozen=True)
class SIoU(ComponentMetric):
    """Mean over ground-truth components of sIoU = I / (G + F), in [0, 1].

    Of a ground-truth component with G pixels, I are covered by predicted components; F pixels of
    the predicted components which touch it lie in no ground-truth component.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021 ("adjusted IoU").

    Examples
    --------
    >>> from mdmkit import SIoU, threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], SIoU())
    >>> curve(0.7), curve(0.5), curve(0.2)
    (0.5, 1.0, 0.6666666666666666)
    """

    name = "siou"

    def part(self, sweep: ComponentSweep) -> Any:
        return sweep.siou

    def values(self, totals: Counts, targets: int) -> Ratio:
        return exact_sums.mean(totals, targets)

    def bounds(self, grid: ComponentGrid) -> tuple[Ratio, Ratio]:
        low, high = grid.siou.low[:, 0] / UNITS, grid.siou.high[:, 0] / UNITS
        return ratio(low, grid.targets), ratio(high, grid.targets)


@dataclass(frozen=True)
class PPV(ComponentMetric):
    """Mean over predicted components of their share of pixels in ground-truth components.

    In [0, 1]; undefined without predicted components.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021.

    Examples
    --------
    >>> from mdmkit import PPV, threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 1, 0, 0]], PPV())
    >>> curve(0.7), curve(0.2), curve(1)
    (1.0, 0.6666666666666666, nan)
    """

    name = "ppv"

    def part(self, sweep: ComponentSweep) -> Any:
        return sweep.ppv

    def values(self, totals: Counts, targets: int) -> Ratio:
        return exact_sums.mean(totals[..., :LIMBS], totals[..., LIMBS])

    def bounds(self, grid: ComponentGrid) -> tuple[Ratio, Ratio]:
        (sum_low, least), (sum_high, most) = grid.ppv.low.T, grid.ppv.high.T
        low = np.where(least > 0, ratio(sum_low / UNITS, most), np.nan)
        high = np.where(most > 0, ratio(sum_high / UNITS, np.maximum(least, 1)), np.nan)
        return low, np.minimum(high, 1)


@dataclass(frozen=True)
class MeanF1(ComponentMetric):
    """Mean over t = 0.25, 0.30, ..., 0.75 of the component F1 = 2 TP / (2 TP + FN + FP).

    In [0, 1]. TP counts ground-truth components with sIoU >= t, FP predicted ones with PPV < t; 0
    without predicted components.

    Parameters
    ----------
    min_prediction, min_target : int
        Component sizes in pixels, as in `ComponentMetric`; 0 drops nothing.

    References
    ----------
    Chan et al.: SegmentMeIfYouCan: A Benchmark for Anomaly Segmentation. 2021.

    Examples
    --------
    >>> from mdmkit import MeanF1, threshold_curve
    >>> curve = threshold_curve([[0.9, 0.1, 0.6, 0.1]], [[1, 0, 0, 0]], MeanF1())
    >>> curve(0.7), round(curve(0.5), 3)  # then one object found, one false alarm
    (1.0, 0.667)
    """

    name = "mean_f1"

    def part(self, sweep: ComponentSweep) -> Any:
        return sweep.hits

    def values(self, totals: Counts, targets: int) -> Ratio:
        tp, fp = totals[..., : QUALITIES.size], totals[..., QUALITIES.size :]
        limbs = np.zeros((*totals.shape[:-1], LIMBS), np.int64)
        for t in range(QUALITIES.size):  # TP + FN is the number of targets
            limbs += exact_sums.split(ratio(2 * tp[..., t], targets + tp[..., t] + fp[..., t]))
        return exact_sums.mean(limbs, QUALITIES.size)

    def bounds(self, grid: ComponentGrid) -> tuple[Ratio, Ratio]:
        low, high, n = grid.hits.low, grid.hits.high, QUALITIES.size
        worst = np.hstack([low[:, :n], high[:, n:]])  # few true, many false positives
        best = np.hstack([high[:, :n], low[:, n:]])
        return self.values(worst, grid.targets), self.values(best, grid.targets)


@dataclass(frozen=True)
class MaskMetric(Metric):
    """Any `function(prediction, target) -> float` on bool masks (H, W), ignored pixels False.

    Evaluated at every step of d where there are at most 1,001 (exact), else at
    z = 0, 1/1000, ..., 1. Over several frames: the mean over those where it is not NaN. Wherever
    a metric is asked for, the bare function will do.

    Parameters
    ----------
    function : callable
        Gets two arrays of bool, shape (H, W); returns a number, NaN where undefined.

    Examples
    --------
    >>> from mdmkit import MaskMetric, mdm
    >>> def any_hit(prediction, target):
    ...     return float((prediction & target).any())
    >>> MaskMetric(any_hit).name
    'any_hit'
    >>> mdm([[0.25, 0.75]], [[0, 1]], 0.5, metric=any_hit).interval
    (0.0, 0.75)
    """

    function: MaskFunction

    @property
    def name(self) -> str:  # type: ignore[override]
        return getattr(self.function, "__name__", type(self.function).__name__)

    @property
    def recipe(self) -> MaskRecipe:
        return MaskRecipe(self.function)

    def curve(self, sweep: MaskSamples) -> ThresholdCurve:
        check_anomalous(sweep.anomalous)
        thresholds, values, resolution = sweep.steps()
        return ThresholdCurve(thresholds, values, self.name, resolution=resolution)


COUNT_METRICS: dict[str, CountMetric] = {m.name: m for m in (F1(), IoU(), Precision(), Recall())}
COMPONENT_METRICS: dict[str, type[ComponentMetric]] = {m.name: m for m in (SIoU, PPV, MeanF1)}


def as_metric(metric: Any, sizes: ComponentSizes | None = None) -> Metric:
    """A metric from its name, a `Metric` (class or object), or a callable on masks.

    Parameters
    ----------
    metric : str, Metric, or callable
    sizes : ComponentSizes, optional
        Component sizes for component metrics given by name; 0 / 0 by default.

    Raises
    ------
    InputError
        An unknown name; `InputTypeError` for what is no metric.

    Examples
    --------
    >>> as_metric("f1")
    F1()
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        if metric in COUNT_METRICS:
            return COUNT_METRICS[metric]
        if metric in COMPONENT_METRICS:
            sizes = sizes or ComponentSizes()
            return COMPONENT_METRICS[metric](sizes.min_prediction, sizes.min_target)
        names = ", ".join([*COUNT_METRICS, *COMPONENT_METRICS])
        raise InputError(f"metric: expected one of {names}, or a callable, found {metric!r}")
    if isinstance(metric, type) and issubclass(metric, Metric):
        try:
            return metric()
        except TypeError as error:
            raise InputTypeError(
                f"metric: expected an object of {metric.__name__}: {error}"
            ) from None
    if callable(metric):
        return MaskMetric(metric)
    raise InputTypeError(
        f"metric: expected a name, a Metric or a callable, found {type(metric).__name__}"
    )
