"""RoadAnomaly (Lis et al. 2019): as published by its authors, or repackaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mdmkit.datasets.dataset import DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, repackaged
from mdmkit.frames import LabelCodes

_LABELS = "*.labels/labels_semantic.png"


def published_masks(folder: Path) -> dict[str, Path] | None:
    """Masks by key, for the data set's root or its `frames`; None for another layout."""
    for frames in (folder, folder / "frames"):
        masks = sorted(frames.glob(_LABELS))
        if masks:
            return {mask.parent.name.removesuffix(".labels"): mask for mask in masks}
    return None


def find(blank: DataSet) -> DataSet:
    """As published, where nothing is ignored; or repackaged, where 255 is."""
    masks = published_masks(blank.root)
    if masks is None:
        return repackaged(blank)
    frames = next(iter(masks.values())).parent.parent
    pictures = {
        key: path
        for key, path in images_below(frames).items()
        if not path.parent.name.endswith(".labels")
    }
    return labelled(replace(blank, codes=LabelCodes(0, 2, None)), masks, pictures)


LAYOUT = Layout(
    name="roadanomaly",
    title="RoadAnomaly",
    tree="""\
frames/NAME.jpg
frames/NAME.labels/labels_semantic.png
or, repackaged: images/0.png (.jpg, .webp), labels_masks/0.png (255 is ignored)""",
    find=find,
    codes=LabelCodes(0, 2, 255),
)
