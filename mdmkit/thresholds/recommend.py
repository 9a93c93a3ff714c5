"""choose_thresholds(): a threshold for each of several methods, and what it gives elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdmkit.core.errors import InputError, InputTypeError, NoMarginError
from mdmkit.core.labels import Labels
from mdmkit.core.margin import check_t_margin
from mdmkit.datasets import Choice, DataSet, choose, open_dataset, pair
from mdmkit.datasets.choice import USUAL, Usual
from mdmkit.evaluation.arrays import MetricLike
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.methods import check_given, is_folder, loads_of, loads_of_arrays, normalizers
from mdmkit.evaluation.sources import Progress
from mdmkit.evaluation.threads import Load
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.thresholds.result import Thresholds
from mdmkit.thresholds.transfer import Recommendation, Transfer, apply, recommend


def choose_thresholds(
    methods: Mapping[str, Any],
    target: str | Path | None = None,
    t_margin: float | None = None,
    metric: MetricLike = "f1",
    *,
    on: Mapping[str, Any] | None = None,
    on_target: str | Path | None = None,
    dataset: str | DataSet | None = None,
    on_dataset: str | DataSet | None = None,
    min_prediction: int | None = None,
    min_target: int | None = None,
    normalize: str | Mapping[str, str] | None = "none",
    anomaly_label: Labels | Usual = USUAL,
    normal_label: Labels | Usual = USUAL,
    ignore_index: Labels | Usual = USUAL,
    missing: str = "error",
    jobs: int = 1,
    key: str | None = None,
    memory: int = DEFAULT_MEMORY,
    progress: Callable[[str, int], Progress] | None = None,
) -> Thresholds:
    """Recommend a threshold for each method, and see what it gives on a second set of frames.

    Parameters
    ----------
    methods, target, dataset, normalize, missing, jobs, key, memory
        The first set, as in `compare`: folders with `target` or `dataset`, or frames.
    t_margin : float in [0, 1)
        The required quality T.
    metric : str or Metric
        d: a metric of counts or components.
    on, on_target, on_dataset : optional
        The second set, with the same methods.
    min_prediction, min_target : int, optional
        Component sizes, of both sets; unless given, those of the first one's data set, else 0.
    anomaly_label, normal_label, ignore_index : optional
        Label values; unless given, those of each set's data set, else 1, 0 and 255.
    progress : callable, optional
        `progress(title, frames)` returns a function that is called after each frame of two passes.

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
    labels = {"anomaly_label": anomaly_label, "normal_label": normal_label,
              "ignore_index": ignore_index}  # fmt: skip
    first = _FrameSet.of(
        "target", methods, target, dataset, labels, missing, key, min_prediction, min_target
    )
    second = None
    if on is not None:
        second = _FrameSet.of("on-target", on, on_target, on_dataset, labels, missing, key)
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
        "metric": chosen.name, "t_margin": t, "first": first.where,
        "second": second and second.where, "normalize": kinds,
        "min_prediction": sizes.min_prediction, "min_target": sizes.min_target,
        "aggregate": "pooled", "comparison": "score > z", "positive_class": "anomaly",
        "left_out": first.left_out + (second.left_out if second else 0),
    }  # fmt: skip
    return Thresholds(tuple(methods), found, transfers, without, settings)


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


@dataclass(frozen=True)
class _FrameSet:
    """Frames of every method, and how they are judged."""

    loads: Mapping[str, Sequence[Load]]
    choice: Choice
    where: str
    left_out: int

    @classmethod
    def of(
        cls, argument: str, methods: Mapping[str, Any], target: Any,
        dataset: str | DataSet | None, labels: dict[str, Any], missing: str, key: str | None,
        min_prediction: int | None = None, min_target: int | None = None,
    ) -> _FrameSet:  # fmt: skip
        if target is not None and dataset is not None:
            raise InputError(
                f"expected it or a data set, found both, of {dataset}", argument=argument
            )
        judged = None if dataset is None else open_dataset(dataset)
        choice = choose(
            judged, **labels, min_prediction=min_prediction, min_target=min_target,
        )  # fmt: skip
        truth = judged if judged is not None else target
        check_given(methods, truth, argument)
        if not is_folder(truth):
            return cls(loads_of_arrays(methods, truth, choice.codes), choice, "arrays", 0)
        pairing = pair(methods, truth, missing)
        where = str(target)
        if judged is not None:
            where = f"{judged.name}:{judged.root}" if judged.name else str(judged.root)
        return cls(loads_of(pairing, choice.codes, key), choice, where, len(pairing.left_out))
