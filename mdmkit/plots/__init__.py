"""Figures with matplotlib. They take an `Axes` or make a `Figure`, and never need a display."""

from mdmkit.plots.margins import draw_curve, margin_figure
from mdmkit.plots.predictions import ground_truth, overlay, thresholds_figure
from mdmkit.plots.style import (
    COLOURS,
    DASHES,
    MARKED,
    METADATA,
    METRIC_LABELS,
    OVERLAY,
    STYLE,
    check_figure_name,
    check_width,
    save_figure,
)

__all__ = [
    "COLOURS",
    "DASHES",
    "MARKED",
    "METADATA",
    "METRIC_LABELS",
    "OVERLAY",
    "STYLE",
    "check_figure_name",
    "check_width",
    "draw_curve",
    "ground_truth",
    "margin_figure",
    "overlay",
    "save_figure",
    "thresholds_figure",
]
