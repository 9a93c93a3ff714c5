"""Predictions of single frames as pictures whose colours count the confusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mdmkit.errors import InputError
from mdmkit.frames import ANOMALOUS, as_unit
from mdmkit.plots.style import MARKED, OVERLAY, STYLE, plain

if TYPE_CHECKING:
    from mdmkit.frames import Frame


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
            row[leading].set_ylabel(plain(name))
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
