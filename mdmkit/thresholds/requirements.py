"""Requirements on a threshold: a measure, a comparison and a limit, as in "recall >= 0.9"."""

from __future__ import annotations

import operator as comparing
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.metrics.base import Metric
from mdmkit.metrics.false_components import AnyFalseComponent, FalseComponents
from mdmkit.metrics.grammar import Asked
from mdmkit.metrics.mask_metrics import MaskMetric
from mdmkit.metrics.pixel_metrics import FalsePositiveRate
from mdmkit.metrics.registry import METRICS, SPELLED, as_metric, metric_named

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<=": comparing.le,
    ">=": comparing.ge,
    "<": comparing.lt,
    ">": comparing.gt,
}
FALSE_ALARMS: dict[str, type[FalseComponents]] = {
    m.name: m for m in (FalseComponents, AnyFalseComponent)
}
#: Measures that only fall as the threshold rises.
FALLING = ("recall", "fpr")
NAMES = (*SPELLED, "fpr", *FALSE_ALARMS)
_EXPECTED = (
    f"MEASURE with <=, >=, < or > and a number, as in 'recall>=0.9, fpr<=0.01', MEASURE one of "
    f"{', '.join(NAMES)}"
)
_FORM = re.compile(r"\s*(\w+(?:@\w+=[^@<>=]+)*?)\s*(<=|>=|<|>)\s*([^<>=]+?)\s*")


@dataclass(frozen=True)
class Requirement:
    """A bound on a measure of a threshold, exact at every score: no tolerance, NaN never meets it.

    Parameters
    ----------
    metric : Metric
        Of pixel counts or components; a step function of the threshold.
    operator : {"<=", ">=", "<", ">"}
    limit : float
    aggregate : {"pooled", "per_image"}
        One set of all pixels and components, or the mean over images where it is defined; `alarms`
        and `alarm_frames` are means over frames either way.
    name : str
        Of the measure, as it was asked for.

    Raises
    ------
    InputError
        For metrics of masks, other operators, or a limit that is no number.

    Examples
    --------
    >>> parse_requirements("Recall>=.9, fbeta@beta=2 > 0.5")
    (Requirement('recall >= 0.9'), Requirement('fbeta@beta=2 > 0.5'))
    """

    metric: Metric
    operator: str
    limit: float
    aggregate: str = "pooled"
    name: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.metric, MaskMetric):
            raise InputError(
                f"expected metrics of counts or components, found the callable "
                f"{self.metric.name}, whose thresholds would not be exact",
                argument="require",
            )
        if self.operator not in OPERATORS:
            raise InputError(
                f"expected one of {', '.join(OPERATORS)}, found {self.operator!r}",
                argument="require",
            )
        if not np.isfinite(self.limit):
            raise InputError(
                f"expected a number as limit, found {self.limit!r}", argument="require"
            )
        object.__setattr__(self, "limit", float(self.limit))
        object.__setattr__(self, "name", self.name or self.metric.name)

    def holds(self, values: Any) -> NDArray[np.bool_]:
        """Whether values of the measure meet it; NaN does not."""
        return np.asarray(OPERATORS[self.operator](values, self.limit))

    @property
    def at_least(self) -> bool:
        """Whether larger values are better for it."""
        return self.operator in (">=", ">")

    @property
    def counts_alarms(self) -> bool:
        """Whether it bounds false components, at its threshold and at all higher ones."""
        return isinstance(self.metric, FalseComponents) and not self.at_least

    @property
    def per_frame(self) -> bool:
        """Whether it is a mean over frames of a value of each."""
        return self.aggregate == "per_image" or isinstance(self.metric, FalseComponents)

    @property
    def safe_end(self) -> float:
        """The end of all thresholds at which it holds if anywhere; NaN where either may fail."""
        if self.counts_alarms:
            return np.inf
        if self.metric.name in FALLING:
            return -np.inf if self.at_least else np.inf
        return np.nan

    def __str__(self) -> str:
        short = f"{self.limit:g}"
        limit = short if float(short) == self.limit else repr(self.limit)
        return f"{self.name} {self.operator} {limit}"

    def __repr__(self) -> str:
        return f"Requirement({str(self)!r})"


def parse_requirements(
    require: Any, sizes: ComponentSizes | None = None, aggregate: str = "pooled"
) -> tuple[Requirement, ...]:
    """Requirements from their names.

    Parameters
    ----------
    require : str, Requirement, (metric, operator, limit), or sequence of these
        A string may hold several, with commas.
    sizes : ComponentSizes, optional
        Of component measures given by name; 0 / 0 by default.
    aggregate : {"pooled", "per_image"}
        Of those given by name or as a tuple.

    Returns
    -------
    tuple of Requirement
        Each once, in the order given.

    Raises
    ------
    InputError
        An unknown measure, operator or limit; none at all.

    Examples
    --------
    >>> from mdmkit.metrics.pixel_metrics import IoU
    >>> parse_requirements(["alarm_frames<=0.05", (IoU(), ">", 0.3)])
    (Requirement('alarm_frames <= 0.05'), Requirement('iou > 0.3'))
    """
    sizes = sizes or ComponentSizes()
    single = isinstance(require, (str, Requirement)) or _is_tuple(require)
    found: dict[str, Requirement] = {}
    for item in [require] if single else _items(require):
        for requirement in _parsed(item, sizes, aggregate):
            found.setdefault(str(requirement), requirement)
    if not found:
        raise InputError(f"expected {_EXPECTED}; found none", argument="require")
    return tuple(found.values())


def _items(require: Any) -> Iterable[Any]:
    if not isinstance(require, Iterable):
        raise InputTypeError(f"expected {_EXPECTED}; found {require!r}", argument="require")
    return require


def _is_tuple(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 3 and item[1] in OPERATORS


def _parsed(item: Any, sizes: ComponentSizes, aggregate: str) -> Sequence[Requirement]:
    if isinstance(item, Requirement):
        return [item]
    if _is_tuple(item):
        metric, sign, limit = item
        return [Requirement(as_metric(metric, sizes), sign, float(limit), aggregate)]
    if not isinstance(item, str):
        raise InputTypeError(f"expected {_EXPECTED}; found {item!r}", argument="require")
    return [_of_text(part, sizes, aggregate) for part in item.split(",") if part.strip()]


def _of_text(text: str, sizes: ComponentSizes, aggregate: str) -> Requirement:
    match = _FORM.fullmatch(text)
    limit = np.nan if match is None else _number(match[3])
    if match is None or np.isnan(limit):
        raise InputError(f"expected {_EXPECTED}; found {text.strip()!r}", argument="require")
    asked = Asked.of(match[1])
    if asked.name not in (*METRICS, "fpr", *FALSE_ALARMS):
        raise InputError(f"expected {_EXPECTED}; found {text.strip()!r}", argument="require")
    spelled = "@".join([asked.name, *(f"{key}={value}" for key, value in asked.options.items())])
    metric = _metric(asked, sizes)
    asked.check_taken()
    return Requirement(metric, match[2], limit, aggregate, spelled)


def _metric(asked: Asked, sizes: ComponentSizes) -> Metric:
    if asked.name == "fpr":
        return FalsePositiveRate()
    if asked.name in FALSE_ALARMS:
        kind, ppv = FALSE_ALARMS[asked.name], asked.number("ppv", FalseComponents.ppv)
        return kind(sizes.min_prediction, sizes.min_target, ppv)
    return metric_named(asked, sizes)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
