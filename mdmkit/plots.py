"""Figures with matplotlib. They take an `Axes` or make a `Figure`, and never need a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.files import write_atomically
from mdmkit.frames import ANOMALOUS, as_unit

if TYPE_CHECKING:
    from mdmkit.curves import ThresholdCurve
    from mdmkit.frames import Frame

#: Okabe and Ito's colours, told apart by colour-blind readers too; with a dash for print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (5, 1, 1, 1)))
#: Thresholds at which the paper shows predictions.
MARKED = (0.3, 0.5, 0.8)
#: Confusion colours: true positive, false positive, miss, ignored, background.
OVERLAY = {"tp": "#009E73", "fp": "#D55E00", "fn": "#56B4E9", "ignored": "#BBBBBB", "tn": "#1A1A1A"}
STYLE: Any = {
    "font.size": 8, "axes.titlesize": 8, "axes.labelsize": 8, "legend.fontsize": 7,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "axes.linewidth": 0.6, "lines.linewidth": 1.2,
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "pdf.fonttype": 42, "svg.hashsalt": "mdmkit", "savefig.dpi": 200, "figure.dpi": 200,
}  # fmt: skip
_MOST_DRAWN = 4000
METRIC_LABELS = {
    "f1": "pixel F1", "iou": "pixel IoU", "precision": "pixel precision",
    "recall": "pixel recall", "siou": "mean sIoU", "ppv": "mean PPV",
    "mean_f1": "component mean F1",
}  # fmt: skip


def _points(curve: ThresholdCurve, extra: Sequence[float]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Steps to draw: all of them, or as many as a page can show with those at `extra`."""
    edges = curve.edges
    if edges.size > _MOST_DRAWN:
        edges = np.unique(np.concatenate([np.linspace(0, 1, _MOST_DRAWN), list(extra)]))
    return edges, curve(np.minimum(edges[:-1], 1.0))


def draw_curve(
    curve: ThresholdCurve,
    ax: Axes | None = None,
    t_margin: float | None = None,
    *,
    label: str | None = None,
    colour: str = COLOURS[0],
    dash: Any = "-",
) -> Axes:
    """Draw d over the threshold; with T, shade the margin between T and the curve.

    Parameters
    ----------
    curve : ThresholdCurve
    ax : matplotlib Axes, optional
        A new figure's by default.
    t_margin : float, optional
        The required quality T.
    label, colour, dash
        Of the line.

    Returns
    -------
    Axes
    """
    if ax is None:
        with rc_context(STYLE):
            ax = Figure(figsize=(3.5, 2.4), layout="constrained").add_subplot()
            _name_axes(ax, curve)
            if t_margin is not None:
                _draw_t(ax, t_margin)
    margin = None if t_margin is None else curve.margin(t_margin)
    interval = margin.interval if margin else None
    edges, values = _points(curve, interval or ())
    ax.stairs(
        values, edges, baseline=None, color=colour, linestyle=dash, label=label, linewidth=1.2
    )
    if interval is not None and t_margin is not None:
        inside = (edges[:-1] >= interval[0]) & (edges[:-1] < interval[1])
        x = np.append(edges[:-1][inside], interval[1])
        y = np.append(values[inside], values[inside][-1])
        ax.fill_between(x, t_margin, y, step="post", color=colour, alpha=0.18, linewidth=0)
    return ax


def check_width(width: float) -> None:
    """Refuse widths that no page has, in inches."""
    if not 1 <= width <= 100:
        raise InputError(f"width: expected 1 to 100 inches, found {width!r}")


def _name_axes(ax: Axes, curve: ThresholdCurve) -> None:
    name = METRIC_LABELS.get(curve.metric, _plain(curve.metric))
    if curve.min_prediction or curve.min_target:
        name += f"\n(sizes {curve.min_prediction} / {curve.min_target})"
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="threshold z", ylabel=name)


def _draw_t(ax: Axes, t_margin: float) -> None:
    ax.axhline(t_margin, color="0.35", linewidth=0.8, linestyle=(0, (3, 2)))
    ax.annotate(
        f"T = {t_margin:g}", (1, t_margin), (3, 0), textcoords="offset points",
        ha="left", va="center", fontsize=7, color="0.35", annotation_clip=False,
    )  # fmt: skip


