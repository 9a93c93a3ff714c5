"""Measures by name: `NAME@key=value...`, see `mdmkit.metrics.grammar`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, KeysView
from itertools import chain
from typing import Any

from mdmkit.core.arguments import check_that
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.transforms import ImageScore
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import ComponentMetric
from mdmkit.metrics.detection_measures import FoundAtAlarms
from mdmkit.metrics.grammar import Asked, T
from mdmkit.metrics.mean_error import AUTC
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
from mdmkit.metrics.other_words import as_rest, called_here
from mdmkit.metrics.region_measures import AUPIMO, AUPRO, TargetCount
from mdmkit.metrics.registry import METRICS, SPELLED, as_metric, detection_rule, metric_named
from mdmkit.metrics.transformed import Through, in_band, in_bin
from mdmkit.statistics.target_bins import PROPERTIES, TargetBin

Builder = Callable[[Asked, ComponentSizes], Measure]
AT_BEST_F1 = {"siou_gt": "siou", "ppv": "ppv", "mean_f1": "mean_f1"}
NAMES = ("ap", "auroc", "fpr95", "best_f1", *AT_BEST_F1)
MDM_METRICS = SPELLED

#: Every name above, and the margins of pixel F1 and the two component metrics at two T.
DEFAULT_NAMES = (
    *NAMES,
    *(f"mdm_{metric}@{t}" for t in (0.5, 0.7) for metric in ("f1", "siou", "mean_f1")),
)


def _fpr(asked: Asked, sizes: ComponentSizes) -> Measure:
    if "z" in asked.options:
        z = asked.number("z")
        return FprAtThreshold(f"fpr@z={z!r}", z)
    if "tpr" not in asked.options:
        raise InputError(
            "expected fpr@z=Z or fpr@tpr=R, as in fpr@tpr=0.95, which is fpr95; found "
            f"{asked.text!r}",
            argument="metrics",
        )
    tpr = asked.number("tpr")
    check_that(0 < tpr <= 1, f"a TPR in (0, 1] in {asked.text!r}", tpr, "metrics")
    return FprAtTpr(f"fpr@tpr={tpr!r}", tpr)


def _at_best_f1(asked: Asked, sizes: ComponentSizes) -> Measure:
    metric = as_metric(AT_BEST_F1[asked.name], sizes)
    assert isinstance(metric, ComponentMetric)
    return AtBestF1(asked.name, metric)


def _of_images(measure: Measure) -> Builder:
    def build(asked: Asked, sizes: ComponentSizes) -> Measure:
        change = ImageScore(asked.take("score") or "max")
        score = "" if change.kind == "max" else f"@score={change.kind}"
        return Through(change, measure, f"{asked.name}{score}")

    return build


def _found(asked: Asked, sizes: ComponentSizes) -> Measure:
    return FoundAtAlarms(asked.number("alarms"), sizes, detection_rule(asked))


#: How measures are made that are no `METRIC@z=Z` and no `mdm_METRIC@T`.
MEASURES: dict[str, Builder] = {
    "ap": lambda asked, _: Ranking("ap"),
    "auroc": lambda asked, _: Ranking("auroc"),
    "fpr95": lambda asked, _: FprAtTpr("fpr95", 0.95),
    "best_f1": lambda asked, _: BestF1Measure(),
    **dict.fromkeys(AT_BEST_F1, _at_best_f1),
    "fpr": _fpr,
    "autc": lambda asked, _: AUTC(),
    "aupro": lambda asked, sizes: AUPRO(asked.number("fpr", 0.3), sizes.min_target),
    "auspro": lambda asked, sizes: AUPRO(asked.number("fpr", 0.05), sizes.min_target, True),
    "aupimo": lambda asked, _: AUPIMO(*(asked.range("fpr") if "fpr" in asked.options else ())),
    "components": lambda asked, sizes: TargetCount(sizes),
    "found": _found,
    "image_ap": _of_images(Ranking("ap")),
    "image_auroc": _of_images(Ranking("auroc")),
    "image_f1": _of_images(BestF1Measure()),
}
_NEEDY = ("fpr", "found")  # which need an option
_NUMBERS = tuple(name for name in MEASURES if name not in _NEEDY)
_EXPECTED = (
    f"one of {', '.join(name for name in MEASURES if name not in _NEEDY)}; found@alarms=A; "
    f"mdm_METRIC@T or METRIC@z=Z with METRIC in {', '.join(SPELLED)}; fpr@z=Z or fpr@tpr=R; "
    f"NAME@band=W for measures of pixels; NAME@{'=A:B or NAME@'.join(PROPERTIES)}=A:B"
)


def parse_measure(name: str, sizes: ComponentSizes) -> Measure:
    """The measure of that name, component metrics having the given sizes.

    Raises
    ------
    InputError
        An unknown name or option, with those that are known.
    """
    try:
        return _measure_of(Asked.of(name), sizes)
    except InputError as error:
        if error.argument == "metrics":
            raise
        raise type(error)(f"{name}: {error}", argument="metrics") from None


def _measure_of(asked: Asked, sizes: ComponentSizes) -> Measure:
    band = asked.number("band") if "band" in asked.options else None
    bins = [TargetBin(by, *asked.range(by)) for by in PROPERTIES if by in asked.options]
    measure = _plain_measure(asked, sizes)
    asked.known += ["band", *PROPERTIES]
    asked.check_taken()
    if band is not None:
        measure = in_band(measure, band)
    for selected in bins:
        measure = in_bin(measure, selected)
    return measure


def _plain_measure(asked: Asked, sizes: ComponentSizes) -> Measure:
    """Make measures of frames as they are."""
    metric = asked.name.removeprefix("mdm_")
    if metric in METRICS:
        of_metric = Asked(asked.text, metric, asked.options)
        if metric != asked.name and T in asked.options:
            t = asked.number(T)
            return MarginAt(_known(of_metric, sizes, asked), t)
        if metric == asked.name and "z" in asked.options:
            z = asked.number("z")
            found = _known(of_metric, sizes, asked)
            return AtThreshold(f"{found.name}@z={z!r}", found, z)
    if asked.name in MEASURES:
        return MEASURES[asked.name](asked, sizes)
    raise InputError(
        f"expected {_EXPECTED}; found {asked.text!r}{_meant(asked.text)}", argument="metrics"
    )


def _known(of_metric: Asked, sizes: ComponentSizes, asked: Asked) -> Metric:
    metric = metric_named(of_metric, sizes)
    asked.known += of_metric.known
    return metric


def _meant(name: str) -> str:
    """Suggest a name in place of an unknown one."""
    stem, at, rest = name.partition("@")
    if stem.lower() == "mdm":
        return f"; say which metric's margin, as in mdm_f1@{rest or 0.5}"
    margin = "mdm_" if stem.lower().startswith("mdm_") else ""
    word = stem[len(margin) :]
    near = called_here(word, MDM_METRICS if margin else (*_NUMBERS, *_NEEDY, *MDM_METRICS))
    if near is None:
        return as_rest(word)
    if not (at and rest) and near in MDM_METRICS and (margin or near not in _NUMBERS):
        here = "" if near.startswith(word.lower()) else f"; {word} is {near} here"
        return (
            f"{here}; say which T of its margin, as in mdm_{near}@0.5, or which threshold, as in "
            f"{near}@z=0.5"
        )
    return f"; did you mean {margin}{near}{at}{rest}?"


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
    """Make measures from their names.

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
    >>> names = "ap, f1@z=.5, mdm_siou@.25, MDM_FBeta@0.5@beta=2, ap@size=0:300"
    >>> for measure in parse_measures(names, ComponentSizes()):
    ...     print(measure.key)
    ap
    f1@z=0.5
    mdm_siou@0.25
    mdm_fbeta@beta=2@0.5
    ap@size=0:300
    """
    if measures is None:
        measures = DEFAULT_NAMES
    if isinstance(measures, str):
        measures = [name.strip() for name in measures.split(",") if name.strip()]
    if isinstance(measures, (Measure, Metric)) or callable(measures):
        measures = [measures]  # type: ignore[list-item]
    if not isinstance(measures, Iterable):
        raise InputTypeError(f"expected names, found {measures!r}", argument="metrics")
    asked: dict[str, Measure] = {}
    for item in measures:
        measure = parse_measure(item, sizes) if isinstance(item, str) else _as_measure(item)
        asked.setdefault(measure.key, measure)
    if not asked:
        raise InputError(f"expected {_EXPECTED}; found none", argument="metrics")
    return tuple(asked.values())
