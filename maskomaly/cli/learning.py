"""Labelled images that `mine` and `tune` learn from, judged before the network is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from maskomaly.cli.groups import Labelled, Running
from mdmkit.cli.groups import Labels
from mdmkit.cli.terminal import note_remarks

if TYPE_CHECKING:
    from maskomaly.mining import LabelledImages
    from maskomaly.networks import Network
    from mdmkit.datasets import DataSet


@dataclass(frozen=True)
class Lesson:
    """Labelled images, and the network to run on them."""

    dataset: DataSet
    images: LabelledImages
    network: Network
    running: Running

    @property
    def origin(self) -> str:
        """Describe what queries and thresholds depend on, for the head of their file."""
        network, dataset = self.network, self.dataset
        half = "" if self.running.amp == "no" else f", {self.running.amp}"
        return (
            f"network: {network.source} ({network.family}), {network.preprocessing.input_size}"
            f"{half}\nimages: {len(dataset.frames)} of {dataset.title or dataset.root}\n"
        )


def lesson(
    labelled: Labelled, labels: Labels, running: Running, quiet: bool, inlier_label: str = "none"
) -> Lesson:
    """Judge the labels, then load the network, which has to propose masks."""
    from maskomaly.mining import labelled_images
    from mdmkit.core.label_values import parse_labels

    inliers = parse_labels(inlier_label, "inlier_label")
    dataset = labelled.find()
    images = labelled_images(dataset, labels.choose(dataset).codes, inliers)
    note_remarks(images.remarks, quiet)
    return Lesson(dataset, images, running.load_masks(quiet), running)
