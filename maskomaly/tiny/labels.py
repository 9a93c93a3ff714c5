"""The labels of the synthetic scenes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError

CLASSES = ("road", "sidewalk", "building", "vegetation", "sky", "car", "person", "sign")
ROAD, SIDEWALK, BUILDING, VEGETATION, SKY, CAR, PERSON, SIGN = range(len(CLASSES))
ANOMALY = 254
VOID = 255


def anomaly_mask(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn a scene's labels into the ground truth of anomaly segmentation.

    Parameters
    ----------
    labels : uint8 array, any shape
        Class numbers, ANOMALY or VOID.

    Returns
    -------
    uint8 array of the same shape
        0 normal, 1 anomaly, 255 to ignore: the unlabelled clutter.

    Raises
    ------
    InputError
        If a value is none of these.
    """
    known = (labels < len(CLASSES)) | (labels == ANOMALY) | (labels == VOID)
    if not known.all():
        raise InputError(
            f"expected 0 .. {len(CLASSES) - 1}, {ANOMALY} (anomaly) or {VOID} (void), "
            f"found {np.unique(labels[~known]).tolist()}",
            argument="labels",
        )
    mask: NDArray[np.uint8] = (labels == ANOMALY).astype(np.uint8)
    mask[labels == VOID] = 255
    return mask
