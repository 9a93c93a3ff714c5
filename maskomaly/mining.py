"""Mining a labelled folder for queries, and the file that keeps what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskomaly.config import MaskomalyConfig
from maskomaly.outputs import MaskOutputs
from maskomaly.predict import Broken, Predicts, outputs_of_images
from maskomaly.queries import MASK_THRESHOLD, MinedQueries, QueryMining
from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import write_text
from mdmkit.core.labels import ANOMALOUS, IGNORED, LabelCodes, Labels
from mdmkit.datasets import DataSet
from mdmkit.io import Target, read_mask

Mask = NDArray[np.bool_]


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
    """

    images: Mapping[str, Path]
    targets: Mapping[str, Target]
    codes: LabelCodes
    inlier_labels: tuple[int, ...]


def labelled_images(
    dataset: DataSet, codes: LabelCodes, inlier_labels: Sequence[int] = ()
) -> LabelledImages:
    """The frames of a data set, all of which must have an image; known classes are normal.

    Raises
    ------
    InputError
        Frames without an image, listed; a label value with two meanings.
    """
    lonely = sorted(dataset.targets.keys() - dataset.images.keys())
    if lonely:
        raise InputError(
            f"images: expected an image for every mask, found none for {len(lonely)}:\n"
            + listing(lonely)
        )
    normal = sorted({*_values(codes.normal_label), *inlier_labels})
    judged = LabelCodes(normal, codes.anomaly_label, codes.ignore_index)
    return LabelledImages(dataset.images, dataset.targets, judged, tuple(inlier_labels))


def _values(labels: Labels) -> tuple[int, ...]:
    assert isinstance(labels, tuple)  # as LabelCodes keeps them
    return labels


def anomaly_mask(path: Target, codes: LabelCodes) -> tuple[Mask, Mask]:
    """Where a mask file says anomaly, and which pixels count."""
    return _judge(read_mask(path), codes, str(path))


def _judge(labels: NDArray[Any], codes: LabelCodes, name: str) -> tuple[Mask, Mask]:
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
        lines = ["role       query  mean IoU  mean p(void)  images"]
        roles = [("anomaly", self.anomaly)]
        roles += [(f"label {label}", mined) for label, mined in self.inliers.items()]
        lines += [
            f"{role:<9}  {query:>5}  {mined.iou[query]:8.3f}  {mined.void[query]:12.3f}  "
            f"{mined.images:>6}"
            for role, mined in roles
            for query in mined.indices
        ]
        return "\n".join(lines) + "\n"

    def write(self, path: Path, config: MaskomalyConfig) -> None:
        """Write the config as TOML, headed by how its queries were found."""
        head = [f"# queries whose mask (m > {self.threshold:g}) overlaps the ground truth:"]
        head += [f"# {line}" for line in self.table().splitlines()]
        write_text(path, "\n".join(head) + "\n" + config.to_toml())


def mine_folder(
    frames: LabelledImages,
    network: Predicts,
    *,
    top: int = 4,
    threshold: float = MASK_THRESHOLD,
    batch: int = 1,
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
    batch : int
        Images that run together.
    progress : callable
        Called after each image.

    Raises
    ------
    NoTargetError
        If no query can be chosen.
    InputError
        Files that cannot be used.
    """
    anomalies = QueryMining(threshold)
    classes = {label: QueryMining(threshold) for label in frames.inlier_labels}
    for key, outputs in outputs_of_images(frames.images, network, batch=batch, broken=Broken()):
        if not isinstance(outputs, MaskOutputs):
            raise InputError("model: expected a network that proposes masks, found a dense one")
        path = frames.targets[key]
        try:
            labels = read_mask(path)
            target, valid = _judge(labels, frames.codes, str(path))
            anomalies.add(outputs, target, valid)
            for label, mining in classes.items():
                mining.add(outputs, labels == label, valid)
        except InputError as error:
            raise type(error)(f"{path}: {error}") from error
        progress()
    return Mined(
        anomalies.best(top),
        {label: mining.best(1, void=False) for label, mining in classes.items()},
        threshold,
    )
