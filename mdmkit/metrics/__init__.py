"""Metrics: segment metrics d, their curves, and measures by name."""

from mdmkit.metrics.base import Metric, check_anomalous, ratio
from mdmkit.metrics.component_metrics import COMPONENT_METRICS, PPV, ComponentMetric, MeanF1, SIoU
from mdmkit.metrics.mask_metrics import MaskMetric
from mdmkit.metrics.pixel_metrics import (
    COUNT_METRICS,
    F1,
    CountFormula,
    CountMetric,
    FBeta,
    IoU,
    Precision,
    Recall,
    count_metric,
)
from mdmkit.metrics.registry import as_metric

__all__ = [
    "COMPONENT_METRICS",
    "COUNT_METRICS",
    "ComponentMetric",
    "CountFormula",
    "CountMetric",
    "F1",
    "FBeta",
    "IoU",
    "MaskMetric",
    "MeanF1",
    "Metric",
    "PPV",
    "Precision",
    "Recall",
    "SIoU",
    "as_metric",
    "check_anomalous",
    "count_metric",
    "ratio",
]
