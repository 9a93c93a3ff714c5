"""Fishyscapes (Blum et al. 2021): the validation frames of Static and of Lost & Found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from mdmkit.datasets.dataset import OBSTACLE_TRACK, DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, masks_below

#: Folders of images and of labels under which the frames are shared.
_FOLDERS = (
    ("original", "labels"),
    ("images", "labels"),
    ("images", "labels_masks"),
    ("images/val", "annotations/val"),
)
_LABELS = "_labels"
_IMAGE_ENDINGS = ("_leftImg8bit", "_rgb")


def find(blank: DataSet) -> DataSet:
    """Find frames in one of the folder pairs; or labels alone, as the benchmark publishes them."""
    for images, labels in _FOLDERS:
        masks = _masks(blank.root / labels)
        if masks:
            return labelled(blank, masks, _images(blank.root / images, masks))
    alone = blank.root.glob(f"*{_LABELS}.png")
    return labelled(blank, {mask.stem.removesuffix(_LABELS): mask for mask in alone}, {})


def _masks(folder: Path) -> dict[str, Path]:
    return masks_below(folder, _LABELS, (".png",)) or masks_below(folder, "", (".png",))


def _images(folder: Path, masks: Mapping[str, Path]) -> dict[str, Path]:
    """Images by key; endings of their names are taken off where that names a mask."""
    images = {}
    for key, path in images_below(folder).items():
        short = [key.removesuffix(ending) for ending in _IMAGE_ENDINGS if key.endswith(ending)]
        images[short[0] if short and short[0] in masks else key] = path
    return images


_TREE = """\
original/NAME.png         or images/NAME.png (.jpg, .webp)
labels/NAME.png           or labels_masks/NAME.png
or images/val/NAME_leftImg8bit.png, annotations/val/NAME_labels.png
or NAME_labels.png alone, as published (images stay with Cityscapes and Lost and Found)"""
_NOTES = ("some frames show no anomaly: their normal pixels count, per-image values do not exist",)

STATIC = Layout(
    name="fishyscapes-static",
    title="Fishyscapes Static",
    tree=_TREE,
    find=find,
    notes=_NOTES,
    normal_frames=True,
)
LOST_AND_FOUND = replace(
    STATIC,
    name="fishyscapes-lostfound",
    title="Fishyscapes Lost & Found",
    sizes=OBSTACLE_TRACK,
)
