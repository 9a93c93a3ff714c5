"""Scores averaged within given instance masks, of SAM or another network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import stamp
from mdmkit.datasets.keys import existing_folder, files_by_key
from mdmkit.io import read_mask

SUFFIXES = (".png", ".npy")

Refine = Callable[[str, NDArray[np.floating]], NDArray[np.floating]]


def average_within(
    scores: NDArray[np.floating], instances: NDArray[np.integer]
) -> NDArray[np.floating]:
    """Replace the scores of each instance by their mean.

    Parameters
    ----------
    scores : ndarray of float, (H, W)
    instances : ndarray of int, (H, W)
        A number >= 1 for each instance, 0 where there is none: such pixels keep their score.

    Returns
    -------
    ndarray, dtype of `scores`, (H, W)
        Means are taken in float64.

    Raises
    ------
    InputError
        Another shape, numbers that are not whole or are negative.

    References
    ----------
    Song et al.: Objectomaly: Objectness-Aware Refinement for OoD Segmentation with Structural
    Consistency and Boundary Precision. arXiv 2507.07460, 2025: its second step, with masks of SAM.

    Examples
    --------
    >>> average_within(np.array([[0.0, 0.5, 1.0, 0.25]]), np.array([[1, 1, 1, 0]]))
    array([[0.5 , 0.5 , 0.5 , 0.25]])
    """
    check_kind(scores, (np.ndarray,), "scores")
    check_kind(instances, (np.ndarray,), "instances")
    if instances.shape != scores.shape:
        raise InputError(
            f"expected the scores' shape {scores.shape}, found {instances.shape}",
            argument="instances",
        )
    if instances.dtype.kind not in "iub" or instances.min(initial=0) < 0:
        raise InputError(
            f"expected whole numbers >= 0, found {instances.dtype} from {instances.min(initial=0)}",
            argument="instances",
        )
    numbers, places = np.unique(instances, return_inverse=True)
    places = places.reshape(scores.shape)
    sums = np.bincount(places.ravel(), scores.ravel().astype(np.float64))
    means = (sums / np.bincount(places.ravel())).astype(scores.dtype)
    averaged: NDArray[np.floating] = np.where(instances > 0, means[places], scores)
    return averaged if len(numbers) else scores


class InstanceMasks:
    """Instance masks of a folder, a file for each frame under the frame's key.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    InputError
        No such folder, no masks in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = files_by_key(existing_folder(folder, "instances"), SUFFIXES, "instances")

    def check(self, keys: list[str]) -> None:
        """Refuse frames without a mask."""
        lacking = [key for key in keys if key not in self.files]
        if lacking:
            raise InputError(
                f"expected a mask for each frame in {self.folder}, found none for "
                f"{len(lacking)}:\n{listing(lacking)}",
                argument="instances",
            )

    @property
    def digest(self) -> str:
        """Digest of the files that there are, and when they changed."""
        found = [(key, stamp(path)) for key, path in sorted(self.files.items())]
        return hashlib.sha256(repr(found).encode()).hexdigest()[:16]

    def average(self, key: str, scores: NDArray[np.floating]) -> NDArray[np.floating]:
        """Scores of a frame, averaged within its instances."""
        try:
            return average_within(scores, read_mask(self.files[key]))
        except InputError as error:
            raise error.inside(self.files[key]) from error
