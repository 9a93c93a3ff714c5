"""RoadAnomaly (Lis et al. 2019): as published by its authors, or repackaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import ANOMALY_TRACK, DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, repackaged

_LABELS = "*.labels/labels_semantic.png"


def published_masks(folder: Path) -> dict[str, Path] | None:
    """Masks by key, for the data set's root or its `frames`; None for another layout."""
    for frames in (folder, folder / "frames"):
        masks = sorted(frames.glob(_LABELS))
        if masks:
            return {mask.parent.name.removesuffix(".labels"): mask for mask in masks}
    return None


def published_images(folder: Path) -> dict[str, Path] | None:
    """Images by key, beside the labels; None for another layout."""
    masks = published_masks(folder)
    if masks is None:
        return None
    frames = next(iter(masks.values())).parent.parent
    return {
        key: path
        for key, path in images_below(frames).items()
        if not path.parent.name.endswith(".labels")
    }


def find(blank: DataSet) -> DataSet:
    """Find frames as published, where nothing is ignored; or repackaged, where 255 is."""
    masks, images = published_masks(blank.root), published_images(blank.root)
    if masks is None or images is None:
        return repackaged(blank)
    return labelled(replace(blank, codes=LabelCodes(0, 2, None)), masks, images)


LAYOUT = Layout(
    name="roadanomaly",
    title="RoadAnomaly",
    tree="""\
frames/NAME.jpg
frames/NAME.labels/labels_semantic.png
or, repackaged: images/0.png (.jpg, .webp), labels_masks/0.png (255 is ignored)""",
    find=find,
    codes=LabelCodes(0, 2, 255),
    sizes=ANOMALY_TRACK,
)
