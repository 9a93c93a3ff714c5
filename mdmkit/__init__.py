"""Evaluation of score maps: how good one is, and at which threshold it may be trusted.

>>> from mdmkit import mdm
>>> mdm([[0.125, 0.25, 0.75]], [[0, 0, 1]], t_margin=0.5).interval
(0.125, 0.75)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Where each public name lives. Names are fetched on first use, so that `import mdmkit` stays
# light and no optional library is needed before it is used.
_HOME = {
    "Band": "core.transforms",
    "bootstrap": "uncertainty.resampling",
    "Bootstrap": "uncertainty.resampling",
    "Certification": "thresholds.certify",
    "check_threshold": "thresholds.arrays",
    "choose_thresholds": "thresholds.recommend",
    "ChosenThreshold": "thresholds.chosen",
    "compare": "comparison.compare_methods",
    "Comparison": "comparison.result",
    "component_curves": "evaluation.target_curves",
    "ComponentSizes": "core.component_sizes",
    "count_metric": "metrics.pixel_metrics",
    "count_shard": "comparison.checkpoints.sharding",
    "CountMetric": "metrics.pixel_metrics",
    "DataSet": "datasets",
    "evaluate": "evaluation.evaluation",
    "Evaluation": "evaluation.evaluation",
    "F1": "metrics.pixel_metrics",
    "FBeta": "metrics.pixel_metrics",
    "Frame": "core.frame",
    "InputError": "core.errors",
    "InputTypeError": "core.errors",
    "IoU": "metrics.pixel_metrics",
    "LabelCodes": "core.labels",
    "Margin": "core.margin",
    "MarginAt": "metrics.measures",
    "MaskMetric": "metrics.mask_metrics",
    "mdm": "evaluation.arrays",
    "MeanF1": "metrics.component_metrics",
    "Measure": "metrics.measures",
    "merge_states": "comparison.checkpoints.sharding",
    "Metric": "metrics.base",
    "NoMarginError": "core.errors",
    "NoTargetError": "core.errors",
    "Number": "core.number",
    "open_dataset": "datasets",
    "OperatingPoint": "thresholds.operating_points",
    "parse_requirements": "thresholds.requirements",
    "PPV": "metrics.component_metrics",
    "Precision": "metrics.pixel_metrics",
    "published_names": "comparison.published",
    "published_table": "comparison.published",
    "RangeError": "core.errors",
    "read_threshold": "thresholds.chosen",
    "Recall": "metrics.pixel_metrics",
    "recommend_threshold": "thresholds.arrays",
    "Recommendation": "thresholds.transfer",
    "RequiredThreshold": "thresholds.required",
    "Result": "evaluation.result",
    "SIoU": "metrics.component_metrics",
    "threshold_curve": "evaluation.arrays",
    "ThresholdCurve": "metrics.curve",
    "Thresholds": "thresholds.result",
    "Transfer": "thresholds.transfer",
    "transfer_threshold": "thresholds.arrays",
}

__all__ = [*_HOME, "__version__"]

if TYPE_CHECKING:
    from mdmkit.thresholds.arrays import check_threshold as check_threshold
    from mdmkit.thresholds.arrays import recommend_threshold as recommend_threshold
    from mdmkit.thresholds.arrays import transfer_threshold as transfer_threshold
    from mdmkit.thresholds.certify import Certification as Certification
    from mdmkit.thresholds.chosen import ChosenThreshold as ChosenThreshold
    from mdmkit.thresholds.chosen import read_threshold as read_threshold
    from mdmkit.thresholds.required import RequiredThreshold as RequiredThreshold
    from mdmkit.thresholds.requirements import parse_requirements as parse_requirements

    __version__: str

    from mdmkit.comparison.checkpoints.sharding import count_shard as count_shard
    from mdmkit.comparison.checkpoints.sharding import merge_states as merge_states
    from mdmkit.comparison.compare_methods import compare as compare
    from mdmkit.comparison.published import published_names as published_names
    from mdmkit.comparison.published import published_table as published_table
    from mdmkit.comparison.result import Comparison as Comparison
    from mdmkit.core.component_sizes import ComponentSizes as ComponentSizes
    from mdmkit.core.errors import InputError as InputError
    from mdmkit.core.errors import InputTypeError as InputTypeError
    from mdmkit.core.errors import NoMarginError as NoMarginError
    from mdmkit.core.errors import NoTargetError as NoTargetError
    from mdmkit.core.errors import RangeError as RangeError
    from mdmkit.core.frame import Frame as Frame
    from mdmkit.core.labels import LabelCodes as LabelCodes
    from mdmkit.core.margin import Margin as Margin
    from mdmkit.core.number import Number as Number
    from mdmkit.core.transforms import Band as Band
    from mdmkit.datasets import DataSet as DataSet
    from mdmkit.datasets import open_dataset as open_dataset
    from mdmkit.evaluation.arrays import mdm as mdm
    from mdmkit.evaluation.arrays import threshold_curve as threshold_curve
    from mdmkit.evaluation.evaluation import Evaluation as Evaluation
    from mdmkit.evaluation.evaluation import evaluate as evaluate
    from mdmkit.evaluation.result import Result as Result
    from mdmkit.evaluation.target_curves import component_curves as component_curves
    from mdmkit.metrics.base import Metric as Metric
    from mdmkit.metrics.component_metrics import PPV as PPV
    from mdmkit.metrics.component_metrics import MeanF1 as MeanF1
    from mdmkit.metrics.component_metrics import SIoU as SIoU
    from mdmkit.metrics.curve import ThresholdCurve as ThresholdCurve
    from mdmkit.metrics.mask_metrics import MaskMetric as MaskMetric
    from mdmkit.metrics.measures import MarginAt as MarginAt
    from mdmkit.metrics.measures import Measure as Measure
    from mdmkit.metrics.pixel_metrics import F1 as F1
    from mdmkit.metrics.pixel_metrics import CountMetric as CountMetric
    from mdmkit.metrics.pixel_metrics import FBeta as FBeta
    from mdmkit.metrics.pixel_metrics import IoU as IoU
    from mdmkit.metrics.pixel_metrics import Precision as Precision
    from mdmkit.metrics.pixel_metrics import Recall as Recall
    from mdmkit.metrics.pixel_metrics import count_metric as count_metric
    from mdmkit.thresholds.operating_points import OperatingPoint as OperatingPoint
    from mdmkit.thresholds.recommend import choose_thresholds as choose_thresholds
    from mdmkit.thresholds.result import Thresholds as Thresholds
    from mdmkit.thresholds.transfer import Recommendation as Recommendation
    from mdmkit.thresholds.transfer import Transfer as Transfer
    from mdmkit.uncertainty.resampling import Bootstrap as Bootstrap
    from mdmkit.uncertainty.resampling import bootstrap as bootstrap


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("mdmkit")
    if name not in _HOME:
        raise AttributeError(f"module 'mdmkit' has no attribute {name!r}")
    from mdmkit.core.extras import needed_by

    with needed_by(f"mdmkit.{name}"):
        value = getattr(import_module(f"mdmkit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
