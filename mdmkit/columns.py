"""Columns of tables: headings, numbers as text, and which of them lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmkit.measures import MarginAt, Measure

if TYPE_CHECKING:
    from mdmkit.results import Result

UNDEFINED = "-"
HEADINGS = {
    "ap": "AP", "auroc": "AUROC", "fpr95": "FPR95", "best_f1": "best F1", "siou_gt": "sIoU gt",
    "ppv": "PPV", "mean_f1": "mean F1",
}  # fmt: skip
METRIC_HEADINGS = {
    "f1": "F1", "iou": "IoU", "precision": "precision", "recall": "recall", "siou": "sIoU",
    "ppv": "PPV", "mean_f1": "mean F1", "fpr": "FPR",
}  # fmt: skip
LOWER_IS_BETTER = ("fpr95",)  # of the published columns


@dataclass(frozen=True)
class Column:
    """One measure of all methods, as text.

    Attributes
    ----------
    name, condition : str
        What is measured, and at which T, threshold or rate.
    arrow : str
        Where better is.
    cells : tuple of str
    best, second : frozenset of int
        Rows that hold the best and the second-best value, as shown. None is best where all are
        equal, none second where only two values are shown.
    details : tuple of str
        What stands behind each cell, as an interval; empty where nothing does.
    """

    name: str
    condition: str
    arrow: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()
    second: frozenset[int] = frozenset()
    details: tuple[str, ...] = ()

    def behind(self, row: int) -> str:
        """What stands behind a cell, with a space before it."""
        detail = self.details[row] if row < len(self.details) else ""
        return f" {detail}" if detail else ""

    @property
    def heading(self) -> str:
        """On one line."""
        return " ".join(part for part in (self.name, self.condition, self.arrow) if part)

    @property
    def narrow_heading(self) -> str:
        """On two lines where there is a condition."""
        first = f"{self.name} {self.arrow}".rstrip()
        return f"{first}\n{self.condition}" if self.condition else first


@dataclass(frozen=True)
class Block:
    """Columns that are shown together."""

    title: str
    columns: tuple[Column, ...]
    #: Whether it is a table of its own even where blocks are joined.
    apart: bool = False


def titles(measure: Measure) -> tuple[str, str]:
    """Name and condition of a measure."""
    if isinstance(measure, MarginAt):
        name = METRIC_HEADINGS.get(measure.metric.name, measure.metric.name)
        return f"MDM {name}", f"T={measure.t_margin:g}"
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


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal; "-" where undefined."""
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def value_column(
    name: str, condition: str, higher_is_better: bool, values: Sequence[float | None],
    details: Sequence[str] = (),
) -> Column:  # fmt: skip
    """Fractions as percent, with the leading ones marked."""
    order = sorted((v for v in values if v is not None), reverse=higher_is_better)
    shown = list(dict.fromkeys(map(percent, order)))  # what reads as equal is marked as equal
    best, second = (shown + [""] * 2)[:2]

    def rows(text: str) -> frozenset[int]:
        return frozenset(i for i, value in enumerate(values) if percent(value) == text)

    return Column(
        name, condition, "↑" if higher_is_better else "↓", tuple(map(percent, values)),
        rows(best) if len(shown) > 1 else frozenset(),  # else nobody leads
        rows(second) if len(shown) > 2 else frozenset(), tuple(details),
    )  # fmt: skip


def threshold_column(measure: MarginAt, results: Sequence[Result]) -> Column:
    """The thresholds which a margin recommends, with their intervals."""
    cells = []
    for result in results:
        interval = result.values.get(f"{measure.key}_interval")
        threshold = result.values.get(f"{measure.key}_threshold")
        cells.append(
            UNDEFINED
            if interval is None
            else f"{threshold:.3f} [{interval[0]:.3f}, {interval[1]:.3f})"
        )
    return Column(*titles(measure), "", tuple(cells))
