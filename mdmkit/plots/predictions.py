"""Frames as methods score them: predictions at several thresholds, or at each method's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.core.arguments import as_floats, check_kind, check_that
from mdmkit.core.errors import InputError
from mdmkit.plots import overlays, sheets, style

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

Image = NDArray[np.uint8]

_NAME = 1.6  # inches of a row's name, where columns are narrower
_MAP = ("score map, 0 to 1", "score map")


@rc_context(style.STYLE)
def thresholds_figure(
    frames: Mapping[str, Frame],
    thresholds: Sequence[float] = style.MARKED,
    *,
    image: Image | None = None,
    width: float | str = style.FULL,
) -> Figure:
    """Draw one frame as methods score it: the map, and the prediction at each threshold.

    Parameters
    ----------
    frames : mapping of str to Frame
        The same frame of each method, scores in [0, 1]; the name stands above the row.
    thresholds : sequence of float
    image : ndarray of uint8, (H, W, 3), optional
        The frame itself; with it, image and ground truth lead the page.
    width : float or str
        In inches, or by name as in `margin_figure`.

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
    style.check_some(frames, "frames")
    thresholds = np.atleast_1d(as_floats(thresholds, "thresholds")).tolist()
    check_that(thresholds, "at least one number", thresholds, "thresholds")
    width = style.as_width(width)
    first = next(iter(frames.values()))
    _check_image(image, first)
    leading = 0 if image is None else 1
    columns = leading + 1 + len(thresholds)
    # image and ground truth stand below each other in the first column, whatever the methods
    rows = max(len(frames), 2 * leading)
    cell = sheets.column_width(width, columns)
    named = {leading: _MAP}
    for column, z in enumerate(thresholds, leading + 1):
        named[column] = (f"score > {z:g}", f"> {z:g}")
    foot = overlays.colour_names(frames.values())
    figure, axes = sheets.sheet(
        width, columns, rows * [first.shape], rows * [True], 1, foot.values()
    )
    if image is not None:
        named[0] = ("image", "image")
        _show_image(axes[0, 0], image)
        overlays.show_truth(axes[1, 0], first)
        sheets.write_caption(axes[1, 0], "ground truth", cell)
    for row, (name, frame) in zip(axes, frames.items(), strict=False):
        sheets.write_caption(row[leading], name, width - leading * cell)
        overlays.show_scores(row[leading], frame)
        for ax, z in zip(row[leading + 1 :], thresholds, strict=True):
            overlays.show_prediction(ax, frame, z)
    sheets.write_head(axes[0], named, cell)
    sheets.without_empty(axes)
    overlays.explain_colours(figure, foot)
    return figure


@rc_context(style.STYLE)
def grid_figure(
    frames: Mapping[str, Mapping[str, Frame]],
    thresholds: Mapping[str, float],
    *,
    images: Mapping[str, Image] | None = None,
    score_maps: bool = False,
    width: float | str = style.FULL,
) -> Figure:
    """Draw frames, a row each: input, ground truth, each method's prediction at its own threshold.

    Parameters
    ----------
    frames : mapping of str to mapping of str to Frame
        Each frame as each method scores it, scores in [0, 1], under the name of its row, which is
        shortened where it is longer than a column is wide, or 1.6 inches ("": no name).
    thresholds : mapping of str to float
        Of each method.
    images : mapping of str to ndarray of uint8, (H, W, 3), optional
        The frames themselves, by name of the row.
    score_maps : bool
        Draw each score map as a heat map above its prediction, and the image above its ground
        truth.
    width : float or str
        In inches, or by name as in `margin_figure`.

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
    _check_grid(frames, thresholds)
    check_kind(images, (Mapping, NoneType), "images")
    if images:
        style.check_some(images, "images")
    width = style.as_width(width)
    leading = 2 if images and not score_maps else 1
    columns = leading + len(thresholds)
    cell = sheets.column_width(width, columns)
    lines = 2 if score_maps else 1
    shapes = [next(iter(m.values())).shape for m in frames.values() for _ in range(lines)]
    captions = [bool(key) and line == 0 for key in frames for line in range(lines)]
    named, above = _grid_headings(thresholds, bool(images), leading)
    head = 1 + max(sheets.name_lines(name, cell) for name in thresholds)
    every = (frame for methods in frames.values() for frame in methods.values())
    foot = overlays.colour_names(every, score_maps)
    figure, axes = sheets.sheet(width, columns, shapes, captions, head, foot.values())
    for row, (key, methods) in enumerate(frames.items()):
        block = axes[lines * row : lines * row + lines]
        image = (images or {}).get(key)
        _lead(block, next(iter(methods.values())), image, leading)
        if key:
            sheets.write_caption(block[0, 0], key, max(cell, min(width, _NAME)))
        for column, (name, z) in enumerate(thresholds.items(), leading):
            if score_maps:
                overlays.show_scores(block[0, column], methods[name])
            overlays.show_prediction(block[-1, column], methods[name], z)
    sheets.write_head(axes[0], named, cell, above)
    sheets.without_empty(axes)
    overlays.explain_colours(figure, foot)
    return figure


def _grid_headings(
    thresholds: Mapping[str, float], images: bool, leading: int
) -> tuple[dict[int, tuple[str, str]], dict[int, str]]:
    """Headings of the columns: kind or threshold, and above that the method's name."""
    named = {0: ("image", "image")} if images else {}
    if leading == 2 or not images:
        named[leading - 1] = ("ground truth", "truth")
    for column, z in enumerate(thresholds.values(), leading):
        named[column] = (f"score > {z:.3g}", f"> {z:.3g}")
    return named, dict(enumerate(thresholds, leading))


def _lead(block: NDArray[np.object_], frame: Frame, image: Image | None, leading: int) -> None:
    """Image and ground truth, beside each other or below each other."""
    _check_image(image, frame)
    if image is not None:
        _show_image(block[0, 0], image)
    overlays.show_truth(block[-1, leading - 1], frame)


def _show_image(ax: Axes, image: Image) -> None:
    ax.imshow(image, interpolation="nearest", aspect="auto")


def _check_image(image: Image | None, frame: Frame) -> None:
    if image is not None and image.shape[:2] != frame.shape:
        raise InputError(
            f"expected the size {frame.shape}, found {image.shape[:2]}", argument="image"
        )


def _check_grid(frames: Mapping[str, Mapping[str, Frame]], thresholds: Mapping[str, float]) -> None:
    """Refuse frames of which a method with a threshold has none."""
    style.check_some(thresholds, "thresholds")
    as_floats(list(thresholds.values()), "thresholds")
    check_kind(frames, (Mapping,), "frames")
    check_that(frames, "at least one", frames, "frames")
    for methods in frames.values():
        style.check_some(methods, "frames")
        has_all = all(name in methods for name in thresholds)
        check_that(has_all, f"frames of {', '.join(thresholds)}", [*methods], "thresholds")
