"""Segment metrics by name."""

from __future__ import annotations

from typing import Any

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import COMPONENT_METRICS
from mdmkit.metrics.mask_metrics import MaskMetric
from mdmkit.metrics.pixel_metrics import COUNT_METRICS


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
