"""Segment metrics by name."""

from __future__ import annotations

from collections.abc import Callable

from mdmkit.core.arguments import check_function
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.metrics.base import Metric
from mdmkit.metrics.boundary_metrics import NSD, BoundaryF, BoundaryIoU
from mdmkit.metrics.component_metrics import COMPONENT_METRICS
from mdmkit.metrics.found_objects import Found
from mdmkit.metrics.grammar import Asked
from mdmkit.metrics.mask_metrics import MaskMetric
from mdmkit.metrics.other_words import as_rest, called_here
from mdmkit.metrics.pixel_metrics import COUNT_METRICS, FBeta
from mdmkit.metrics.region_metrics import PRO, SPRO
from mdmkit.statistics.boundaries import DILATION_RATIO
from mdmkit.statistics.detections import DetectionRule

Builder = Callable[[Asked, ComponentSizes], Metric]


def _of_components(name: str) -> Builder:
    return lambda _, sizes: COMPONENT_METRICS[name](sizes.min_prediction, sizes.min_target)


def _of_counts(name: str) -> Builder:
    return lambda asked, sizes: COUNT_METRICS[name]


def detection_rule(asked: Asked) -> DetectionRule:
    """When an object is found, and a component a false alarm, by the options of a name."""
    by = "siou" if "siou" in asked.options else "covered"
    usual = DetectionRule()
    asked.known += ["covered", "siou"]
    return DetectionRule(asked.number(by, usual.found), asked.number("ppv", usual.false), by)


#: How each metric is made of its options and the component sizes.
METRICS: dict[str, Builder] = {
    **{name: _of_counts(name) for name in COUNT_METRICS},
    "fbeta": lambda asked, _: FBeta(asked.number("beta")),
    **{name: _of_components(name) for name in COMPONENT_METRICS},
    "boundary_iou": lambda asked, _: BoundaryIoU(
        asked.number("ratio", DILATION_RATIO), asked.whole("px", 0)
    ),
    "boundary_f": lambda asked, _: BoundaryF(asked.number("px"), asked.whole("neighbours", 4)),
    "nsd": lambda asked, _: NSD(asked.number("px"), asked.whole("neighbours", 4)),
    "pro": lambda _, sizes: PRO(sizes.min_target),
    "spro": lambda _, sizes: SPRO(sizes.min_target),
    "found": lambda asked, sizes: Found(sizes, detection_rule(asked)),
}
#: Those that need an option, spelled with one.
SPELLED = tuple(
    {"fbeta": "fbeta@beta=2", "boundary_f": "boundary_f@px=3", "nsd": "nsd@px=3"}.get(name, name)
    for name in METRICS
)

#: Measures that have no value at a threshold.
NUMBERS = (
    *("ap", "auroc", "fpr95", "best_f1", "siou_gt", "autc", "aupro", "auspro", "aupimo"),
    *("components", "image_ap", "image_auroc", "image_f1"),
)


def metric_named(asked: Asked, sizes: ComponentSizes) -> Metric:
    """The metric of a name, which takes its options.

    Raises
    ------
    InputError
        An unknown name, with those that are known.
    """
    if asked.name not in METRICS:
        raise InputError(
            f"expected one of {', '.join(SPELLED)}, or a callable, found {asked.text!r}"
            f"{_meant(asked)}",
            argument="metric",
        )
    return METRICS[asked.name](asked, sizes)


def _of_name(name: str, sizes: ComponentSizes) -> Metric:
    asked = Asked.of(name)
    found = metric_named(asked, sizes)
    asked.check_taken()
    return found


def _meant(asked: Asked) -> str:
    """Suggest a metric in place of an unknown name, or say that it is a measure's."""
    word = asked.name.removeprefix("mdm_")
    near = called_here(word, (*NUMBERS, "fpr", *SPELLED))
    if near == "fpr":
        return "; lower is better of fpr, which has no margin but may be required: fpr<=0.01"
    if near in NUMBERS:
        return f"; {near} is one number over all thresholds: ask for it as one of the `metrics`"
    return f"; did you mean {near}?" if near else as_rest(word)


def as_metric(metric: object, sizes: ComponentSizes | None = None) -> Metric:
    """Make a metric from its name, a `Metric` (class or object), or a callable on masks.

    Parameters
    ----------
    metric : str, Metric, or callable
        Names take options, as in `fbeta@beta=2` or `boundary_f@px=3`.
    sizes : ComponentSizes, optional
        Component sizes for component metrics given by name; 0 / 0 by default.

    Raises
    ------
    InputError
        An unknown name or option; `InputTypeError` for what is no metric.

    Examples
    --------
    >>> as_metric("f1"), as_metric("nsd@px=3")
    (F1(), NSD(px=3.0, neighbours=4))
    """
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str):
        try:
            return _of_name(metric, sizes or ComponentSizes())
        except InputError as error:
            raise error.of("metric") from None
    if isinstance(metric, type) and issubclass(metric, Metric):
        try:
            return metric()
        except TypeError as error:
            raise InputTypeError(
                f"expected an object of {metric.__name__}: {error}", argument="metric"
            ) from None
    if callable(metric):
        check_function(metric, 2, "metric", "d(prediction, target)")
        return MaskMetric(metric)
    raise InputTypeError(
        f"expected a name, a Metric or a callable, found {type(metric).__name__}", argument="metric"
    )
