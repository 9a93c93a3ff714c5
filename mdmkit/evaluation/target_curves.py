"""`component_curves`: each ground-truth component as step functions of the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mdmkit.core.arguments import as_floats, check_that
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.frame_streams import frames_from
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.statistics.target_curves import ComponentCurve, curves_of


def component_curves(
    scores: object,
    target: object,
    *,
    thresholds: ArrayLike | None = None,
    min_prediction: int = 0,
    min_target: int = 0,
    ignore: object = None,
    anomaly_label: Labels = 1,
    normal_label: Labels = 0,
    ignore_index: Labels = 255,
    memory: int = DEFAULT_MEMORY,
) -> list[ComponentCurve]:
    """Compute covered share, sIoU and touching background of each ground-truth component.

    They serve metrics of your own, as functions of the threshold z of the prediction A > z.

    Parameters
    ----------
    scores, target, ignore, anomaly_label, normal_label, ignore_index
        As in `threshold_curve`; scores of any range.
    thresholds : array_like of float, optional
        The only thresholds at which components are looked at; every distinct score by default.
    min_prediction, min_target : int
        Smallest predicted, and smallest ground-truth component that counts, in pixels.
    memory : int
        Bytes that the steps of one frame may take.

    Returns
    -------
    list of ComponentCurve
        Frame by frame, in each in the order of their first pixels, row by row.

    Raises
    ------
    InputError
        For bad frames as `threshold_curve`, thresholds that are not finite, and where the steps
        do not fit into `memory`.

    Notes
    -----
    Components are those of 8-connectivity; a pixel is predicted where its score exceeds z. The cost
    is O(P a(P) + C) for P pixels and C changes, with 16 bytes per change in the meantime. A
    component changes at each score at which a predicted component that touches it grows: a frame of
    2 megapixels with 8 components has some 10 million changes (160 MB), and one with thousands of
    components needs `thresholds`.

    Examples
    --------
    >>> from mdmkit import component_curves
    >>> one, = component_curves([[0.9, 0.5, 0.3, 0.1]], [[1, 1, 0, 0]])
    >>> one.thresholds.tolist(), one.covered.tolist(), one.background.tolist()
    ([-inf, 0.1, 0.3, 0.5, 0.9], [1.0, 1.0, 1.0, 0.5, 0.0], [2, 1, 0, 0, 0])
    """
    edges = None if thresholds is None else np.unique(as_floats(thresholds, "thresholds"))
    check_that(edges is None or edges.size, "finite numbers", thresholds, "thresholds")
    sizes = ComponentSizes(min_prediction, min_target)
    frames = frames_from(
        scores, target, ignore, codes=LabelCodes(normal_label, anomaly_label, ignore_index)
    )
    return [
        curve
        for number, frame in enumerate(frames)
        for curve in curves_of(frame, sizes, edges, memory, number)
    ]
