"""Requirements on a threshold: a measure, a comparison and a limit, as in "recall >= 0.9"."""

from __future__ import annotations

import operator as comparing
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_kind
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.transforms import Band, FrameChange
from mdmkit.metrics.base import Metric
from mdmkit.metrics.false_components import AnyFalseComponent, FalseComponents
from mdmkit.metrics.found_objects import Found
from mdmkit.metrics.grammar import Asked
from mdmkit.metrics.mask_metrics import MaskMetric
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.other_words import as_rest, called_here
from mdmkit.metrics.pixel_metrics import CountMetric, FalsePositiveRate
from mdmkit.metrics.registry import METRICS, SPELLED, as_metric, metric_named
from mdmkit.statistics.kinds import Statistic, changed
from mdmkit.statistics.target_bins import PROPERTIES, TargetBin

Values = NDArray[np.float64]
OPERATORS: dict[str, Callable[[Values, float], NDArray[np.bool_]]] = {
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
    f"{', '.join(NAMES)}, with @{'=A:B, @'.join(PROPERTIES)}=A:B or @band=W behind it where only "
    "some objects or pixels count"
)
_FORM = re.compile(r"\s*(\w+(?:\s*@\s*\w+\s*=[^@<>=]+)*?)\s*(<=|>=|<|>)\s*([^<>=]+?)\s*")


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
    changes : tuple of FrameChange
        What is done to frames before they are counted: a band, components of some size or place.

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
    changes: tuple[FrameChange, ...] = ()

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

    def holds(self, values: Values | float) -> NDArray[np.bool_]:
        """Whether values of the measure meet it; NaN does not."""
        return np.asarray(OPERATORS[self.operator](np.asarray(values, np.float64), self.limit))

    @property
    def statistic(self) -> Statistic:
        """The statistic that is counted of each frame."""
        statistic = self.metric.statistic
        for change in self.changes:
            statistic = changed(change, statistic)
        return statistic

    def seen(self, totals: NormalizedTotals) -> NormalizedTotals:
        """Totals in which the measure finds its statistic of changed frames under its own name."""
        own, plain = self.statistic, self.metric.statistic

        def named(by_statistic: dict[Statistic, Any]) -> dict[Statistic, Any]:
            found = {key: value for key, value in by_statistic.items() if key != plain}
            return {**found, plain: by_statistic[own]} if own in by_statistic else found

        if own == plain:
            return totals
        counted = totals.totals
        bins = counted.bins and replace(
            counted.bins,
            resolved=named(counted.bins.resolved),
            by_statistic=named(counted.bins.by_statistic),
        )
        by_statistic = named(counted.by_statistic)
        return replace(totals, totals=replace(counted, by_statistic=by_statistic, bins=bins))

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
        if self.metric.name in FALLING or (isinstance(self.metric, Found) and self.metric.falls):
            return -np.inf if self.at_least else np.inf
        return np.nan

    def __str__(self) -> str:
        short = f"{self.limit:g}"
        limit = short if float(short) == self.limit else repr(self.limit)
        return f"{self.name} {self.operator} {limit}"

    def __repr__(self) -> str:
        return f"Requirement({str(self)!r})"


#: Requirements as they are asked for: one or several, by name or by metric.
Single: TypeAlias = "str | Requirement | tuple[Any, str, float]"
Requirements: TypeAlias = "Single | Iterable[Single]"


def parse_requirements(
    require: Requirements, sizes: ComponentSizes | None = None, aggregate: str = "pooled"
) -> tuple[Requirement, ...]:
    """Make requirements from their names.

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
    check_kind(sizes, (ComponentSizes, NoneType), "sizes")
    sizes = sizes or ComponentSizes()
    found: dict[str, Requirement] = {}
    for item in _items(require):
        for requirement in _parsed(item, sizes, aggregate):
            found.setdefault(str(requirement), requirement)
    if not found:
        raise InputError(f"expected {_EXPECTED}; found none", argument="require")
    return tuple(found.values())


def _items(require: Requirements) -> Iterable[Single]:
    if isinstance(require, (str, Requirement)) or _is_tuple(require):
        return [require]  # type: ignore[list-item]
    if not isinstance(require, Iterable):
        raise InputTypeError(f"expected {_EXPECTED}; found {require!r}", argument="require")
    return require  # type: ignore[return-value]


def _is_tuple(item: object) -> bool:
    if not isinstance(item, tuple) or len(item) != 3:
        return False
    return isinstance(item[1], str) and item[1] in OPERATORS


def _parsed(item: Single, sizes: ComponentSizes, aggregate: str) -> Sequence[Requirement]:
    if isinstance(item, Requirement):
        return [item]
    if isinstance(item, str):
        return [_of_text(part, sizes, aggregate) for part in item.split(",") if part.strip()]
    if not _is_tuple(item):
        raise InputTypeError(f"expected {_EXPECTED}; found {item!r}", argument="require")
    metric, sign, limit = item
    if isinstance(metric, str):
        return [_of_text(f"{metric} {sign} {limit!r}", sizes, aggregate)]
    return [Requirement(as_metric(metric, sizes), sign, _number(limit), aggregate)]


def _of_text(text: str, sizes: ComponentSizes, aggregate: str) -> Requirement:
    match = _FORM.fullmatch(text)
    if match is None or np.isnan(_number(match[3])):
        raise InputError(f"expected {_EXPECTED}; found {text.strip()!r}", argument="require")
    try:
        return _of_parts(match, sizes, aggregate)
    except InputError as error:
        said = str(error).removeprefix(f"{error.argument}: ")
        raise type(error)(said, argument="require") from None


def _of_parts(match: re.Match[str], sizes: ComponentSizes, aggregate: str) -> Requirement:
    asked = Asked.of(match[1])
    if asked.name not in (*METRICS, "fpr", *FALSE_ALARMS):
        near = called_here(asked.name, NAMES)
        meant = f"; did you mean {near}?" if near else as_rest(asked.name)
        raise InputError(f"expected {_EXPECTED}; found {match[0].strip()!r}{meant}")
    options = [f"{key}={value}" for key, value in asked.options.items()]
    spelled = "@".join([asked.name, *options])
    changes = tuple(_changes(asked))
    metric = _metric(asked, sizes)
    asked.known += ["band", *PROPERTIES]
    asked.check_taken()
    if any(isinstance(change, Band) for change in changes) and not isinstance(metric, CountMetric):
        raise InputError(
            f"expected a measure of pixels with @band, found {spelled!r}, whose components a band "
            "would cut"
        )
    return Requirement(metric, match[2], _number(match[3]), aggregate, spelled, changes)


def _changes(asked: Asked) -> Iterable[FrameChange]:
    """A band, and bins of components, as `NAME@band=W` and `NAME@size=A:B` ask for."""
    if "band" in asked.options:
        yield Band(asked.number("band"))
    for by in PROPERTIES:
        if by in asked.options:
            yield TargetBin(by, *asked.range(by))


def _metric(asked: Asked, sizes: ComponentSizes) -> Metric:
    if asked.name == "fpr":
        return FalsePositiveRate()
    if asked.name in FALSE_ALARMS:
        kind, ppv = FALSE_ALARMS[asked.name], asked.number("ppv", FalseComponents.ppv)
        return kind(sizes.min_prediction, sizes.min_target, ppv)
    return metric_named(asked, sizes)


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return float("nan")
