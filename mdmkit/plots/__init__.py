"""Figures with matplotlib. They take an `Axes` or make a `Figure`, and never need a display."""

from mdmkit.core.extras import needed_by

with needed_by("mdmkit.plots"):
    import matplotlib  # noqa: F401

from mdmkit.plots.curves import draw_curve
from mdmkit.plots.detections import draw_froc, froc_figure
from mdmkit.plots.margins import margin_figure, margin_multiples
from mdmkit.plots.margins_by_t import draw_margins_by_t, margins_by_t_figure, margins_by_t_multiples
from mdmkit.plots.overlays import ground_truth, overlay
from mdmkit.plots.predictions import grid_figure, thresholds_figure
from mdmkit.plots.ranking import draw_precision_recall, draw_roc, ranking_figure, ranking_multiples
from mdmkit.plots.requirements import requirements_figure
from mdmkit.plots.selections import by_figure, draw_by
from mdmkit.plots.style import (
    COLOURS,
    DASHES,
    DOUBLE,
    FULL,
    MARKED,
    METADATA,
    METRIC_LABELS,
    OVERLAY,
    SINGLE,
    STYLE,
    WIDTHS,
    as_width,
    check_figure_name,
    save_figure,
)

__all__ = [
    "COLOURS",
    "DASHES",
    "DOUBLE",
    "FULL",
    "MARKED",
    "METADATA",
    "METRIC_LABELS",
    "OVERLAY",
    "SINGLE",
    "STYLE",
    "WIDTHS",
    "as_width",
    "by_figure",
    "check_figure_name",
    "draw_by",
    "draw_curve",
    "draw_froc",
    "draw_margins_by_t",
    "draw_precision_recall",
    "draw_roc",
    "froc_figure",
    "grid_figure",
    "ground_truth",
    "margin_figure",
    "margin_multiples",
    "margins_by_t_figure",
    "margins_by_t_multiples",
    "overlay",
    "ranking_figure",
    "ranking_multiples",
    "requirements_figure",
    "save_figure",
    "thresholds_figure",
]
