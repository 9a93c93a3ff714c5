"""Comparisons as text: terminal, Markdown, CSV, JSON, LaTeX."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mdmkit.errors import InputError
from mdmkit.measures import MarginAt, Measure

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mdmkit.comparison import Comparison
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
    best : frozenset of int
        Rows that hold the best value, as shown; none where all are equal.
    """

    name: str
    condition: str
    arrow: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()

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


def _titles(measure: Measure) -> tuple[str, str]:
    """Name and condition of a measure."""
    if measure.key in HEADINGS:
        return HEADINGS[measure.key], ""
    if isinstance(measure, MarginAt):
        name = METRIC_HEADINGS.get(measure.metric.name, measure.metric.name)
        return f"MDM {name}", f"T={measure.t_margin:g}"
    metric, _, at = measure.key.partition("@")
    return METRIC_HEADINGS.get(metric, metric), f"at {at}"


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal; "-" where undefined."""
    return UNDEFINED if value is None else f"{100 * value:.1f}"


def _value_column(measure: Measure, results: Sequence[Result]) -> Column:
    values = [result[measure.key] for result in results]
    defined = [value for value in values if value is not None]
    best: frozenset[int] = frozenset()
    if len({percent(value) for value in defined}) > 1:  # else nobody leads
        top = max(defined) if measure.higher_is_better else min(defined)
        shown = percent(top)  # what reads as equal is marked as equal
        best = frozenset(i for i, value in enumerate(values) if percent(value) == shown)
    arrow = "↑" if measure.higher_is_better else "↓"
    return Column(*_titles(measure), arrow, tuple(percent(value) for value in values), best)


def _threshold_column(measure: MarginAt, results: Sequence[Result]) -> Column:
    cells = []
    for result in results:
        interval = result.values.get(f"{measure.key}_interval")
        threshold = result.values.get(f"{measure.key}_threshold")
        cells.append(
            UNDEFINED
            if interval is None
            else f"{threshold:.3f} [{interval[0]:.3f}, {interval[1]:.3f})"
        )
    return Column(*_titles(measure), "", tuple(cells))


def blocks(comparison: Comparison) -> list[Block]:
    """The values, margins apart from the rest, and the thresholds which the margins recommend."""
    results, measures = comparison.results, comparison.measures
    margins = [measure for measure in measures if isinstance(measure, MarginAt)]
    others = [measure for measure in measures if not isinstance(measure, MarginAt)]
    found = [
        Block("Quality, %", tuple(_value_column(m, results) for m in others)),
        Block("Maximal Detection Margin, %", tuple(_value_column(m, results) for m in margins)),
    ]
    if comparison.settings["aggregate"] == "pooled":
        columns = tuple(_threshold_column(m, results) for m in margins)
        if any(cell != UNDEFINED for column in columns for cell in column.cells):
            found.append(Block("Recommended threshold [margin)", columns))
    return [block for block in found if block.columns]


def notes(comparison: Comparison) -> list[str]:
    """What a reader of the table must know."""
    settings, results = comparison.settings, comparison.results
    first = results[0]
    of = f" of {settings['dataset']}" if settings.get("dataset") else ""
    lines = [
        "anomaly is the positive class; a pixel is predicted where score > z",
        f"{first.frames} frames{of}, {first.pixels} valid pixels, "
        f"{first.anomalous_pixels} anomalous; "
        f"{first.components} components of at least {settings['min_target']} pixels",
        f"component sizes: min_prediction={settings['min_prediction']}, "
        f"min_target={settings['min_target']}; aggregate: {settings['aggregate']}",
    ]
    if settings["left_out"]:
        lines.append(f"{settings['left_out']} frames left out that not every method has")
    kinds = settings["normalize"]
    if set(kinds.values()) != {"none"}:
        lines.append(
            "normalised: " + ", ".join(f"{k} by {v}" for k, v in kinds.items() if v != "none")
        )
    if len(set(kinds.values())) > 1 and any(isinstance(m, MarginAt) for m in comparison.measures):
        lines.append("margins of methods that were normalised in different ways do not compare")
    for result in results:
        widths = [
            values[1] - values[0]
            for key, values in result.values.items()
            if key.endswith("_bracket") and values
        ]
        if any(widths):
            lines.append(
                f"{result.method}: scores fell on a grid of thresholds for want of memory; "
                f"brackets (JSON, CSV) are up to {100 * max(widths):.2g} points wide"
            )
        for reason in dict.fromkeys(result.refused.values()):
            keys = [key for key, why in result.refused.items() if why == reason]
            lines.append(f"{result.method}: {', '.join(keys)} refused: {reason}")
        for measure in comparison.measures:
            images = result.values.get(f"{measure.key}_images")
            if images and images["undefined"]:
                lines.append(
                    f"{result.method}: {measure.key} undefined in {images['undefined']} "
                    f"of {result.frames} images"
                )
    return lines


def _methods(comparison: Comparison) -> list[str]:
    return [result.method for result in comparison.results]


def to_renderables(comparison: Comparison) -> list[RenderableType]:
    """Tables and notes for a rich console."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    parts: list[RenderableType] = []
    for block in blocks(comparison):
        table = Table(title=block.title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
        table.add_column("method", overflow="fold")
        for column in block.columns:
            table.add_column(Text(column.narrow_heading), justify="right", no_wrap=True)
        for row, method in enumerate(_methods(comparison)):
            cells = [
                Text(f"{c.cells[row]}*", style="bold")
                if row in c.best
                else Text(f"{c.cells[row]} ")
                for c in block.columns
            ]
            table.add_row(Text(method), *cells)
        parts.append(table)
    lines = ["* best of its column", *notes(comparison)]
    parts.append(Text("\n".join(lines)))
    return parts


_WIDTH = 400  # a file has room: numbers are never cut


def _to_terminal(comparison: Comparison) -> str:
    from rich.console import Console

    buffer = io.StringIO()
    console = Console(file=buffer, width=_WIDTH, color_system=None)
    for part in to_renderables(comparison):
        console.print(part)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _to_markdown(comparison: Comparison) -> str:
    def escaped(text: str) -> str:
        return re.sub(r"([\\`*_\[\]<>&~|])", r"\\\1", " ".join(text.split()))

    lines: list[str] = []
    for block in blocks(comparison):
        lines += [f"**{block.title}**", ""]
        lines.append("| method | " + " | ".join(escaped(c.heading) for c in block.columns) + " |")
        lines.append("|:--|" + "--:|" * len(block.columns))
        for row, method in enumerate(_methods(comparison)):
            cells = [
                f"**{c.cells[row]}**" if row in c.best else c.cells[row] for c in block.columns
            ]
            lines.append(f"| {escaped(method)} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [f"- {escaped(line)}" for line in ["bold: best of its column", *notes(comparison)]]
    return "\n".join(lines) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "*": "{*}", "[": "{[}", "↑": r"$\uparrow$", "↓": r"$\downarrow$", ">": r"$>$", "<": r"$<$",
}  # fmt: skip


def _to_latex(comparison: Comparison) -> str:
    def escaped(text: str) -> str:
        return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))

    columns = [
        column
        for block in blocks(comparison)
        if not block.title.startswith("Recommended")
        for column in block.columns
    ]
    lines = [
        r"% \usepackage{booktabs}",
        *(f"% {' '.join(line.split())}" for line in notes(comparison)),
    ]
    lines += [rf"\begin{{tabular}}{{l{'r' * len(columns)}}}", r"\toprule"]
    lines.append("method & " + " & ".join(escaped(c.heading) for c in columns) + r" \\")
    lines.append(r"\midrule")
    for row, method in enumerate(_methods(comparison)):
        cells = [
            rf"\textbf{{{c.cells[row]}}}" if row in c.best else c.cells[row].replace("-", "--")
            for c in columns
        ]
        lines.append(" & ".join([escaped(method), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    return "\n".join(lines) + "\n"


def _to_json(comparison: Comparison) -> str:
    return json.dumps(comparison.to_dict(), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Pairs and dictionaries of a row as columns of their own."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key == "refused":
            flat[key] = "; ".join(f"{name}: {why}" for name, why in value.items())
        elif isinstance(value, dict):
            flat |= {f"{key}_{name}": item for name, item in value.items()}
        elif key.endswith(("_interval", "_bracket")):
            low, high = value or (None, None)
            flat |= {f"{key}_low": low, f"{key}_high": high}
        else:
            flat[key] = value
    return flat


def _to_csv(comparison: Comparison) -> str:
    """Fractions in full precision under the names of the JSON; undefined is empty."""
    names = ("aggregate", "min_prediction", "min_target", "positive_class", "comparison")
    shared = {name: comparison.settings[name] for name in names}
    rows = [_flat(result.to_dict()) | shared for result in comparison.results]
    fields = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "table": _to_terminal,
    "markdown": _to_markdown,
    "csv": _to_csv,
    "json": _to_json,
    "latex": _to_latex,
}


def render(comparison: Comparison, form: str) -> str:
    """A comparison as text, in one of `FORMATS`."""
    if form not in FORMATS:
        raise InputError(f"format: expected one of {', '.join(FORMATS)}, found {form!r}")
    return FORMATS[form](comparison)
