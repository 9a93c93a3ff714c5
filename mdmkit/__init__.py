"""mdmkit: how good is a score map, and at which threshold may it be trusted?

>>> from mdmkit import mdm
>>> mdm([[0.125, 0.25, 0.75]], [[0, 0, 1]], t_margin=0.5).interval
(0.125, 0.75)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives. Names are fetched on first use, so that `import mdmkit` stays
# light and no optional library is needed before it is used.
_HOME = {
    "compare": "comparison",
    "Comparison": "comparison",
    "count_metric": "metrics",
    "CountMetric": "metrics",
    "evaluate": "evaluation",
    "Evaluation": "evaluation",
    "F1": "metrics",
    "FBeta": "metrics",
    "Frame": "frames",
    "InputError": "errors",
    "InputTypeError": "errors",
    "IoU": "metrics",
    "Margin": "margin",
    "MaskMetric": "metrics",
    "mdm": "thresholding",
    "MeanF1": "metrics",
    "Metric": "metrics",
    "NoTargetError": "errors",
    "PPV": "metrics",
    "Precision": "metrics",
    "RangeError": "errors",
    "Recall": "metrics",
    "Result": "evaluation",
    "SIoU": "metrics",
    "threshold_curve": "thresholding",
    "ThresholdCurve": "curves",
}

__all__ = [*_HOME, "__version__"]  # noqa: PLE0604

if TYPE_CHECKING:
    from mdmkit.comparison import Comparison, compare
    from mdmkit.curves import ThresholdCurve
    from mdmkit.errors import InputError, InputTypeError, NoTargetError, RangeError
    from mdmkit.evaluation import Evaluation, Result, evaluate
    from mdmkit.frames import Frame
    from mdmkit.margin import Margin
    from mdmkit.metrics import (
        F1,
        PPV,
        CountMetric,
        FBeta,
        IoU,
        MaskMetric,
        MeanF1,
        Metric,
        Precision,
        Recall,
        SIoU,
        count_metric,
    )
    from mdmkit.thresholding import mdm, threshold_curve


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'mdmkit' has no attribute {name!r}")
    value = getattr(import_module(f"mdmkit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
