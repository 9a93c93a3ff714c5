"""Names that a shell offers after an option: layouts, measures, normalisers, forms.

Each function takes what was typed so far, and returns what it may become.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

Complete = Callable[[str], list[str]]


def one_of(forms: str) -> Complete:
    """One of the names in `a|b|c`."""
    choices = forms.split("|")

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def several_of(names: Callable[[], Iterable[str]]) -> Complete:
    """The last of several names with commas between them, none offered twice."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        given = before.split(",")
        return [
            f"{before}{comma}{name}"
            for name in names()
            if name.startswith(last) and name not in given
        ]

    return complete


def layouts(incomplete: str) -> list[str]:
    """`LAYOUT:`, to be followed by a root."""
    from mdmkit.datasets.registry import layout_names

    return [f"{name}:" for name in layout_names() if name.startswith(incomplete)]


def normalizers(incomplete: str) -> list[str]:
    """`KIND`, or `NAME=KIND` once a name stands there."""
    from mdmkit.statistics.normalizers import NORMALIZERS

    method, sign, kind = incomplete.rpartition("=")
    return [f"{method}{sign}{name}" for name in NORMALIZERS if name.startswith(kind)]


def published(incomplete: str) -> list[str]:
    """Names of printed tables."""
    from mdmkit.comparison.published import published_names

    return [name for name in published_names() if name.startswith(incomplete)]


def measure_names() -> list[str]:
    """Measures that need no number, and margins at two usual T."""
    from mdmkit.metrics.names import MDM_METRICS, NAMES

    return [*NAMES, *(f"mdm_{metric}@{t}" for metric in MDM_METRICS for t in (0.5, 0.7))]


def metric_names() -> list[str]:
    """Segment metrics by name."""
    from mdmkit.metrics.names import MDM_METRICS

    return list(MDM_METRICS)


measures = several_of(measure_names)
metrics = several_of(metric_names)
