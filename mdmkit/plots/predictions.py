"""Predictions of single frames as pictures whose colours count the confusion."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from mdmkit.core.errors import InputError
from mdmkit.core.frame import as_unit
from mdmkit.core.labels import ANOMALOUS
from mdmkit.plots.style import FULL, MARKED, OVERLAY, STYLE, check_width, plain

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

_HATCH = "#6E6E6E"
_SMALLEST = 5.5  # points that can still be read
_CAPTION_SIZE = 6.5
_CAPTION = 0.11  # inches of a row's caption


def thresholds_figure(
    frames: Mapping[str, Frame],
    thresholds: Sequence[float] = MARKED,
    *,
    image: NDArray[np.uint8] | None = None,
    width: float = FULL,
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

    Examples
    --------
    >>> from mdmkit import Frame
    >>> from mdmkit.plots import thresholds_figure
    >>> frame = Frame([[0.1, 0.4], [0.6, 0.9]], [[0, 0], [1, 1]])
    >>> figure = thresholds_figure({"mine": frame}, (0.3, 0.5))
    >>> [ax.get_title() for ax in figure.axes]
    ['score map, 0 to 1', 'score > 0.3', 'score > 0.5']
    """
    if not frames or not len(thresholds):
        raise InputError("expected frames and thresholds, found none", argument="thresholds")
    check_width(width)
    first = next(iter(frames.values()))
    _check_image(image, first)
    leading = 0 if image is None else 1
    height, breadth = first.shape
    columns = leading + 1 + len(thresholds)
    # image and ground truth stand below each other in the first column, whatever the methods
    rows = max(len(frames), 2 * leading)
    with rc_context(STYLE):
        cell = width / columns
        figure = Figure(
            figsize=(width, rows * (cell * height / breadth + 0.06 + _CAPTION) + 0.5),
            layout=ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.03),
        )
        axes = figure.subplots(rows, columns, squeeze=False)
        named = {leading: ("score map, 0 to 1", "score map")}
        for column, z in enumerate(thresholds, leading + 1):
            named[column] = (f"score > {z:g}", f"> {z:g}")
        if image is not None:
            named[0] = ("image", "image")
            axes[0][0].imshow(image, interpolation="nearest")
            _show(axes[1][0], ground_truth(first.classes == ANOMALOUS, first.valid), first.valid)
            axes[1][0].set_xlabel(
                "ground truth", labelpad=2, fontsize=_size("ground truth", 0.94 * cell)
            )
        for row, (name, frame) in zip(axes, frames.items(), strict=False):
            _caption(row[leading], name, width - leading * cell)
            _show_scores(row[leading], frame)
            for ax, z in zip(row[leading + 1 :], thresholds, strict=True):
                _show(ax, overlay(frame, z), frame.valid)
        _head(axes[0], named, cell)
        _without_ticks(axes)
        _overlay_legend(figure, any(not f.valid.all() for f in frames.values()))
    return figure