def _draw_marked(ax: Axes) -> None:
    for z in MARKED:
        ax.axvline(z, color="0.8", linewidth=0.6, zorder=0)


def margin_figure(
    curves: Mapping[str, ThresholdCurve], t_margin: float, *, width: float = 5.2
) -> Figure:
    """D over the threshold for several methods, and beneath it each method's margin as a bar.

    Parameters
    ----------
    curves : mapping of str to ThresholdCurve
        Of one metric, by method.
    t_margin : float
        The required quality T.
    width : float
        In inches; 5.2 fits two columns, 3.4 one.

    Returns
    -------
    matplotlib Figure
        The bar is the margin's interval with its length; the dot the recommended threshold.
    """
    if not curves:
        raise InputError("curves: expected at least one, found none")
    check_width(width)
    first = next(iter(curves.values()))
    lane = 0.2
    with rc_context(STYLE):
        figure = Figure(
            figsize=(width, 0.52 * width + lane * len(curves) + 0.35), layout="constrained"
        )
        top, bottom = figure.subplots(
            2, 1, sharex=True,
            gridspec_kw={"height_ratios": [0.52 * width, lane * len(curves) + 0.1]},
        )  # fmt: skip
        _draw_marked(top)
        _draw_marked(bottom)
        for row, curve in enumerate(curves.values()):
            colour, dash = _looks(row)
            draw_curve(curve, top, t_margin, colour=colour, dash=dash)
            _draw_lane(bottom, row, curve, t_margin, colour)
        _name_axes(top, first)
        _draw_t(top, t_margin)
        top.set_xlabel("")
        # handles by hand: matplotlib would leave out names that begin with an underscore
        top.legend(
            handles=list(top.patches), labels=[_plain(name) for name in curves],
            loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=min(len(curves), 4),
        )  # fmt: skip
        bottom.set(ylim=(len(curves) - 0.5, -0.5), yticks=range(len(curves)), xlabel="threshold z")
        bottom.set_yticklabels([_plain(name) for name in curves])
        bottom.set_xticks(sorted({0.0, 0.2, 0.4, 0.6, 1.0, *MARKED}))
        bottom.tick_params(axis="y", length=0)
    return figure


def _plain(name: str) -> str:
    """A name without mathematics: dollars are dollars."""
    return name.replace("$", r"\$")


def _looks(row: int) -> tuple[str, Any]:
    colours, dashes = cycle(COLOURS), cycle(DASHES)
    for _ in range(row):
        next(colours), next(dashes)
    return next(colours), next(dashes)


def _draw_lane(ax: Axes, row: int, curve: ThresholdCurve, t_margin: float, colour: str) -> None:
    margin = curve.margin(t_margin)
    style: dict[str, Any] = {"va": "center", "fontsize": 7}
    if margin.interval is None or margin.threshold is None:
        ax.text(0.01, row, f"MDM 0: never above T = {t_margin:g}", color=colour, **style)
        return
    low, high = margin.interval
    ax.barh(row, high - low, left=low, height=0.5, color=colour, alpha=0.35, linewidth=0)
    ax.plot([margin.threshold], [row], "o", color=colour, markersize=3)
    text = f"MDM {100 * margin.value:.1f}"
    if high <= 0.8:
        ax.text(high + 0.01, row, text, ha="left", color=colour, **style)
    elif low >= 0.2:
        ax.text(low - 0.01, row, text, ha="right", color=colour, **style)
    else:
        ax.text(margin.threshold + 0.015, row, text, ha="left", color="black", **style)


