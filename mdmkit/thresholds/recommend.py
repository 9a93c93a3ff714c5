"""choose_thresholds(): a threshold for each of several methods, and what it gives elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mdmkit.core.arguments import as_integer, check_options
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.margin import check_t_margin
from mdmkit.core.records import Json
from mdmkit.datasets import DataSet
from mdmkit.evaluation.arrays import MetricLike
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.frame_set import FRAME_OPTIONS, FrameOptions, FrameSet
from mdmkit.evaluation.methods import Progresses, normalizers
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.thresholds.certify import Certification, as_certification, check_certifiable
from mdmkit.thresholds.required_table import RequiredThresholds
from mdmkit.thresholds.requirements import Requirements, parse_requirements
from mdmkit.thresholds.result import Thresholds
from mdmkit.thresholds.several import InMargin, UnderRequirements, choose_each
from mdmkit.uncertainty.resampling import check_resampling

if TYPE_CHECKING:
    from typing_extensions import Unpack


@overload
def choose_thresholds(
    methods: Mapping[str, object],
    target: str | Path | None = ...,
    t_margin: float | None = ...,
    metric: MetricLike = ...,
    *,
    require: None = ...,
    on: Mapping[str, object] | None = ...,
    on_target: str | Path | None = ...,
    on_dataset: str | DataSet | None = ...,
    normalize: str | Mapping[str, str] | None = ...,
    memory: int = ...,
    jobs: int = ...,
    progress: Progresses | None = ...,
    **frames: Unpack[FrameOptions],
) -> Thresholds: ...
@overload
def choose_thresholds(
    methods: Mapping[str, object],
    target: str | Path | None = ...,
    *,
    require: Requirements,
    certify: float | str | Certification | None = ...,
    replicates: int = ...,
    on: Mapping[str, object] | None = ...,
    on_target: str | Path | None = ...,
    on_dataset: str | DataSet | None = ...,
    normalize: str | Mapping[str, str] | None = ...,
    memory: int = ...,
    jobs: int = ...,
    progress: Progresses | None = ...,
    **frames: Unpack[FrameOptions],
) -> RequiredThresholds: ...
def choose_thresholds(
    methods: Mapping[str, object],
    target: str | Path | None = None,
    t_margin: float | None = None,
    metric: MetricLike = "f1",
    *,
    require: Requirements | None = None,
    certify: float | str | Certification | None = None,
    replicates: int = 0,
    on: Mapping[str, object] | None = None,
    on_target: str | Path | None = None,
    on_dataset: str | DataSet | None = None,
    normalize: str | Mapping[str, str] | None = "none",
    memory: int = DEFAULT_MEMORY,
    jobs: int = 1,
    progress: Progresses | None = None,
    **frames: Unpack[FrameOptions],
) -> Thresholds | RequiredThresholds:
    """Recommend a threshold for each method, and apply it to a second set of frames.

    Parameters
    ----------
    methods, target, normalize, jobs, memory
        The first set, as in `compare`: folders with `target` or `dataset`, or frames.
    t_margin : float in [0, 1)
        The required quality T of `metric`: the middle of the margin is recommended.
    metric : str or Metric
        d: a metric of counts or components.
    require : str, Requirement, (metric, operator, limit), or list of these
        Instead of `t_margin` and `metric`; see `recommend_threshold`.
    certify : float, "next-frame" or Certification, optional
        As in `recommend_threshold`, with `require`.
    replicates : int
        Resampled sets of frames for error bars, with `require`; 0 for none.
    on, on_target, on_dataset : optional
        The second set, with the same methods.
    progress : callable, optional
        `progress(title, frames)` returns a function that is called after each frame of two passes.
    **frames
        Which frames, and what they are judged by; see `FrameSet.of`. Labels, `missing`, `key`,
        `score_ending`, `resize` and `invert` are meant for both sets (unless given, labels are
        those of each set's data set); component sizes and `aggregate` of the first one judge both.
        `normal=True`: score maps of frames without any anomaly, which need no ground truth.

    Returns
    -------
    Thresholds, or RequiredThresholds where requirements are given

    Raises
    ------
    NoMarginError
        If no method has a margin at T, or none can meet the requirements.
    InputError
        As `compare`; a second set of other methods.

    Examples
    --------
    >>> from mdmkit import choose_thresholds
    >>> first = {"mine": [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]}
    >>> second = {"mine": [([[0.3, 0.6, 0.7]], [[0, 0, 1]])]}
    >>> found = choose_thresholds(first, t_margin=0.7, on=second)
    >>> found["mine"].margin.interval, found.transfers["mine"].holds
    ((0.2, 0.9), False)
    >>> normal = {"mine": [[[0.1, 0.2, 0.3]], [[0.2, 0.2, 0.4]]]}
    >>> found = choose_thresholds(normal, require="alarm_frames < 0.5", on=second, normal=True)
    >>> found["mine"].threshold, found.transfers["mine"].point.recall
    (0.4, 1.0)
    """
    as_integer(replicates, "replicates", 0)
    check_options(choose_thresholds, frames, FRAME_OPTIONS)
    if (t_margin is None) == (require is None):
        found = "neither" if require is None else "both"
        raise InputTypeError(
            f"expected a number in [0, 1) or require, found {found}", argument="t_margin"
        )
    _check_numbers(frames, require is None)
    _check_second(methods, on, on_target is not None or on_dataset is not None)
    first = FrameSet.of(methods, target, **frames)
    second = None if on is None else _second(on, on_target, on_dataset, frames)
    kinds = normalizers(normalize, methods)
    sizes, jobs = first.choice.sizes, check_jobs(jobs)
    settings: Json = {
        "first": first.where,
        "second": second and second.where,
        "normalize": kinds,
        "min_prediction": sizes.min_prediction,
        "min_target": sizes.min_target,
        "comparison": "score > z",
        "positive_class": "anomaly",
        "invert": sorted(first.inverted),
        "left_out": len(first.left_out) + (len(second.left_out) if second else 0),
    }
    if require is None:
        if certify is not None or replicates:
            given = "certify" if certify is not None else "replicates"
            raise InputError("expected it with `require`, found `t_margin`", argument=given)
        t = check_t_margin(t_margin)
        chosen = as_metric(metric, sizes)
        margins = choose_each(InMargin(chosen, t, memory, jobs), first, second, kinds, progress)
        settings |= {"metric": chosen.name, "t_margin": t, "aggregate": "pooled"}
        settings |= margins.remarked(first, second)
        return Thresholds(tuple(methods), **vars(margins), settings=settings)
    aggregate = first.choice.aggregate
    requirements = parse_requirements(require, sizes, aggregate)
    how = as_certification(certify)
    check_certifiable(requirements, how)
    check_resampling(max(replicates, 1), 0)
    if replicates:
        _check_several(first, second)
    chooser = UnderRequirements(
        requirements, sizes, how, memory, jobs, replicates, inverted=first.inverted
    )
    settings |= {
        "require": ", ".join(map(str, requirements)),
        "aggregate": aggregate,
        "confidence": how and how.confidence,
    }
    thresholds = choose_each(chooser, first, second, kinds, progress)
    settings |= thresholds.remarked(first, second)
    return RequiredThresholds(tuple(methods), **vars(thresholds), settings=settings)


#: Options of frames that a second set does not have.
_OF_THE_FIRST = ("dataset", "min_prediction", "min_target", "aggregate", "normal")


def _second(
    on: Mapping[str, object],
    target: str | Path | None,
    dataset: str | DataSet | None,
    frames: FrameOptions,
) -> FrameSet:
    """The second set, whose sizes are those of the first one."""
    shared: Any = {k: v for k, v in frames.items() if k not in _OF_THE_FIRST}
    return FrameSet.of(on, target, argument="on_target", **{**shared, "dataset": dataset})


def _check_several(*sets: FrameSet | None) -> None:
    """Refuse to resample a single frame."""
    for frames in sets:
        if frames is not None and len(next(iter(frames.loads.values()))) < 2:
            raise InputError(
                "expected at least 2 frames to resample, found 1", argument="replicates"
            )


def _check_numbers(frames: FrameOptions, margin: bool) -> None:
    """Refuse options of other numbers than those that a threshold is chosen by."""
    for name in ("by", "image_score", *(("aggregate",) if margin else ())):
        if frames.get(name) not in (None, (), "pooled"):
            found = f"found {frames.get(name)!r}"
            if name == "aggregate":
                raise InputError(
                    f"expected 'pooled' with t_margin, {found}; requirements can be means over "
                    "images",
                    argument=name,
                )
            raise InputError(f"expected none of a threshold, {found}", argument=name)


def _check_second(methods: Mapping[str, object], on: object, has_truth: bool) -> None:
    """The second set has the methods of the first one."""
    if on is None:
        if has_truth:
            raise InputError(
                "expected the methods' score maps of the second set, found only its masks; "
                f"name them: --on {' '.join(f'{name}=FOLDER' for name in methods)}",
                argument="on",
            )
        return
    if not isinstance(on, Mapping) or set(on) != set(methods):
        found = ", ".join(on) if isinstance(on, Mapping) else repr(on)
        raise InputError(f"expected the methods {', '.join(methods)}, found {found}", argument="on")