def grid_figure(
    frames: Mapping[str, Mapping[str, Frame]],
    thresholds: Mapping[str, float],
    *,
    images: Mapping[str, NDArray[np.uint8]] | None = None,
    width: float = FULL,
) -> Figure:
    """A row a frame: input, ground truth, and each method's prediction at its own threshold.

    Parameters
    ----------
    frames : mapping of str to mapping of str to Frame
        Each frame as each method scores it, scores in [0, 1].
    thresholds : mapping of str to float
        Of each method.
    images : mapping of str to ndarray of uint8, (H, W, 3), optional
        The frames themselves.
    width : float
        In inches.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    InputError
        If an image is not of its frame's size.

    Examples
    --------
    >>> from mdmkit import Frame
    >>> from mdmkit.plots import grid_figure
    >>> frame = Frame([[0.1, 0.4], [0.6, 0.9]], [[0, 0], [1, 1]])
    >>> figure = grid_figure({"a": {"mine": frame}, "b": {"mine": frame}}, {"mine": 0.5})
    >>> len(figure.axes)  # of each frame the ground truth and one method
    4
    """
    if not frames or not thresholds:
        raise InputError(
            "expected at least one of at least one method, found none", argument="frames"
        )
    check_width(width)
    leading = 2 if images else 1
    columns = leading + len(thresholds)
    cell = width / columns
    shapes = {key: next(iter(methods.values())).shape for key, methods in frames.items()}
    heights = [cell * rows / across for rows, across in shapes.values()]
    with rc_context(STYLE):
        figure = Figure(
            figsize=(width, sum(heights) + (0.06 + _CAPTION) * len(heights) + 0.75),
            layout=ConstrainedLayoutEngine(w_pad=0.015, h_pad=0.03),
        )
        axes = figure.subplots(
            len(frames), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        for row, (key, methods) in zip(axes, frames.items(), strict=True):
            first = next(iter(methods.values()))
            image = (images or {}).get(key)
            _check_image(image, first)
            if image is not None:
                row[0].imshow(image, interpolation="nearest")
            row[0].set_box_aspect(first.shape[0] / first.shape[1])  # with or without an image
            truth = ground_truth(first.classes == ANOMALOUS, first.valid)
            _show(row[leading - 1], truth, first.valid)
            _caption(row[0], key, width)
            for ax, (name, z) in zip(row[leading:], thresholds.items(), strict=True):
                _show(ax, overlay(methods[name], z), methods[name].valid)
        named = {0: ("image", "image")} if images else {}
        named[leading - 1] = ("ground truth", "truth")
        for column, z in enumerate(thresholds.values(), leading):
            named[column] = (f"score > {z:.3g}", f"> {z:.3g}")
        _head(axes[0], named, cell, dict(enumerate(thresholds, leading)))
        _without_ticks(axes)
        every = [frame for methods in frames.values() for frame in methods.values()]
        _overlay_legend(figure, any(not frame.valid.all() for frame in every))
    return figure


def _check_image(image: NDArray[np.uint8] | None, frame: Frame) -> None:
    if image is not None and image.shape[:2] != frame.shape:
        raise InputError(
            f"expected the size {frame.shape}, found {image.shape[:2]}", argument="image"
        )


def _show(ax: Axes, picture: NDArray[np.uint8], valid: NDArray[np.bool_]) -> None:
    """A picture of areas, with what is ignored hatched."""
    ax.imshow(picture, interpolation="nearest")
    if not valid.all() and min(valid.shape) > 1:
        hatched = ax.contourf(~valid, levels=[0.5, 1.5], colors="none", hatches=["//////"])
        hatched.set_edgecolor(_HATCH)
        hatched.set_linewidth(0)


def _show_scores(ax: Axes, frame: Frame) -> None:
    from matplotlib import colormaps

    magma = colormaps["magma"](np.where(frame.valid, as_unit(frame.scores), 0), bytes=True)[..., :3]
    magma[~frame.valid] = _painted({"ignored": ~frame.valid})[~frame.valid]
    _show(ax, magma, frame.valid)


def _without_ticks(axes: NDArray[Any]) -> None:
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
        if not (ax.images or ax.texts):
            ax.set_axis_off()


def _head(
    axes: NDArray[Any],
    named: Mapping[int, tuple[str, str]],
    inches: float,
    above: Mapping[int, str] | None = None,
) -> None:
    """Headings of columns, long or short as columns are wide, with methods' names above them."""
    inches *= 0.94  # between one heading and the next there is air
    longest = max((long for long, _ in named.values()), key=len)
    short = _size(longest, inches) < _SMALLEST
    parts = [heading[short] for heading in named.values()]
    for name in (above or {}).values():
        words = _words(name)
        parts += words if len(words) > 1 else []
    size = max(_SMALLEST, min(_size(part, inches) for part in parts))
    for column, heading in named.items():
        lines = [heading[short]]
        if above and column in above:
            lines = [_folded(above[column], inches, size), *lines]
        # above the row's own caption
        axes[column].set_title("\n".join(lines), fontsize=size, pad=_CAPTION_SIZE + 5)


def _caption(ax: Axes, name: str, inches: float) -> None:
    """A row's name above its first picture, over the others if it is long."""
    # keeps the room, unless a heading does: the name itself, which may be long, is not laid out
    ax.set_title(" ", fontsize=_CAPTION_SIZE, pad=3)
    text = ax.annotate(
        _fitted(name, inches, _CAPTION_SIZE), (0, 1), (0, 2), xycoords="axes fraction",
        textcoords="offset points", fontsize=_CAPTION_SIZE, annotation_clip=False,
    )  # fmt: skip
    text.set_in_layout(False)


def _breadth(text: str, size: float) -> float:
    """Inches that a line takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    wide, _, _ = text_to_path.get_text_width_height_descent(
        text, FontProperties(size=size), ismath=False
    )
    return float(wide) / 72


def _size(text: str, inches: float) -> float:
    """Points at which a line fits, 8 at most."""
    return 8 * min(1.0, inches / _breadth(text, 8))


def _fitted(name: str, inches: float, size: float) -> str:
    """A name shortened to a length on paper, by what is in its middle."""
    shown = name
    for kept in range(len(name) - 1, 2, -1):
        if _breadth(shown, size) <= inches:
            break
        end = kept // 3
        shown = f"{name[: kept - end]}…{name[len(name) - end :]}"
    return plain(shown)


def _words(name: str) -> list[str]:
    """Where a name may be folded: after hyphens, underscores and blanks."""
    return re.findall(r"[^-_ ]+[-_ ]*|[-_ ]+", name)


def _folded(name: str, inches: float, size: float) -> str:
    """A name on one line or two, shortened only where two are too few."""
    words = _words(name)
    for first in range(len(words), 0, -1):
        lines = [line for line in ("".join(words[:first]), "".join(words[first:])) if line]
        if all(_breadth(line, size) <= inches for line in lines):
            return "\n".join(map(plain, lines))
    return _fitted(name, inches, size)


def ground_truth(anomalous: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """RGB image of what is anomalous, as the overlay of a prediction that finds it.

    Parameters
    ----------
    anomalous, valid : ndarray of bool, shape (H, W)

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        In `OVERLAY` colours.

    Examples
    --------
    >>> from mdmkit.plots import ground_truth
    >>> ground_truth(np.array([[True]]), np.array([[True]])).tolist()  # OVERLAY["tp"]
    [[[0, 158, 115]]]
    """
    return _painted({"tn": ~anomalous, "tp": anomalous, "ignored": ~valid})


def overlay(frame: Frame, z: float) -> NDArray[np.uint8]:
    """RGB image of the prediction score > z, whose colours count the confusion.

    Parameters
    ----------
    frame : Frame
        Scores in [0, 1].
    z : float

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        In `OVERLAY` colours: as many pixels of each as TP, FP, FN, TN and ignored ones say.

    Examples
    --------
    >>> from mdmkit import Frame
    >>> from mdmkit.plots import overlay
    >>> overlay(Frame([[0.2, 0.9]], [[1, 0]]), 0.5).tolist()  # missed, false alarm
    [[[86, 180, 233], [213, 94, 0]]]
    """
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
    handles = [
        Patch(facecolor=OVERLAY[key], label=name, edgecolor=_HATCH, linewidth=0,
              hatch="//////" if key == "ignored" else None)
        for key, name in names.items()
    ]  # fmt: skip
    figure.legend(
        handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.4
    )
