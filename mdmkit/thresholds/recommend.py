"""choose_thresholds(): a threshold for each of several methods, and what it gives elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mdmkit.core.errors import InputError, InputTypeError, NoMarginError
from mdmkit.core.margin import check_t_margin
from mdmkit.datasets import DataSet
from mdmkit.evaluation.arrays import MetricLike
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.frame_set import FrameOptions, FrameSet
from mdmkit.evaluation.methods import normalizers
from mdmkit.evaluation.sources import Progress
from mdmkit.evaluation.threads import Load
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.thresholds.result import Thresholds
from mdmkit.thresholds.transfer import Recommendation, Transfer, apply, recommend

if TYPE_CHECKING:
    from typing_extensions import Unpack


def choose_thresholds(
    methods: Mapping[str, Any],
    target: str | Path | None = None,
    t_margin: float | None = None,
    metric: MetricLike = "f1",
    *,
    on: Mapping[str, Any] | None = None,
    on_target: str | Path | None = None,
    on_dataset: str | DataSet | None = None,
    normalize: str | Mapping[str, str] | None = "none",
    jobs: int = 1,
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[str, int], Progress] | None = None,
    **frames: Unpack[FrameOptions],
) -> Thresholds:
    """Recommend a threshold for each method, and see what it gives on a second set of frames.

    Parameters
    ----------
    methods, target, normalize, jobs, memory
        The first set, as in `compare`: folders with `target` or `dataset`, or frames.
    t_margin : float in [0, 1)
        The required quality T.
    metric : str or Metric
        d: a metric of counts or components.
    on, on_target, on_dataset : optional
        The second set, with the same methods.
    progress : callable, optional
        `progress(title, frames)` returns a function that is called after each frame of two passes.
    **frames
        Which frames, and what they are judged by, as in `compare`: `dataset`, of the first set;
        `min_prediction`, `min_target`, of both sets, unless given those of the first one's data
        set, else 0; `anomaly_label`, `normal_label`, `ignore_index`, unless given those of each
        set's data set; `missing`, `key`, `score_ending`, `resize`, `invert`, of both sets.

    Returns
    -------
    Thresholds

    Raises
    ------
    NoMarginError
        If no method has a margin at T.
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
    """
    if not isinstance(methods, Mapping) or not methods:
        raise InputTypeError(f"expected a mapping of names, found {methods!r}", argument="methods")
    if t_margin is None:
        raise InputTypeError("expected a number in [0, 1), found none", argument="t_margin")
    t = check_t_margin(t_margin)
    _check_second(methods, on, on_target is not None or on_dataset is not None)
    _check_pooled(frames)
    first = FrameSet.of(methods, target, **frames)
    second = None
    if on is not None:
        others = {k: v for k, v in dict[str, Any](frames).items() if k not in _OF_THE_FIRST}
        second = FrameSet.of(on, on_target, argument="on_target", dataset=on_dataset, **others)
    sizes = first.choice.sizes
    chosen = as_metric(metric, sizes)
    kinds = normalizers(normalize, methods)
    work = {"memory": memory, "jobs": check_jobs(jobs)}
    found: dict[str, Recommendation] = {}
    transfers: dict[str, Transfer] = {}
    without: dict[str, str] = {}
    for name in methods:
        try:
            found[name] = recommend(
                first.loads[name], chosen, t, normalize=kinds[name], method=name,
                progress=_bar(progress, name, first.loads[name]), **work,
            )  # fmt: skip
            if second is not None:
                loads = second.loads[name]
                ticks = _bar(progress, f"{name}: second set", loads)
                transfers[name] = apply(found[name], loads, progress=ticks, **work)
        except NoMarginError as error:
            without[name] = str(error)
        except InputError as error:
            raise type(error)(f"{name}: {error}") from error
    if not found:
        raise NoMarginError("\n".join(f"{name}: {why}" for name, why in without.items()))
    settings = {
        "metric": chosen.name,
        "t_margin": t,
        "first": first.where,
        "second": second and second.where,
        "normalize": kinds,
        "min_prediction": sizes.min_prediction,
        "min_target": sizes.min_target,
        "aggregate": "pooled",
        "comparison": "score > z",
        "positive_class": "anomaly",
        "invert": sorted(first.inverted),
        "left_out": len(first.left_out) + (len(second.left_out) if second else 0),
    }
    return Thresholds(tuple(methods), found, transfers, without, settings)


#: Options of frames that a second set does not have.
_OF_THE_FIRST = ("dataset", "min_prediction", "min_target")


def _check_pooled(frames: FrameOptions) -> None:
    """Refuse options of other numbers than that of one metric, of all frames pooled."""
    for name in ("aggregate", "by", "image_score"):
        if name in frames:
            raise InputError("expected none of a threshold, found one", argument=name)


def _bar(
    progress: Callable[[str, int], Progress] | None, title: str, loads: Sequence[Load]
) -> Progress:
    return progress(title, 2 * len(loads)) if progress else (lambda: None)


def _check_second(methods: Mapping[str, Any], on: Any, has_truth: bool) -> None:
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
