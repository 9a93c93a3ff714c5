"""Headings of columns, from the names of measures."""

from __future__ import annotations

from typing import Protocol

HEADINGS = {
    "ap": "AP",
    "auroc": "AUROC",
    "fpr95": "FPR95",
    "best_f1": "best F1",
    "siou_gt": "sIoU gt",
    "ppv": "PPV",
    "mean_f1": "mean F1",
    "autc": "AUTC",
    "image_ap": "image AP",
    "image_auroc": "image AUROC",
    "image_f1": "image F1",
}
METRIC_HEADINGS = {
    "f1": "F1",
    "iou": "IoU",
    "precision": "precision",
    "recall": "recall",
    "siou": "sIoU",
    "ppv": "PPV",
    "mean_f1": "mean F1",
    "fpr": "FPR",
    "pro": "PRO",
    "spro": "sPRO",
    "boundary_iou": "Boundary IoU",
    "boundary_f": "Boundary F",
    "nsd": "NSD",
    "fbeta": "F-beta",
    "found": "found",
    "aupro": "AUPRO",
    "auspro": "AUsPRO",
    "aupimo": "AUPIMO",
}
#: Of figures, where there is room for more.
METRIC_LABELS = {
    "f1": "pixel F1",
    "iou": "pixel IoU",
    "precision": "pixel precision",
    "recall": "pixel recall",
    "siou": "mean sIoU",
    "ppv": "mean PPV",
    "mean_f1": "component mean F1",
}
LOWER_IS_BETTER = ("fpr95",)  # of the published columns


class Named(Protocol):
    """A measure, by its name in results."""

    @property
    def key(self) -> str: ...

    @property
    def sizes_used(self) -> str: ...


def titles(measure: Named) -> tuple[str, str]:
    """Name and condition of a measure, with the component sizes that it depends on."""
    name, condition = key_titles(measure.key)
    return name, ", ".join(part for part in (condition, measure.sizes_used) if part)


def key_titles(key: str) -> tuple[str, str]:
    """Name and condition of a measure's name, or of a printed heading."""
    name, *parts = key.split("@")
    metric = name.removeprefix("mdm_")
    is_margin = metric != name
    heading = HEADINGS.get(name) or METRIC_HEADINGS.get(metric, metric)
    conditions = (_condition(part, is_margin) for part in parts)
    return f"MDM {heading}" if is_margin else heading, ", ".join(conditions)


_UNITS = {"band": "within {} px", "px": "{} px", "size": "{} px", "score": "{}"}
_RATES = ("z", "tpr", "fpr")  # at which something is judged


def _condition(part: str, is_margin: bool) -> str:
    key, sign, value = part.partition("=")
    if not sign:
        return f"T={part}" if is_margin else f"at {part}"
    if key == "alarms":
        return f"at {value} alarm{'' if value == '1' else 's'}"
    if key in _UNITS:
        return _UNITS[key].format(value)
    return f"at {part}" if key in _RATES else part
