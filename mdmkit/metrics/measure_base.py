"""Measure: the base of the numbers that can be asked of an evaluation."""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputTypeError
from mdmkit.core.foreign import leaving_arguments, ours, read_only
from mdmkit.core.number import Number
from mdmkit.metrics.base import Metric
from mdmkit.statistics.kinds import PixelStatistic, Statistic

if TYPE_CHECKING:
    from mdmkit.metrics.normalized_totals import NormalizedTotals

#: Closed intervals of raw scores, shape (k, 2), by statistic.
Unresolved = dict[Statistic, NDArray[np.float64]]


class Measure(ABC):
    """Computes one number of a method, with its bounds and threshold.

    Attributes
    ----------
    key : str
        Its name in results and tables.
    higher_is_better : bool
    resolvable : bool
        Whether it is exact once every score in `unresolved` is known.
    decided_by_bins : bool
        Whether counts in bins resolve it but for a few pixels, which are looked at again.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> class Prevalence(Measure):
    ...     "Share of anomalous pixels, as a measure of one's own."
    ...     key = "prevalence"
    ...
    ...     def compute(self, totals):
    ...         pixels = totals.pixels
    ...         return pixels.anomalous / (pixels.anomalous + pixels.normal)
    >>> evaluate([([[0.1, 0.2, 0.6, 0.9]], [[0, 0, 0, 1]])], ["ap", Prevalence()])["prevalence"]
    0.25
    """

    key: str
    higher_is_better: bool = True
    #: Whether knowing every score of `unresolved` makes it exact.
    resolvable: bool = False
    #: Whether pixels counted in bins leave but few of them to be looked at again.
    decided_by_bins: bool = False
    #: Whether it is an error over a whole data set without anomalies, as a margin is.
    needs_anomalies: bool = False
    #: Whether it lives on normalised scores: those of methods normalised in different ways do not
    #: compare.
    on_scale: bool = False
    #: False positive rates, least and largest, between which thresholds of bins must lie close.
    rates: tuple[float, float] | None = None

    @property
    def in_bins(self) -> Measure:
        """The same number of statistics that are known in bins, where frames are drawn anew."""
        return self

    @property
    def sizes_used(self) -> str:
        """The component sizes that it depends on, as in "sizes 500/100"; else nothing."""
        for statistic in self.statistics:
            for sizes in (getattr(statistic, name, None) for name in ("sizes", "components")):
                if isinstance(sizes, ComponentSizes):
                    return f"sizes {sizes.min_prediction}/{sizes.min_target}"
        return ""

    @property
    def every_score(self) -> bool:
        """Whether it asks for counts of pixels at every distinct score."""
        return False

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics that it is computed from: of pixels, and of its `metric` if it has one."""
        metric = getattr(self, "metric", None)
        own = (metric.statistic,) if isinstance(metric, Metric) else ()
        return (PixelStatistic(), *own)

    @abstractmethod
    def compute(self, totals: NormalizedTotals) -> Number | float:
        """Its value, NaN where undefined; as a `Number` where more is known of it.

        Raises
        ------
        NoTargetError
            If there is nothing to detect.
        RangeError
            If thresholds in [0, 1] make no sense for the scores.
        """

    def unresolved(self, totals: NormalizedTotals) -> Unresolved:
        """Closed intervals of raw scores whose every score must be known for an exact value.

        Of each statistic, shape (k, 2); none where no look at the frames is worth it.
        """
        return {}

    def empty(self) -> Number:
        """The number without a value, where it is refused or has no meaning."""
        return Number(None)


def computed(measure: Measure, totals: NormalizedTotals) -> Number:
    """Compute a measure of totals; a user's own measure cannot write to them."""
    if ours(measure):
        return as_number(measure.compute(totals), totals)
    with leaving_arguments("metrics", measure.key):
        return as_number(measure.compute(read_only(totals)), totals)


def as_number(found: Number | float, totals: NormalizedTotals) -> Number:
    """Make a `Number` of a measure's result; a mere value is exact unless scores are in bins."""
    if isinstance(found, Number):
        return found
    if isinstance(found, (int, float)):
        return Number.exact(found) if totals.bracketed is None else Number(found)
    raise InputTypeError(
        f"expected a number of `compute`, or a mdmkit.Number, found {reprlib.repr(found)}",
        argument="measure",
    )
