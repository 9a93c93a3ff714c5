"""Measures by name: `NAME@key=value...`, see `mdmkit.metrics.grammar`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.transforms import ImageScore
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import ComponentMetric
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
)
from mdmkit.metrics.region_measures import AUPIMO, AUPRO, TargetCount
from mdmkit.metrics.registry import METRICS, SPELLED, as_metric, metric_named
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
    tpr = asked.number("tpr")
    if not 0 < tpr <= 1:
        raise InputError(f"metrics: expected a TPR in (0, 1] in {asked.text!r}, found {tpr!r}")
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
    "image_ap": _of_images(Ranking("ap")),
    "image_auroc": _of_images(Ranking("auroc")),
    "image_f1": _of_images(BestF1Measure()),
}
_EXPECTED = (
    f"one of {', '.join(name for name in MEASURES if name != 'fpr')}; mdm_METRIC@T or METRIC@z=Z "
    f"with METRIC in {', '.join(SPELLED)}; fpr@z=Z or fpr@tpr=R; NAME@band=W for measures of "
    f"pixels; NAME@{'=A:B or NAME@'.join(PROPERTIES)}=A:B"
)


def parse_measure(name: str, sizes: ComponentSizes) -> Measure:
    """The measure of that name, component metrics having the given sizes.

    Raises
    ------
    InputError
        An unknown name or option, with those that are known.
    """
    asked = Asked.of(name)
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
    """Of frames as they are."""
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
    hint = ""
    if metric in METRICS:
        hint = f"; say which T, as in {asked.text}@0.5, or which threshold, as in f1@z=0.5"
    raise InputError(f"metrics: expected {_EXPECTED}; found {asked.text!r}{hint}")


def _known(of_metric: Asked, sizes: ComponentSizes, asked: Asked) -> Metric:
    metric = metric_named(of_metric, sizes)
    asked.known += of_metric.known
    return metric


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
    if not isinstance(measures, Iterable):
        raise InputTypeError(f"metrics: expected names, found {measures!r}")
    asked: dict[str, Measure] = {}
    for item in measures:
        if not isinstance(item, (str, Measure)):
            raise InputTypeError(f"metrics: expected names or measures, found {item!r}")
        measure = item if isinstance(item, Measure) else parse_measure(item, sizes)
        asked.setdefault(measure.key, measure)
    if not asked:
        raise InputError(f"metrics: expected {_EXPECTED}; found none")
    return tuple(asked.values())
