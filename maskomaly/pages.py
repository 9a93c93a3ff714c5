"""The masks of a network's queries on one page: which of them see an anomaly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from maskomaly.outputs import MaskOutputs
from maskomaly.queries import MASK_THRESHOLD, mask_at_image, query_overlaps
from mdmkit.core.errors import InputError
from mdmkit.plots import COLOURS, FULL, STYLE, as_width, ground_truth

_ANOMALY, _INIT = COLOURS[1], COLOURS[0]


def order_of_queries(outputs: MaskOutputs, first: Sequence[int], most: int) -> list[int]:
    """The queries to show: those of `first`, then the others by how much of the image they claim.

    A query claims mean(m_n) times its likeliest class's probability; void is such a class.
    """
    claims = outputs.all_masks.float().sigmoid().mean((1, 2))
    claims = claims * outputs.class_probabilities.float().amax(1)
    others = [int(n) for n in claims.argsort(descending=True, stable=True) if int(n) not in first]
    return [*first, *others][: max(most, len(first))]


def check_most(most: int) -> None:
    """Refuse a page without queries."""
    if most < 1:
        raise InputError(f"expected a number >= 1, found {most!r}", argument="most")


def queries_page(
    image: NDArray[np.uint8],
    outputs: MaskOutputs,
    *,
    anomaly_queries: Sequence[int] = (),
    init_queries: Sequence[int] = (),
    target: NDArray[np.bool_] | None = None,
    valid: NDArray[np.bool_] | None = None,
    threshold: float = MASK_THRESHOLD,
    most: int = 22,
    width: float | str = FULL,
) -> Figure:
    """Draw image, ground truth and the masks of the queries.

    Parameters
    ----------
    image : ndarray of uint8, (H, W, 3)
    outputs : MaskOutputs
        Of that image.
    anomaly_queries, init_queries : sequence of int
        Fixed queries, shown first and framed: A and I_0 of Algorithm 1.
    target, valid : ndarray of bool, (H, W), optional
        What is anomalous, and which pixels count; with them each mask gets its IoU.
    threshold : float
        A mask is predicted where m_n > threshold.
    most : int
        How many queries to show, the fixed ones always.
    width : float or str
        In inches, or by name as in `mdmkit.plots.margin_figure`.

    Returns
    -------
    matplotlib Figure
    """
    width = as_width(width)
    check_most(most)
    if image.shape[:2] != outputs.geometry.image:
        raise InputError(
            f"expected the size {outputs.geometry.image}, found {image.shape[:2]}", argument="image"
        )
    fixed = [*anomaly_queries, *(n for n in init_queries if n not in anomaly_queries)]
    shown = order_of_queries(outputs, fixed, most)
    overlaps = None
    if target is not None:
        valid = np.ones_like(target) if valid is None else valid
        overlaps = (
            query_overlaps(outputs, target, valid, threshold) if (target & valid).any() else None
        )
    extra = 1 if target is None else 2
    columns = 4
    rows = -(-(len(shown) + extra) // columns)
    height, breadth = image.shape[:2]
    cell = width / columns
    with rc_context(STYLE):
        figure = Figure(
            figsize=(width, rows * (cell * height / breadth + 0.34)), layout="constrained"
        )
        axes: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
        axes[0].imshow(image, interpolation="nearest")
        axes[0].set_title("image")
        if target is not None and valid is not None:
            axes[1].imshow(ground_truth(target, valid), interpolation="nearest")
            axes[1].set_title("ground truth")
        for ax, query in zip(axes[extra:], shown, strict=False):
            mask = mask_at_image(outputs, query).cpu().numpy()
            ax.imshow(mask, vmin=0, vmax=1, cmap="magma", interpolation="nearest")
            overlap = None if overlaps is None else float(overlaps[query])
            ax.set_title(caption(outputs, query, overlap, threshold), fontsize=7)
            if query in fixed:
                _frame(ax, _ANOMALY if query in anomaly_queries else _INIT)
        for ax in axes:
            ax.set(xticks=[], yticks=[])
            if not ax.get_title():
                ax.set_axis_off()
        _legend(figure, anomaly_queries, init_queries)
    return figure


def caption(
    outputs: MaskOutputs, query: int, overlap: float | None, threshold: float = MASK_THRESHOLD
) -> str:
    """Describe a query: its likeliest class, p(void), and the IoU of its mask where known."""
    probabilities = outputs.class_probabilities[query]
    likeliest = int(probabilities.argmax())
    names = outputs.class_names or tuple(f"class {n}" for n in range(outputs.classes))
    name = "void" if likeliest == outputs.classes else names[likeliest]
    text = f"{query}: {name} {float(probabilities[likeliest]):.2f}"
    if likeliest != outputs.classes:
        text += f", void {float(probabilities[-1]):.2f}"
    if overlap is not None:
        text += f"\nIoU {overlap:.2f} (m > {threshold:g})"
    return text.replace("$", r"\$")


def _frame(ax: Axes, colour: str) -> None:
    for spine in ax.spines.values():
        spine.set(visible=True, color=colour, linewidth=2.0)


def _legend(figure: Figure, anomaly: Sequence[int], init: Sequence[int]) -> None:
    from matplotlib.lines import Line2D

    entries: list[tuple[Any, str]] = []
    for queries, colour, name in (
        (anomaly, _ANOMALY, "anomaly query (A)"),
        (init, _INIT, "always an inlier (I0)"),
    ):
        if queries:
            entries.append((Line2D([], [], color=colour, linewidth=2.0), name))
    if entries:
        handles, names = zip(*entries, strict=True)
        figure.legend(handles, names, loc="outside lower center", ncols=len(handles))
