"""Mining a labelled folder for queries, and the file that keeps what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from maskomaly.config import MaskomalyConfig
from maskomaly.outputs import MaskOutputs
from maskomaly.predict import Predicts, outputs_of_images
from maskomaly.queries import (
    MASK_THRESHOLD,
    PALE_THRESHOLD,
    VOID_THRESHOLD,
    MinedQueries,
    QueryMining,
    check_top,
)
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, NoTargetError, listing
from mdmkit.core.label_values import label_text
from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL, LabelCodes, Labels
from mdmkit.core.types import Array
from mdmkit.datasets import DataSet
from mdmkit.datasets.dataset import EVERY_COMPONENT
from mdmkit.datasets.suspicion import LabelSurvey
from mdmkit.io import AllNormal, Target, read_mask
from mdmkit.io.images import image_shape

if TYPE_CHECKING:
    import torch

Mask = NDArray[np.bool_]

#: Means over fewer images than this are told to be luck.
FEW = 10
#: A best IoU below this may mean that masks are pale.
PALE_IOU = 0.1


@dataclass(frozen=True)
class LabelledImages:
    """Images with their ground truth, by key.

    Attributes
    ----------
    images, targets : mapping
        Files, as `read_image` and `read_mask` take them.
    codes : LabelCodes
        Whose anomalies are looked for.
    inlier_labels : tuple of int
        Label values of known classes, each of which gets a query of its own.
    sizes : ComponentSizes
    aggregate : {"pooled", "per_image"}
        By which scores of these images are judged: the data set's.
    remarks : tuple of str
        What to say of masks that look like mistakes.
    """

    images: Mapping[str, Path]
    targets: Mapping[str, Target]
    codes: LabelCodes
    inlier_labels: tuple[int, ...] = ()
    sizes: ComponentSizes = EVERY_COMPONENT
    aggregate: str = "pooled"
    remarks: tuple[str, ...] = ()


def labelled_images(
    dataset: DataSet, codes: LabelCodes, inlier_labels: Sequence[int] = ()
) -> LabelledImages:
    """The frames of a data set, whose masks are judged before any network runs.

    Known classes are normal.

    Raises
    ------
    InputError
        Frames without an image, listed; a label value with two meanings or none; a mask that is
        not of its image's size.
    NoTargetError
        No anomaly in any mask.
    """
    lonely = sorted(dataset.targets.keys() - dataset.images.keys())
    if lonely:
        raise InputError(
            f"expected an image for every mask, found none for {len(lonely)}:\n" + listing(lonely),
            argument="images",
        )
    for label in inlier_labels:
        if dict(codes.meanings()).get(label, NORMAL) != NORMAL:
            raise InputError(
                f"expected label values of known classes, found {label}, which is anomalous or "
                f"ignored: {codes}",
                argument="inlier_label",
            )
    normal = sorted({*_values(codes.normal_label), *inlier_labels})
    judged = LabelCodes(normal, codes.anomaly_label, codes.ignore_index)
    frames = LabelledImages(
        dataset.images,
        dataset.targets,
        judged,
        tuple(inlier_labels),
        dataset.sizes,
        dataset.aggregate,
    )
    return replace(frames, remarks=_check_masks(frames, dataset))


def _check_masks(frames: LabelledImages, dataset: DataSet) -> tuple[str, ...]:
    """Refuse masks that do not fit; what to say of those that look like mistakes."""
    any_anomaly, survey = False, LabelSurvey(frames.codes, dataset)
    for key, path in frames.targets.items():
        if not isinstance(path, AllNormal):
            survey.add(key, read_mask(path))
        target, valid = anomaly_mask(path, frames.codes)
        _check_size(path, target, image_shape(frames.images[key]))
        any_anomaly |= bool((target & valid).any())
    if not any_anomaly:
        raise NoTargetError(
            f"expected anomalies in some of {len(frames.targets)} masks, found none; "
            f"{survey.why_no_anomaly()}",
            argument="target",
        )
    absent = sorted(set(frames.inlier_labels) - survey.pixels.keys())
    if absent:
        raise NoTargetError(
            f"expected label values that masks hold ({label_text(survey.pixels)}), found "
            f"{label_text(absent)}",
            argument="inlier_label",
        )
    return tuple(survey.remarks())


def _values(labels: Labels) -> tuple[int, ...]:
    assert isinstance(labels, tuple)  # as LabelCodes keeps them
    return labels


def anomaly_mask(path: Target, codes: LabelCodes) -> tuple[Mask, Mask]:
    """Read where a mask file says anomaly, and which pixels count."""
    return _judge(read_mask(path), codes, str(path))


def _check_size(path: Target, mask: Mask, size: tuple[int, ...]) -> None:
    if mask.shape != size:
        raise InputError(f"{path}: expected the image's size {size}, found {mask.shape}")


def target_of(path: Path, codes: LabelCodes, size: tuple[int, ...]) -> tuple[Mask, Mask]:
    """Read where the mask of an image of that size says anomaly, and which pixels count.

    Raises
    ------
    NoTargetError
        Nowhere.
    """
    target, valid = anomaly_mask(path, codes)
    _check_size(path, target, size)
    if not (target & valid).any():
        why = LabelSurvey.of({path.stem: path}, codes, None).why_no_anomaly()
        raise NoTargetError(
            f"{path}: expected an anomaly, found none; {why}",
            argument="target",
        )
    return target, valid


def _judge(labels: Array, codes: LabelCodes, name: str) -> tuple[Mask, Mask]:
    classes = codes.classify(labels, None, name)
    return classes == ANOMALOUS, classes != IGNORED


@dataclass(frozen=True)
class Mined:
    """Queries that were found.

    Attributes
    ----------
    anomaly : MinedQueries
        A of Algorithm 1.
    inliers : dict of MinedQueries
        By label value of a known class.
    threshold : float
        A mask was predicted where m_n > threshold.
    """

    anomaly: MinedQueries
    inliers: dict[int, MinedQueries]
    threshold: float

    @property
    def init_queries(self) -> tuple[int, ...]:
        """I_0 of Algorithm 1: the best query of each known class, each once."""
        return tuple(dict.fromkeys(query for m in self.inliers.values() for query in m.indices))

    def table(self) -> str:
        """Mean IoU and mean p(void) of each query that was chosen, as text."""
        thresholds = [self.threshold, *self.anomaly.others]
        columns = "  ".join(f"{f'IoU {threshold:g}':>7}" for threshold in thresholds)
        lines = [f"role       query  {columns}  p(void)  images"]
        roles = [("anomaly", self.anomaly)]
        roles += [(f"label {label}", mined) for label, mined in self.inliers.items()]
        lines += [
            f"{role:<9}  {query:>5}  "
            + "  ".join(f"{iou[query]:7.3f}" for iou in (mined.iou, *mined.others.values()))
            + f"  {mined.void[query]:7.3f}  {mined.images:>6}"
            for role, mined in roles
            for query in mined.indices
        ]
        return "\n".join(lines) + "\n"

    def remarks(self) -> tuple[str, ...]:
        """Remarks to read before these queries are believed."""
        found = self.anomaly
        best = found.indices[0]
        remarks = []
        if found.images < FEW:
            remarks.append(
                f"mined on {found.images} images with anomalies: a mean over fewer than {FEW} is "
                "partly luck"
            )
        pale = int(np.argmax(np.where(found.void > VOID_THRESHOLD, found.pale_iou, 0)))
        if found.iou[best] < PALE_IOU and found.pale_iou[pale] > 2 * found.iou[best]:
            remarks.append(
                f"masks are pale, not absent: the best IoU is {found.iou[best]:.2f} at m > "
                f"{self.threshold:g}, and {found.pale_iou[pale]:.2f} at m > {PALE_THRESHOLD:g} "
                f"(query {pale}); `threshold={PALE_THRESHOLD:g}` finds queries by these"
            )
        return tuple(remarks)

    def write(self, path: Path, config: MaskomalyConfig, made_with: str = "") -> None:
        """Write the config as TOML, headed by how its queries were found."""
        head = f"queries whose mask (m > {self.threshold:g}) overlaps the ground truth:"
        config.write(path, [head, *self.table().splitlines(), *made_with.splitlines()])


def mine_folder(
    frames: LabelledImages,
    network: Predicts,
    *,
    top: int = 4,
    threshold: float = MASK_THRESHOLD,
    batch: int = 1,
    autocast: torch.dtype | None = None,
    progress: Callable[[], None] = lambda: None,
) -> Mined:
    """Run a network over labelled images, and choose its anomaly and inlier queries.

    Parameters
    ----------
    frames : LabelledImages
    network : Network
    top : int
        How many anomaly queries at most.
    threshold : float
        A mask is predicted where m_n > threshold, at image size.
    batch, autocast
        As in `Network.predict`.
    progress : callable
        Called after each image.

    Raises
    ------
    NoTargetError
        If no query can be chosen.
    InputError
        Files that cannot be used.
    """
    check_top(top)
    anomalies = QueryMining(threshold)
    classes = {label: QueryMining(threshold) for label in frames.inlier_labels}
    for key, outputs in outputs_of_images(frames.images, network, batch=batch, autocast=autocast):
        if not isinstance(outputs, MaskOutputs):
            raise InputError(
                "expected a network that proposes masks, found a dense one", argument="model"
            )
        path = frames.targets[key]
        try:
            labels = read_mask(path)
            target, valid = _judge(labels, frames.codes, str(path))
            anomalies.add(outputs, target, valid)
            for label, mining in classes.items():
                mining.add(outputs, labels == label, valid)
        except InputError as error:
            raise error.inside(path) from error
        progress()
    return Mined(
        anomalies.best(top),
        {label: mining.best(1, void=False) for label, mining in classes.items()},
        threshold,
    )
