"""A metric on arrays: `threshold_curve` and `mdm`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, overload

from mdmkit.core.arguments import as_bytes, as_choice, check_kind
from mdmkit.core.distribution import Distribution, mean_where_defined
from mdmkit.core.errors import InputError, NoTargetError
from mdmkit.core.frame import Frame
from mdmkit.core.frame_streams import in_memory
from mdmkit.core.given import given_frames, is_number
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.core.margin import Margin, are_several, check_t_margin, trivial_level
from mdmkit.evaluation.closer_looks import closer_curve
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.gathering import check_aggregate
from mdmkit.evaluation.threads import OneByOne
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.mask_metrics import MaskMetric
from mdmkit.metrics.measures import MarginAt
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import CountMetric
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.accumulator import DEFAULT_MEMORY, Accumulator
from mdmkit.statistics.bounded import deciding_counts
from mdmkit.statistics.kinds import MaskStatistic, PixelStatistic, Statistic
from mdmkit.statistics.normalizers import Normalizer, Unchanged, as_normalizer
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.totals import Totals, check_valid

if TYPE_CHECKING:
    from typing_extensions import Unpack

MetricLike = str | Metric | type[Metric] | Callable[..., Any]


def threshold_curve(
    scores: object,
    target: object = None,
    metric: MetricLike = "f1",
    *,
    ignore: object = None,
    anomaly_label: Labels = 1,
    normal_label: Labels = 0,
    ignore_index: Labels = 255,
    normalize: str | None = "none",
    invert: bool = False,
    memory: int = DEFAULT_MEMORY,
    resolution: str | None = None,
) -> ThresholdCurve:
    """Compute d(A > z, B) as a step function of the threshold z in [0, 1].

    Parameters
    ----------
    scores : array_like or iterable of array_like
        One score map (H, W), a stack (N, H, W) or (N, 1, H, W), a list of differently sized
        maps, or an iterator of any of these. float16, float32 or float64 in [0, 1]; unsigned
        integers mean value / maximum. numpy, torch (any device), anything with `__array__`.
    target : array_like of int or bool, or iterable of them, optional
        Ground truth labels, alike in structure. Without it `scores` are frames, as in `evaluate`.
    metric : str, Metric, or callable
        "f1", "iou", "precision", "recall" (pixels of all frames as one set); "siou", "ppv",
        "mean_f1" (components of all frames as one set; nothing dropped for size); an object
        such as `FBeta(2)` or `SIoU(min_prediction=500, min_target=100)`; a function made by
        `count_metric`; or any `d(prediction, target) -> float` on bool masks.
    ignore : array_like of bool, optional
        Further pixels to ignore, alike in structure. Ignored pixels may hold any score.
    anomaly_label, normal_label, ignore_index : int, collection of int, or None
        Label values of `target`; any other value is an error.
    normalize : {"none", "minmax", "sigmoid", "rank"}
        Order-preserving map of unbounded scores to [0, 1].
    invert : bool
        Higher scores mean normal: 1 - score is judged.
    memory : int
        Bytes that the statistics may take. Beyond it scores fall into bins, with bounds within
        each bin (`low`, `high`).
    resolution : {None, "all"}
        None: the curve of a component metric over arrays or lists with many distinct scores has
        4,096 steps with bounds, keeps the arrays, and looks at them again for each value that is
        read and each margin that is asked for, which are exact. "all": every distinct score is
        recorded at once, which takes 20 times as long.

    Returns
    -------
    ThresholdCurve
        Exact at every distinct score within that memory (an arbitrary callable: see
        `MaskMetric`).

    Raises
    ------
    InputError
        NaN or infinite scores at valid pixels, scores outside [0, 1] without a normaliser,
        unequal shapes, unknown labels, or nothing to detect; `InputTypeError` for unfit dtypes.

    Notes
    -----
    The prediction at z is A > z, strictly, compared in exact arithmetic. Counts cost one sort,
    O(P log P) for P pixels; components one union-find pass more; a callable up to 1,001 calls a
    frame. Ackermann, Sakaridis, Yu (BMVC 2023) for d and z; Chan et al. (2021) for sIoU.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.25, 0.5, 0.75]], [[0, 1, 1]])
    >>> curve(0.3), curve(0.6)
    (1.0, 0.6666666666666666)
    """
    codes = LabelCodes(normal_label, anomaly_label, ignore_index)
    chosen = as_metric(metric)
    kind = as_normalizer(normalize)
    as_choice(resolution, (None, "all"), "resolution")
    memory = as_bytes(memory)
    check_kind(invert, (bool,), "invert")
    frames = given_frames(scores, target, ignore, codes=codes, invert=invert)
    if resolution is None and all(map(in_memory, (scores, target, ignore))):
        curve = _closer_curve(frames, chosen, kind)
        if curve is not None:
            return curve
    every_score = isinstance(chosen, CountMetric)
    return sweep_frames(frames, _statistics_of(chosen), kind, memory, every_score).curve(chosen)


class MarginOptions(TypedDict, total=False):
    """The options of `mdm`."""

    ignore: object
    anomaly_label: Labels
    normal_label: Labels
    ignore_index: Labels
    normalize: str | None
    invert: bool
    aggregate: str
    memory: int


@overload
def mdm(
    scores: object,
    target: object = ...,
    t_margin: float = ...,
    metric: MetricLike = ...,
    **options: Unpack[MarginOptions],
) -> Margin: ...
@overload
def mdm(
    scores: object,
    target: object,
    t_margin: Sequence[float],
    metric: MetricLike = ...,
    **options: Unpack[MarginOptions],
) -> tuple[Margin, ...]: ...
def mdm(
    scores: object,
    target: object = None,
    t_margin: float | Sequence[float] | None = None,
    metric: MetricLike = "f1",
    *,
    ignore: object = None,
    anomaly_label: Labels = 1,
    normal_label: Labels = 0,
    ignore_index: Labels = 255,
    normalize: str | None = "none",
    invert: bool = False,
    aggregate: str = "pooled",
    memory: int = DEFAULT_MEMORY,
) -> Margin | tuple[Margin, ...]:
    """Compute the Maximal Detection Margin: the widest range in which a metric exceeds T.

    MDM_d^T(A, B) = max of y - x over 0 <= x < y <= 1 such that d(A > z, B) > T for all z in [x, y].

    Parameters
    ----------
    scores, target, metric, ignore, anomaly_label, normal_label, ignore_index, normalize, invert
        As in `threshold_curve`.
    t_margin : float or sequence of float
        The required quality T, in [0, 1). It has no default: MDM without its T says nothing.
    aggregate : {"pooled", "per_image"}
        "pooled": one curve for all frames. "per_image": the mean over the images where the
        margin is defined (those with something to detect), without an interval.
    memory : int
        Bytes that the statistics may take; beyond it the margin may carry a bracket.

    Returns
    -------
    Margin, or a tuple of them in the order of `t_margin`
        `float(margin)` is its value; `margin.threshold` the recommended threshold. The value is
        0.0, without interval and threshold, where the metric never exceeds T.

    Raises
    ------
    InputError
        As `threshold_curve`; and for a T outside [0, 1).

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation, BMVC 2023.

    Examples
    --------
    >>> from mdmkit import mdm
    >>> m = mdm([[0.125, 0.25, 0.75]], [[0, 0, 1]], t_margin=0.5)
    >>> float(m), m.interval, m.threshold
    (0.625, (0.125, 0.75), 0.4375)
    """
    if t_margin is None and is_number(target):  # mdm(pairs, 0.5)
        target, t_margin = None, target
    several = are_several(t_margin)
    asked = [check_t_margin(t) for t in (t_margin if several else [t_margin])]  # type: ignore
    if not asked:
        raise InputError("expected at least one number in [0, 1), found none", argument="t_margin")
    check_aggregate(aggregate)
    memory = as_bytes(memory)
    codes = LabelCodes(normal_label, anomaly_label, ignore_index)
    chosen = as_metric(metric)
    kind = as_normalizer(normalize)

    check_kind(invert, (bool,), "invert")

    def frames() -> Iterable[Frame]:
        return given_frames(scores, target, ignore, codes=codes, invert=invert)

    if aggregate == "per_image":
        margins = _margins_per_image(frames(), asked, chosen, kind)
    else:
        again = all(map(in_memory, (scores, target, ignore)))
        curve = _quick_curve(frames, asked, chosen, kind) if again else None
        if curve is not None:
            margins = curve.margin(asked)
        elif isinstance(chosen, MaskMetric):
            sweeps = sweep_frames(frames(), _statistics_of(chosen), kind, memory)
            margins = sweeps.curve(chosen).margin(asked)
        else:
            measures = [MarginAt(chosen, t) for t in asked]
            evaluation = Evaluation(measures, normalize=kind.name, memory=memory)
            evaluation.run(OneByOne(frames), again)
            margins = tuple(evaluation.margin(chosen, t) for t in asked)
    return margins if several else margins[0]


def _statistics_of(metric: Metric) -> tuple[Any, ...]:
    return tuple(dict.fromkeys([PixelStatistic(), metric.statistic]))


def _quick_curve(
    frames: Callable[[], Iterable[Frame]],
    t_margins: Sequence[float],
    metric: Metric,
    kind: type[Normalizer],
) -> ThresholdCurve | None:
    """A curve with the exact margins at `t_margins`, and perhaps nowhere else.

    From bounds on counts or components; None where it takes a full sweep, or, for counts, where
    there is something to refuse. `frames` may be called again.
    """
    if kind is not Unchanged:
        return None
    if isinstance(metric, CountMetric) and metric.monotone:
        counts = deciding_counts(frames, metric.between, t_margins)
        return None if counts is None else metric.curve(counts)
    return _closer_curve(frames(), metric, kind)


def _closer_curve(
    frames: Iterable[Frame], metric: Metric, kind: type[Normalizer]
) -> ThresholdCurve | None:
    """A curve that looks closer where it is read, for metrics whose bounds are known."""
    if not isinstance(metric, ComponentMetric) or type(metric).bounds is Metric.bounds:
        return None
    return closer_curve(frames, metric) if kind is Unchanged else None


def _margins_per_image(
    frames: Iterable[Frame],
    t_margins: Sequence[float],
    metric: Metric,
    kind: type[Normalizer],
) -> tuple[Margin, ...]:
    fitted = None
    if kind.needs_fit:
        frames = list(_checked(frames))
        fitted = sweep_frames(frames, [PixelStatistic()], kind).normalizer
    curves: list[ThresholdCurve] = []
    empty: list[NoTargetError] = []
    for frame in frames:
        try:
            curve = _quick_curve(partial(list, [frame]), t_margins, metric, kind)
            if curve is None:
                sweeps = Totals.of(frame, _statistics_of(metric), fitted)
                curve = NormalizedTotals.of(sweeps, fitted or kind).curve(metric)
            curves.append(curve)
        except NoTargetError as error:
            empty.append(error)
    if not curves:
        raise empty[-1]
    return tuple(_mean_margin(curves, t, len(empty)) for t in t_margins)


def _checked(frames: Iterable[Frame]) -> Iterator[Frame]:
    for frame in frames:
        frame.check()
        yield frame


def _mean_margin(curves: Sequence[ThresholdCurve], t_margin: float, undefined: int) -> Margin:
    images = [curve.margin(t_margin) for curve in curves]
    ends = zip(*(curve.ends for curve in curves if curve.ends is not None), strict=True)
    constant = tuple(mean_where_defined(values) for values in ends)
    values = tuple(margin.value for margin in images)
    value = mean_where_defined(values)
    resolutions = [margin.resolution for margin in images if margin.resolution is not None]
    first = images[0]
    return Margin(
        value=value,
        t_margin=first.t_margin,
        metric=first.metric,
        bracket=None if resolutions else (value, value),
        min_prediction=first.min_prediction,
        min_target=first.min_target,
        resolution=max(resolutions, default=None),
        aggregate="per_image",
        images=replace(Distribution.of(values), values=values, undefined=undefined),
        trivial=trivial_level(constant),
    )


def sweep_frames(
    frames: Iterable[Frame],
    statistics: Sequence[Statistic],
    kind: type[Normalizer],
    memory: int = DEFAULT_MEMORY,
    every_score: bool = False,
) -> NormalizedTotals:
    """Count frames one after the other, and normalise the totals.

    Callables on masks need the normaliser's constants beforehand: the frames are then held.
    """
    fitted = None if kind.needs_fit else kind.fitted(PixelCounts.none())
    if fitted is None and any(isinstance(statistic, MaskStatistic) for statistic in statistics):
        frames = list(frames)
        fitted = sweep_frames(frames, [PixelStatistic()], kind).normalizer
    accumulator = Accumulator(memory, every_score=every_score)
    for frame in frames:
        accumulator.add(Totals.of(frame, statistics, fitted))
    total = accumulator.total()
    check_valid(total.pixels)
    return NormalizedTotals.of(total, fitted or kind)
