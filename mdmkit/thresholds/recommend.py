"""choose_thresholds(): a threshold for each of several methods, and what it gives elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mdmkit.core.arguments import as_integer, check_options
from mdmkit.core.errors import InputError
from mdmkit.core.margin import check_t_margin
from mdmkit.core.progress import Bar
from mdmkit.core.records import Json
from mdmkit.datasets import DataSet
from mdmkit.evaluation.arrays import MetricLike
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.frame_set import FRAME_OPTIONS, FrameOptions, FrameSet
from mdmkit.evaluation.methods import normalizers
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.thresholds.certify import Certification
from mdmkit.thresholds.required_table import RequiredThresholds
from mdmkit.thresholds.requirements import Requirements
from mdmkit.thresholds.result import Thresholds
from mdmkit.thresholds.several import (
    InMargin,
    check_one_way,
    choose_each,
    counted,
    under_requirements,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack


class ChoosingOptions(FrameOptions, total=False):
    """Options of `choose_thresholds`, however a threshold is chosen."""

    on: Mapping[str, object] | None
    on_target: str | Path | None
    on_dataset: str | DataSet | None
    normalize: str | Mapping[str, str] | None
    memory: int
    jobs: int
    progress: Bar | None


@overload
def choose_thresholds(
    methods: Mapping[str, object],
    target: str | Path | None = ...,
    t_margin: float | None = ...,
    metric: MetricLike = ...,
    *,
    require: None = ...,
    **options: Unpack[ChoosingOptions],
) -> Thresholds: ...
@overload
def choose_thresholds(
    methods: Mapping[str, object],
    target: str | Path | None = ...,
    *,
    require: Requirements,
    certify: float | str | Certification | None = ...,
    replicates: int = ...,
    counts: str | Path | None = ...,
    overwrite: bool = ...,
    **options: Unpack[ChoosingOptions],
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
    counts: str | Path | None = None,
    overwrite: bool = False,
    **options: Unpack[ChoosingOptions],
) -> Thresholds | RequiredThresholds:
    """Recommend a threshold for each method, and apply it to a second set of frames.

    Parameters
    ----------
    methods, target
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
    counts : path, optional
        An HDF5 file of the frames' counts, as `bootstrap` keeps it, with `require`: made where it
        does not exist, else used instead of the frames of the first set. Between its thresholds
        measures are known by bounds: what holds and is certified does so at every score.
    overwrite : bool
        Make `counts` anew where they do not fit, instead of refusing them.
    **options
        `on`, `on_target`, `on_dataset`: the second set, with the same methods. `normalize`,
        `jobs`, `memory` as in `compare`. `progress(title, frames)` returns a function that is
        called after each frame of two passes.
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
    check_options(choose_thresholds, options, ChoosingOptions.__annotations__)
    check_one_way(t_margin, require, certify=certify, replicates=replicates or None, counts=counts)
    frames: Any = {name: value for name, value in options.items() if name in FRAME_OPTIONS}
    how: Any = {
        "memory": options.get("memory", DEFAULT_MEMORY),
        "jobs": check_jobs(options.get("jobs", 1)),
        "progress": options.get("progress"),
    }
    _check_numbers(frames, require is None)
    _check_second(methods, options)
    first = FrameSet.of(methods, target, **frames)
    second = None if options.get("on") is None else _second(options, frames)
    kinds = normalizers(options.get("normalize"), methods)
    settings = _settings(first, second, kinds)
    if require is None:
        t = check_t_margin(t_margin)
        chosen = as_metric(metric, first.choice.sizes)
        found = choose_each(InMargin(chosen, t), first, second, kinds, **how)
        settings |= {"metric": chosen.name, "t_margin": t, "aggregate": "pooled"}
        settings |= found.remarked(first, second)
        return Thresholds(tuple(methods), **vars(found), settings=settings)
    chooser = under_requirements(require, certify, first, replicates)
    if replicates:
        _check_several(first, second)
    settings |= {
        "require": ", ".join(map(str, chooser.requirements)),
        "aggregate": first.choice.aggregate,
        "confidence": chooser.how and chooser.how.confidence,
        "counts": None if counts is None else str(counts),
    }
    with counted(chooser, first, kinds, counts, overwrite, **how) as ready:
        required = choose_each(ready, first, second, kinds, **how)
    settings |= required.remarked(first, second)
    return RequiredThresholds(tuple(methods), **vars(required), settings=settings)


def _settings(first: FrameSet, second: FrameSet | None, kinds: Mapping[str, str]) -> Json:
    """What was asked for, whatever the way to choose."""
    settings: Json = {
        "first": first.where,
        "second": second and second.where,
        "normalize": kinds,
        "min_prediction": first.choice.sizes.min_prediction,
        "min_target": first.choice.sizes.min_target,
        "comparison": "score > z",
        "positive_class": "anomaly",
        "invert": sorted(first.inverted),
        "left_out": len(first.left_out) + (len(second.left_out) if second else 0),
    }
    return settings


#: Options of frames that a second set does not have.
_OF_THE_FIRST = ("dataset", "min_prediction", "min_target", "aggregate", "normal")


def _second(options: ChoosingOptions, frames: FrameOptions) -> FrameSet:
    """The second set, whose sizes are those of the first one."""
    shared: Any = {k: v for k, v in frames.items() if k not in _OF_THE_FIRST}
    shared["dataset"] = options.get("on_dataset")
    on: Any = options.get("on")
    return FrameSet.of(on, options.get("on_target"), argument="on_target", **shared)


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
        asked = frames.get(name)
        if asked is not None and not (isinstance(asked, (str, tuple)) and asked in ((), "pooled")):
            found = f"found {frames.get(name)!r}"
            if name == "aggregate":
                raise InputError(
                    f"expected 'pooled' with t_margin, {found}; requirements can be means over "
                    "images",
                    argument=name,
                )
            raise InputError(f"expected none of a threshold, {found}", argument=name)


def _check_second(methods: Mapping[str, object], options: ChoosingOptions) -> None:
    """The second set has the methods of the first one."""
    on = options.get("on")
    if on is None:
        if options.get("on_target") is not None or options.get("on_dataset") is not None:
            raise InputError(
                "expected the methods' score maps of the second set, found only its masks; "
                f"name them: --on {' '.join(f'{name}=FOLDER' for name in methods)}",
                argument="on",
            )
        return
    if not isinstance(on, Mapping) or set(on) != set(methods):
        found = ", ".join(on) if isinstance(on, Mapping) else repr(on)
        raise InputError(f"expected the methods {', '.join(methods)}, found {found}", argument="on")
