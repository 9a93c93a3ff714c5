"""Mining a labelled folder for queries, and the file that keeps what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maskomaly.config import MaskomalyConfig
from maskomaly.outputs import MaskOutputs
from maskomaly.predict import Broken, Predicts, find_images, outputs_of_images
from maskomaly.queries import MASK_THRESHOLD, MinedQueries, QueryMining
from mdmkit.datasets import find_targets
from mdmkit.errors import InputError, listing
from mdmkit.files import write_text
from mdmkit.frames import ANOMALOUS, IGNORED, LabelCodes
from mdmkit.io import read_mask

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class LabelledImages:
    """Images with their ground truth, by key.

    Attributes
    ----------
    images, targets : dict of Path
    codes : LabelCodes
        Whose anomalies are looked for.
    inlier_labels : tuple of int
        Label values of known classes, each of which gets a query of its own.
    """

    images: dict[str, Path]
    targets: dict[str, Path]
    codes: LabelCodes
    inlier_labels: tuple[int, ...]


def labelled_images(
    images: str | Path,
    target: str | Path,
    normal_label: Sequence[int],
    anomaly_label: Sequence[int],
    ignore_index: Sequence[int],
    inlier_labels: Sequence[int] = (),
) -> LabelledImages:
    """Pair images with masks by key; each label value has one meaning, known classes are normal.

    Raises
    ------
    InputError
        Images without a mask, masks without an image, listed.
    """
    found, masks = find_images(images), find_targets(target)
    lonely = [f"{key}: no mask" for key in sorted(found.keys() - masks.keys())]
    lonely += [f"{key}: no image" for key in sorted(masks.keys() - found.keys())]
    if lonely:
        raise InputError(
            f"target: expected a mask for every image, found {len(lonely)} alone:\n"
            + listing(lonely)
        )
    normal = sorted({*normal_label, *inlier_labels})
    return LabelledImages(
        found, masks, LabelCodes(normal, anomaly_label, ignore_index), tuple(inlier_labels)
    )


def anomaly_mask(path: Path, codes: LabelCodes) -> tuple[Mask, Mask]:
    """Where a mask file says anomaly, and which pixels count."""
    classes = codes.classify(read_mask(path), None, str(path))
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
    tick: Callable[[], None] = lambda: None,
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
    tick : callable
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
        labels = frames.targets[key]
        try:
            target, valid = anomaly_mask(labels, frames.codes)
            anomalies.add(outputs, target, valid)
            for label, mining in classes.items():
                mining.add(outputs, read_mask(labels) == label, valid)
        except InputError as error:
            raise type(error)(f"{labels}: {error}") from error
        tick()
    return Mined(
        anomalies.best(top),
        {label: mining.best(1, void=False) for label, mining in classes.items()},
        threshold,
    )
