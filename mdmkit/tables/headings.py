"""Headings of columns, from the names of measures."""

from __future__ import annotations

from typing import Protocol

HEADINGS = {
    "ap": "AP", "auroc": "AUROC", "fpr95": "FPR95", "best_f1": "best F1", "siou_gt": "sIoU gt",
    "ppv": "PPV", "mean_f1": "mean F1",
}  # fmt: skip
METRIC_HEADINGS = {
    "f1": "F1", "iou": "IoU", "precision": "precision", "recall": "recall", "siou": "sIoU",
    "ppv": "PPV", "mean_f1": "mean F1", "fpr": "FPR",
}  # fmt: skip
LOWER_IS_BETTER = ("fpr95",)  # of the published columns


class Named(Protocol):
    """A measure, by its name in results."""

    @property
    def key(self) -> str: ...


def titles(measure: Named) -> tuple[str, str]:
    """Name and condition of a measure."""
    return key_titles(measure.key)


def key_titles(key: str) -> tuple[str, str]:
    """Name and condition of a measure's name, or of a printed heading."""
    inner, is_banded, width = key.rpartition("@band=")
    if is_banded:
        name, condition = key_titles(inner)
        return name, f"{condition} within {width} px".strip()
    if key in HEADINGS:
        return HEADINGS[key], ""
    metric, sign, at = key.partition("@")
    if metric.startswith("mdm_"):
        metric = metric.removeprefix("mdm_")
        return f"MDM {METRIC_HEADINGS.get(metric, metric)}", f"T={at}"
    return METRIC_HEADINGS.get(metric, metric), f"at {at}" if sign else ""
