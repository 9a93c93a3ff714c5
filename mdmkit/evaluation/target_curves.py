"""`component_curves`: each ground-truth component as step functions of the threshold."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
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

    For metrics of your own: what one component looks like under the prediction A > z.

    Parameters
    ----------
    scores, target, ignore, anomaly_label, normal_label, ignore_index
        As in `threshold_curve`; scores of any range.
    thresholds : array_like of float, optional
        Thresholds at which alone the components are looked at; every distinct score by default.
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
    Components by 8-connectivity, compared strictly. Costs O(P a(P) + C) for P pixels and C changes,
    and 16 bytes a change while it lasts: at each score those of the components which the predicted
    components that grow there touch. Where a predicted component holds K of them that is K changes
    a score: a frame of 2 megapixels with 8 components has some 10 million (160 MB), one with
    thousands wants `thresholds`.

    Examples
    --------
    >>> from mdmkit import component_curves
    >>> one, = component_curves([[0.9, 0.5, 0.3, 0.1]], [[1, 1, 0, 0]])
    >>> one.thresholds.tolist(), one.covered.tolist(), one.background.tolist()
    ([-inf, 0.1, 0.3, 0.5, 0.9], [1.0, 1.0, 1.0, 0.5, 0.0], [2, 1, 0, 0, 0])
    """
    edges = None if thresholds is None else np.unique(np.asarray(thresholds, np.float64))
    if edges is not None and not (edges.size and np.isfinite(edges).all()):
        raise InputError(f"expected finite numbers, found {thresholds!r}", argument="thresholds")
    sizes = ComponentSizes(min_prediction, min_target)
    frames = frames_from(
        scores, target, ignore, codes=LabelCodes(normal_label, anomaly_label, ignore_index)
    )
    return [
        curve
        for number, frame in enumerate(frames)
        for curve in curves_of(frame, sizes, edges, memory, number)
    ]
