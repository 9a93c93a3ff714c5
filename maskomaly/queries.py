"""Mining of object queries that see anomalies, by their overlap with a ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maskomaly.outputs import MaskOutputs
from maskomaly.resample import at_image
from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, NoTargetError

#: A mask counts as predicted where m_n exceeds this (the paper's mining).
MASK_THRESHOLD = 0.9
#: Masks of a network that was trained short, or is small, stay below 0.9 where they are right.
PALE_THRESHOLD = 0.5
#: An anomaly query says void more often than not; a query of a known class does not.
VOID_THRESHOLD = 0.5


def check_top(top: int) -> None:
    """Refuse to look for no query at all."""
    if top < 1:
        raise InputError(f"expected a number >= 1, found {top!r}", argument="top")


def mask_at_image(outputs: MaskOutputs, query: int) -> Tensor:
    """m_n of one query at image size, float32 (H, W) in [0, 1]."""
    return at_image(
        outputs.masks_of([query]),
        outputs.geometry,
        lambda logits: logits[0].sigmoid(),
    )


def query_overlaps(
    outputs: MaskOutputs,
    target: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    threshold: float = MASK_THRESHOLD,
) -> NDArray[np.float64]:
    """Compute the intersection over union of each query's mask with a ground-truth mask.

    Parameters
    ----------
    outputs : MaskOutputs
        Of N queries.
    target, valid : ndarray of bool, (H, W), image size
        What is to be found, and the pixels that count.
    threshold : float
        A pixel is predicted where m_n > threshold, strictly, at image size.

    Returns
    -------
    ndarray of float64, (N,)
        0 where prediction and target share no valid pixel.

    Raises
    ------
    InputError
        If the ground truth is not of the image's size.
    NoTargetError
        If no valid pixel is to be found: then no overlap is defined.

    Examples
    --------
    >>> from maskomaly import Geometry
    >>> outputs = MaskOutputs([[0.1, 0.9]], [[[9.0, 9.0, -9.0]]], Geometry.plain((1, 3)))
    >>> query_overlaps(outputs, np.array([[True, False, False]]), np.ones((1, 3), bool))
    array([0.5])
    """
    check_kind(outputs, (MaskOutputs,), "outputs")
    overlaps: NDArray[np.float64] = overlaps_at(outputs, target, valid, [threshold])[0]
    return overlaps


def overlaps_at(
    outputs: MaskOutputs,
    target: NDArray[np.bool_],
    valid: NDArray[np.bool_],
    thresholds: Sequence[float],
) -> NDArray[np.float64]:
    """`query_overlaps` at several thresholds: float64, (thresholds, N)."""
    if target.shape != outputs.geometry.image or valid.shape != target.shape:
        raise InputError(
            f"expected the image's size {outputs.geometry.image}, found {target.shape}",
            argument="target",
        )
    wanted = torch.from_numpy(target & valid).to(outputs.mask_logits.device)
    if not bool(wanted.any()):
        raise NoTargetError(
            "expected pixels that a query could find, found none", argument="target"
        )
    counted = torch.from_numpy(valid).to(outputs.mask_logits.device)
    overlaps = np.empty((len(thresholds), outputs.queries))
    for query in range(outputs.queries):
        mask = mask_at_image(outputs, query)
        for row, threshold in enumerate(thresholds):
            predicted = (mask > threshold) & counted
            union = int((predicted | wanted).sum())
            overlaps[row, query] = int((predicted & wanted).sum()) / union
    return overlaps


@dataclass(frozen=True)
class MinedQueries:
    """Holds the queries that mining found, with their overlaps.

    Attributes
    ----------
    indices : tuple of int
        The chosen queries, best first.
    iou : ndarray of float64, (N,)
        Mean over images of the IoU of each query's mask.
    others : dict of ndarray of float64, (N,)
        The same of masks at other thresholds, by threshold: 0.9 and 0.5, unless `iou` is of these.
    void : ndarray of float64, (N,)
        Mean over images of p_n[void].
    images : int
        How many images had something to find.

    Examples
    --------
    >>> iou, pale, void = np.array([[0.0, 0.4], [0.1, 0.5], [0.1, 0.9]])
    >>> MinedQueries((1,), iou, {0.5: pale}, void, images=12).indices
    (1,)
    """

    indices: tuple[int, ...]
    iou: NDArray[np.float64]
    others: dict[float, NDArray[np.float64]]
    void: NDArray[np.float64]
    images: int

    @property
    def pale_iou(self) -> NDArray[np.float64]:
        """Mean IoU of masks m_n > 0.5."""
        return self.others.get(PALE_THRESHOLD, self.iou)


class QueryMining:
    """Collects overlaps image by image; holds four numbers a query and image at most.

    Parameters
    ----------
    threshold : float
        A mask is predicted where m_n > threshold.

    Raises
    ------
    InputError
        A threshold outside [0, 1).

    Examples
    --------
    >>> from maskomaly import Geometry
    >>> masks = [[[9.0, -9.0]], [[-9.0, 9.0]]]
    >>> outputs = MaskOutputs([[0.9, 0.1], [0.2, 0.8]], masks, Geometry.plain((1, 2)))
    >>> mining = QueryMining()
    >>> mining.add(outputs, np.array([[False, True]]), np.array([[True, True]]))
    >>> mining.best(4).indices
    (1,)
    """

    def __init__(self, threshold: float = MASK_THRESHOLD) -> None:
        if not 0 <= threshold < 1:
            raise InputError(
                f"expected a number in [0, 1), found {threshold!r}", argument="threshold"
            )
        self.threshold = threshold
        self._thresholds = list(dict.fromkeys((threshold, MASK_THRESHOLD, PALE_THRESHOLD)))
        self._overlaps: list[NDArray[np.float64]] = []
        self._void: list[NDArray[np.float64]] = []

    def add(
        self, outputs: MaskOutputs, target: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> None:
        """Judge the queries by one more image; one with nothing to find says nothing of them."""
        if not (target & valid).any():
            return
        if self._void and len(self._void[0]) != outputs.queries:
            raise InputError(
                f"expected {len(self._void[0])} queries, as before, found {outputs.queries}",
                argument="outputs",
            )
        self._overlaps.append(overlaps_at(outputs, target, valid, self._thresholds))
        self._void.append(outputs.void.double().cpu().numpy())

    def best(self, top: int, *, void: bool = True) -> MinedQueries:
        """The queries of largest mean IoU.

        Parameters
        ----------
        top : int
            How many at most; queries that never overlap are not taken.
        void : bool
            For anomalies: only queries whose mean p_n[void] > 0.5, or a query of a known class
            might be picked. False, for known classes: only the others.

        Raises
        ------
        NoTargetError
            If no image had anything to find, or no query found any of it.
        """
        check_top(top)
        if not self._overlaps:
            raise NoTargetError(
                "expected images with something to find, found none", argument="target"
            )
        means, said_void = np.mean(self._overlaps, axis=0), np.mean(self._void, axis=0)
        iou, *more = means
        others = dict(zip(self._thresholds[1:], more, strict=True))
        eligible = (said_void > VOID_THRESHOLD) == void
        order = np.argsort(-iou, kind="stable")
        chosen = [int(query) for query in order if eligible[query] and iou[query] > 0][:top]
        if not chosen:
            kind = "mean p(void) > 0.5" if void else "mean p(void) <= 0.5"
            pale = float(np.max(others.get(PALE_THRESHOLD, iou), where=eligible, initial=0))
            raise NoTargetError(
                f"expected one with {kind} whose mask (m > {self.threshold:g}) overlaps "
                f"the target, found none in {len(self._overlaps)} images; masks m > "
                f"{PALE_THRESHOLD:g} overlap it with a mean IoU of up to {pale:.3f}"
                + ("; lower `threshold`" if pale > 0 else ""),
                argument="queries",
            )
        return MinedQueries(tuple(chosen), iou, others, said_void, len(self._overlaps))
