"""Score maps and predictions of a frame as pictures, drawn and explained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mdmkit.core.arguments import check_kind
from mdmkit.core.frame import Frame, as_unit
from mdmkit.core.labels import ANOMALOUS
from mdmkit.plots import style

_HATCH = "#6E6E6E"
_MIDDLE = "#B73779"  # of the colours of score maps


def ground_truth(anomalous: NDArray[np.bool_], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Colour what is anomalous, as the overlay of a prediction that finds it; an RGB image.

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
    check_kind(anomalous, (np.ndarray,), "anomalous")
    check_kind(valid, (np.ndarray,), "valid")
    return _painted({"tn": ~anomalous, "tp": anomalous, "ignored": ~valid})


def overlay(frame: Frame, z: float) -> NDArray[np.uint8]:
    """Colour the prediction score > z by its confusion counts; an RGB image.

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
    check_kind(frame, (Frame,), "frame")
    scores = np.where(frame.valid, as_unit(frame.scores), -1.0)
    predicted, anomalous = scores > z, frame.classes == ANOMALOUS
    return _painted(
        {
            "tn": ~predicted & ~anomalous,
            "tp": predicted & anomalous,
            "fp": predicted & ~anomalous,
            "fn": ~predicted & anomalous,
            "ignored": ~frame.valid,
        }
    )


def _painted(areas: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """Areas in their `OVERLAY` colours, later ones above earlier ones."""
    image = np.empty((*next(iter(areas.values())).shape, 3), np.uint8)
    for name, where in areas.items():
        image[where] = np.round(255 * np.array(to_rgb(style.OVERLAY[name])))
    return image


def show_areas(ax: Axes, picture: NDArray[np.uint8], valid: NDArray[np.bool_]) -> None:
    """Draw a picture of areas, with what is ignored hatched."""
    ax.imshow(picture, interpolation="nearest")
    if not valid.all() and min(valid.shape) > 1:
        hatched = ax.contourf(~valid, levels=[0.5, 1.5], colors="none", hatches=["//////"])
        hatched.set_edgecolor(_HATCH)
        hatched.set_linewidth(0)


def show_scores(ax: Axes, frame: Frame) -> None:
    """Draw a score map, dark at 0 and light at 1."""
    magma = colormaps["magma"](np.where(frame.valid, as_unit(frame.scores), 0), bytes=True)[..., :3]
    magma[~frame.valid] = _painted({"ignored": ~frame.valid})[~frame.valid]
    show_areas(ax, magma, frame.valid)


def show_truth(ax: Axes, frame: Frame) -> None:
    """Draw what is anomalous in a frame."""
    show_areas(ax, ground_truth(frame.classes == ANOMALOUS, frame.valid), frame.valid)


def show_prediction(ax: Axes, frame: Frame, z: float) -> None:
    """Draw the prediction score > z, coloured by what it gets right and wrong."""
    show_areas(ax, overlay(frame, z), frame.valid)


def colour_names(frames: Iterable[Frame], score_maps: bool = False) -> dict[str, str]:
    """Meaning of the colours of a page, by their place in `OVERLAY`."""
    names = {"tp": "detected", "fp": "false alarm", "fn": "missed"}
    if any(not frame.valid.all() for frame in frames):
        names["ignored"] = "ignored"
    if score_maps:
        names["map"] = "score, 0 to 1"
    return names


def explain_colours(figure: Figure, names: Mapping[str, str]) -> None:
    """Say at the foot of a page what the colours mean."""
    handles = [
        Patch(
            facecolor=style.OVERLAY.get(key, _MIDDLE),
            label=name,
            edgecolor=_HATCH,
            linewidth=0,
            hatch="//////" if key == "ignored" else None,
        )
        for key, name in names.items()
    ]
    figure.legend(
        handles=handles,
        loc="lower center",
        bbox_to_anchor=(0.5, 0),
        borderaxespad=0.2,
        ncols=style.legend_columns(list(names.values()), figure.get_figwidth()),
        columnspacing=1.2,
        handlelength=1.6,
    )
