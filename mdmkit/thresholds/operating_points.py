"""Operating points: what fixed thresholds give, counted at exactly these and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.records import Json
from mdmkit.metrics.base import Metric
from mdmkit.metrics.component_metrics import COMPONENT_METRICS, ComponentMetric
from mdmkit.metrics.measures import (
    AtThreshold,
    FprAtThreshold,
    Measure,
    computed,
    statistics_of,
)
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import F1, CountMetric, Precision, Recall
from mdmkit.statistics.edges import Edges
from mdmkit.statistics.kinds import Statistic, merged, of_pixels
from mdmkit.statistics.normalizers import HIGHEST
from mdmkit.statistics.totals import DirectBins, StatisticBins, Totals
from mdmkit.thresholds.counted_frame import ReadFrame
from mdmkit.thresholds.kept_frames import LoadedFrames


@dataclass(frozen=True)
class OperatingPoint:
    """Holds what one threshold gives on a set of frames; fractions, None where undefined.

    Attributes
    ----------
    threshold : float or None
        z on normalised scores; None where everything is predicted.
    raw_threshold : float or None
        The same prediction as A > raw_threshold on the scores as they are.
    value : float or None
        The metric d that was asked for.
    f1, precision, recall, fpr : float or None
        Of pixels.
    siou, ppv, mean_f1 : float or None
        Of components; None unless d is one of them.

    Examples
    --------
    >>> from mdmkit import recommend_threshold
    >>> recommend_threshold([([[0.25, 0.5, 0.75]], [[0, 0, 1]])], t_margin=0.5).point
    OperatingPoint(threshold=0.5, raw_threshold=0.5, value=1, f1=1, precision=1, recall=1, fpr=0)
    """

    threshold: float | None
    raw_threshold: float | None
    value: float | None
    f1: float | None
    precision: float | None
    recall: float | None
    fpr: float | None
    siou: float | None = None
    ppv: float | None = None
    mean_f1: float | None = None

    def to_dict(self) -> Json:
        """All fields, ready for JSON."""
        return asdict(self)

    def __repr__(self) -> str:
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return f"OperatingPoint({', '.join(f'{k}={v:.6g}' for k, v in known.items())})"


def record_of(result: Any, *left_out: str) -> Json:
    """Fields of a result, other results among them as they turn into dictionaries."""
    known = {f.name: getattr(result, f.name) for f in fields(result) if f.name not in left_out}
    return {
        name: value.to_dict() if hasattr(value, "to_dict") else value
        for name, value in known.items()
    }


def counted_at(
    frames: LoadedFrames, metric: Metric, thresholds: Sequence[float], silently: bool = False
) -> NormalizedTotals:
    """Totals of frames, exact at raw thresholds, for `operating_point`: O(P) a frame."""
    measures = [_at(name, m, 0.0) for name, m in point_measures(metric).items()]
    statistics = statistics_of(measures)
    edges = np.unique(np.asarray(thresholds, np.float64))
    direct = DirectBins(edges, edges, frozenset(statistics))
    total: dict[Statistic, Any] = {}

    def count(read: ReadFrame) -> Totals:
        return Totals.of(read.frame, statistics, direct=direct)

    for counted in frames.each(count, silently):
        for statistic, binned in counted.by_statistic.items():
            total[statistic] = (
                merged(statistic, [total[statistic], binned]) if statistic in total else binned
            )
    if not total:
        raise InputError("expected at least one frame, found none", argument="frames")
    return _exact_at(total, edges, frames.frames)


def _exact_at(counted: dict[Statistic, Any], edges: Edges, frames: int) -> NormalizedTotals:
    known = {
        statistic: bins.as_groups() if of_pixels(statistic) else bins.as_sweep(edges, None)
        for statistic, bins in counted.items()
    }
    grids = {s: bins for s, bins in counted.items() if not of_pixels(s)}
    nothing = {statistic: np.zeros(edges.size + 1, bool) for statistic in grids}
    return NormalizedTotals(Totals(frames, known, StatisticBins(edges, nothing, grids)))


def point_measures(metric: Metric) -> Json:
    """By field of `OperatingPoint`: what is measured there."""
    if not isinstance(metric, (CountMetric, ComponentMetric)):
        raise InputError(
            "expected one of counts or components, found a callable, whose thresholds "
            "would not be exact",
            argument="metric",
        )
    measures: Json = {
        "value": metric,
        "f1": F1(),
        "precision": Precision(),
        "recall": Recall(),
        "fpr": None,
    }
    if isinstance(metric, ComponentMetric):
        for name, kind in COMPONENT_METRICS.items():
            measures[name] = kind(metric.min_prediction, metric.min_target)
    return measures


def _at(name: str, metric: Any, raw: float) -> Measure:
    return FprAtThreshold(name, raw) if metric is None else AtThreshold(name, metric, raw)


def operating_point(
    totals: NormalizedTotals, metric: Metric, z: float | None, raw: float
) -> OperatingPoint:
    """Compute the numbers of a raw threshold; `totals` are those of `counted_at` there."""
    values = {
        name: computed(_at(name, measured, raw), totals).value
        for name, measured in point_measures(metric).items()
    }
    return OperatingPoint(z, raw if abs(raw) < HIGHEST else None, **values)