def thresholds_figure(
    frames: Mapping[str, Frame],
    thresholds: Sequence[float] = MARKED,
    *,
    image: NDArray[np.uint8] | None = None,
    width: float = 7.0,
) -> Figure:
    """One frame as several methods score it: the map, and the prediction at each threshold.

    Parameters
    ----------
    frames : mapping of str to Frame
        The same frame of each method, scores in [0, 1].
    thresholds : sequence of float
    image : ndarray of uint8, (H, W, 3), optional
        The frame itself; with it, image and ground truth lead the page.
    width : float
        In inches.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If the image is not of the frames' size.
    """
    first = next(iter(frames.values()))
    if image is not None and image.shape[:2] != first.shape:
        raise InputError(f"image: expected the size {first.shape}, found {image.shape[:2]}")
    leading = 0 if image is None else 1
    height, breadth = first.shape
    columns = leading + 1 + len(thresholds)
    # image and ground truth stand below each other in the first column, whatever the methods
    rows = max(len(frames), 2 * leading)
    with rc_context(STYLE):
        cell = width / columns
        figure = Figure(
            figsize=(width, rows * (cell * height / breadth + 0.08) + 0.5), layout="constrained"
        )
        axes = figure.subplots(rows, columns, squeeze=False)
        if image is not None:
            axes[0][0].imshow(image, interpolation="nearest")
            axes[0][0].set_title("image")
            truth = ground_truth(first.classes == ANOMALOUS, first.valid)
            axes[1][0].imshow(truth, interpolation="nearest")
            axes[1][0].set_xlabel("ground truth", labelpad=2)
        for row, (name, frame) in zip(axes, frames.items(), strict=False):
            scores = np.where(frame.valid, as_unit(frame.scores), np.nan)
            row[leading].imshow(scores, vmin=0, vmax=1, cmap="magma", interpolation="nearest")
            row[leading].set_ylabel(_plain(name))
            for ax, z in zip(row[leading + 1 :], thresholds, strict=True):
                ax.imshow(overlay(frame, z), interpolation="nearest")
        axes[0][leading].set_title("score map, 0 to 1")
        for ax, z in zip(axes[0][leading + 1 :], thresholds, strict=True):
            ax.set_title(f"score > {z:g}")
        for ax in axes.flat:
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(False)
            if not ax.images:
                ax.set_axis_off()
        _overlay_legend(figure, any(not f.valid.all() for f in frames.values()))
    return figure


def ground_truth(anomalous: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) of what is anomalous, as the overlay of a prediction that finds it."""
    return _painted({"tn": ~anomalous, "tp": anomalous, "ignored": ~valid})


def overlay(frame: Frame, z: float) -> NDArray[np.uint8]:
    """RGB image (H, W, 3) of the prediction score > z, by `OVERLAY` colours."""
    scores = np.where(frame.valid, as_unit(frame.scores), -1.0)
    predicted, anomalous = scores > z, frame.classes == ANOMALOUS
    return _painted({
        "tn": ~predicted & ~anomalous,
        "tp": predicted & anomalous,
        "fp": predicted & ~anomalous,
        "fn": ~predicted & anomalous,
        "ignored": ~frame.valid,
    })  # fmt: skip


def _painted(areas: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Areas in their `OVERLAY` colours, later ones above earlier ones."""
    from matplotlib.colors import to_rgb

    image = np.empty((*next(iter(areas.values())).shape, 3), np.uint8)
    for name, where in areas.items():
        image[where] = np.round(255 * np.array(to_rgb(OVERLAY[name])))
    return image


def _overlay_legend(figure: Figure, ignored: bool) -> None:
    from matplotlib.patches import Patch

    names = {"tp": "detected", "fp": "false alarm", "fn": "missed"}
    if ignored:
        names["ignored"] = "ignored"
    handles = [Patch(color=OVERLAY[key], label=name) for key, name in names.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


#: Suffixes of figures, with what keeps their bytes the same each time.
METADATA: dict[str, dict[str, Any]] = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}


def check_figure_name(output: Path) -> None:
    """Refuse suffixes other than `.pdf`, `.svg`, `.png`."""
    if output.suffix.lower() not in METADATA:
        raise InputError(
            f"output: expected a name ending in {', '.join(METADATA)}, found {output.name!r}"
        )


def save_figure(figure: Figure, output: Path) -> None:
    """Write a figure by suffix (`.pdf`, `.svg`, `.png`), the same bytes each time."""
    check_figure_name(output)
    metadata = METADATA[output.suffix.lower()]
    with rc_context(STYLE):
        write_atomically(output, lambda path: figure.savefig(path, metadata=metadata))
