"""Names of measures, and the measures they stand for.

`ap`, `auroc`, `fpr95`, `best_f1`; `siou_gt`, `ppv`, `mean_f1` at the best-F1 prediction;
`fpr@tpr=0.9`; `METRIC@z=0.5` at a fixed threshold; `mdm_METRIC@0.5` the margin at T = 0.5;
`NAME@band=5` a measure of pixels within 5 pixels of ground-truth borders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, KeysView
from difflib import get_close_matches
from itertools import chain
from typing import Any

import numpy as np

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import COMPONENT_METRICS, ComponentMetric
from mdmkit.metrics.measures import (
    AtBestF1,
    AtThreshold,
    BestF1Measure,
    FprAtThreshold,
    FprAtTpr,
    MarginAt,
    Measure,
    Ranking,
    _as_measure,
)
from mdmkit.metrics.pixel_metrics import COUNT_METRICS
from mdmkit.metrics.registry import as_metric

AT_BEST_F1 = {"siou_gt": "siou", "ppv": "ppv", "mean_f1": "mean_f1"}
NAMES = ("ap", "auroc", "fpr95", "best_f1", *AT_BEST_F1)
MDM_METRICS = (*COUNT_METRICS, *COMPONENT_METRICS)
#: Every name above, and the margins of pixel F1 and the two component metrics at two T.
DEFAULT_NAMES = (
    *NAMES,
    *(f"mdm_{metric}@{t}" for t in (0.5, 0.7) for metric in ("f1", "siou", "mean_f1")),
)
_EXPECTED = (
    f"one of {', '.join(NAMES)}; mdm_METRIC@T or METRIC@z=Z with METRIC in "
    f"{', '.join(MDM_METRICS)}; "
    "fpr@z=Z or fpr@tpr=R; NAME@band=W for measures of pixels"
)


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InputError(f"metrics: expected a number after the sign in {name!r}, found {text!r}")
    return value


def parse_measure(name: str, sizes: ComponentSizes) -> Measure:
    """The measure of that name, in any case; component metrics have the given sizes."""
    given, name = name, name.strip().lower()
    if match := re.fullmatch(r"(.+)@band=(.+)", name):
        from mdmkit.metrics.transformed import in_band

        return in_band(parse_measure(match[1], sizes), _number(match[2], name))
    if name in ("ap", "auroc"):
        return Ranking(name)
    if name == "fpr95":
        return FprAtTpr(name, 0.95)
    if name == "best_f1":
        return BestF1Measure()
    if name in AT_BEST_F1:
        metric = as_metric(AT_BEST_F1[name], sizes)
        assert isinstance(metric, ComponentMetric)
        return AtBestF1(name, metric)
    if match := re.fullmatch(r"fpr@tpr=(.+)", name):
        tpr = _number(match[1], name)
        if not 0 < tpr <= 1:
            raise InputError(f"metrics: expected a TPR in (0, 1] in {name!r}, found {tpr!r}")
        return FprAtTpr(f"fpr@tpr={tpr!r}", tpr)
    if match := re.fullmatch(r"fpr@z=(.+)", name):
        z = _number(match[1], name)
        return FprAtThreshold(f"fpr@z={z!r}", z)
    at_z = re.fullmatch(r"(\w+)@z=(.+)", name)
    if at_z and at_z[1] in MDM_METRICS:
        z = _number(at_z[2], name)
        at: Any = as_metric(at_z[1], sizes)
        return AtThreshold(f"{at_z[1]}@z={z!r}", at, z)
    at_t = re.fullmatch(r"mdm_(\w+)@(.+)", name)
    if at_t and at_t[1] in MDM_METRICS:
        return MarginAt(as_metric(at_t[1], sizes), _number(at_t[2], name))
    raise InputError(f"metrics: expected {_EXPECTED}; found {given!r}{_meant(name)}")


def _meant(name: str) -> str:
    """What may be meant by a name that is none."""
    stem, at, rest = name.partition("@")
    metric = stem.removeprefix("mdm_")
    if metric in MDM_METRICS:
        return (
            f"; say which T of its margin, as in mdm_{metric}@0.5, or which threshold, as in "
            f"{metric}@z=0.5"
        )
    if stem == "mdm":
        return f"; say which metric's margin, as in mdm_f1@{rest or 0.5}"
    known = [*NAMES, "fpr", *(f"{start}{m}" for m in MDM_METRICS for start in ("", "mdm_"))]
    near = get_close_matches(stem, known, 1)
    return f"; did you mean {near[0]}{at}{rest}?" if near else ""


def apart(target: Any, metrics: Any) -> tuple[Any, Any]:
    """Ground truth and metrics, where metrics may stand in the place of ground truth."""
    if metrics is not None or target is None:
        return target, metrics
    if isinstance(target, (str, Measure, Metric)):
        return None, target
    if isinstance(target, Iterator):  # of names, or of maps
        first = next(target, None)
        target = chain([] if first is None else [first], target)
        return (None, target) if isinstance(first, (str, Measure, Metric)) else (target, None)
    several = isinstance(target, (list, tuple, set, frozenset, dict, KeysView)) and len(target) > 0
    if several and all(isinstance(item, (str, Measure, Metric)) for item in target):
        return None, target
    return target, None


def parse_measures(
    measures: str | Iterable[str | Measure] | None, sizes: ComponentSizes
) -> tuple[Measure, ...]:
    """Measures from names.

    Parameters
    ----------
    measures : str, iterable of str or Measure, or None
        A list, or one string with commas; None means `DEFAULT_NAMES`.
    sizes : ComponentSizes
        Of component metrics.

    Returns
    -------
    tuple of Measure
        Each once, in the order asked for.

    Raises
    ------
    InputError
        An unknown name, with those that are known.

    Examples
    --------
    >>> [measure.key for measure in parse_measures("ap, f1@z=.5, mdm_siou@.25", ComponentSizes())]
    ['ap', 'f1@z=0.5', 'mdm_siou@0.25']
    """
    if measures is None:
        measures = DEFAULT_NAMES
    if isinstance(measures, str):
        measures = [name.strip() for name in measures.split(",") if name.strip()]
    if not isinstance(measures, Iterable):
        raise InputTypeError(f"metrics: expected names, found {measures!r}")
    asked: dict[str, Measure] = {}
    for item in measures:
        measure = parse_measure(item, sizes) if isinstance(item, str) else _as_measure(item)
        asked.setdefault(measure.key, measure)
    if not asked:
        raise InputError(f"metrics: expected {_EXPECTED}; found none")
    return tuple(asked.values())
