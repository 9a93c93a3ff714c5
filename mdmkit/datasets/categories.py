"""Parts that layouts of industrial inspection share: categories below one root, defect masks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, listing
from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.datasets.trees import images_below, masks_below

Frames = Mapping[str, FrameFiles]
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")


def in_categories(blank: DataSet, frames_of: Callable[[Path], Frames]) -> DataSet:
    """The frames of one category, or of all categories below a root, which then are its groups.

    Keys of several categories begin with their names.
    """
    own = frames_of(blank.root)
    if own:
        return replace(blank, frames=own)
    frames: dict[str, FrameFiles] = {}
    groups: dict[str, str] = {}
    for folder in sorted(blank.root.iterdir()):
        found = frames_of(folder) if folder.is_dir() else {}
        for key, files in found.items():
            frames[f"{folder.name}/{key}"] = files
            groups[f"{folder.name}/{key}"] = folder.name
    return replace(blank, frames=frames, groups=groups)


def defects(
    root: Path, images: str, masks: str, ending: str = "_mask", normal: Collection[str] = ("good",)
) -> Frames:
    """Frames of one category: images in a folder a defect, masks beside them under the same keys.

    Raises
    ------
    InputError
        If an image outside the folders of normal ones has no mask.
    """
    found = masks_below(root / masks, ending, MASK_SUFFIXES) or masks_below(
        root / masks, "", MASK_SUFFIXES
    )
    return matched(root, images_below(root / images), found, normal)


def matched(
    root: Path,
    images: Mapping[str, Path],
    masks: Mapping[str, object],
    normal: Collection[str],
) -> Frames:
    """Images with their masks; those of the normal folders need none."""
    bare = [key for key in images if key not in masks and key.partition("/")[0] not in normal]
    if masks and bare:
        raise InputError(
            f"expected a mask for every image outside {' and '.join(normal)} in {root}, "
            f"found none for {len(bare)}\n{listing(bare)}",
            argument="dataset",
        )
    if not masks:
        return {}
    keys = sorted(images.keys() | masks.keys())
    return {key: FrameFiles(masks.get(key), images.get(key)) for key in keys}  # type: ignore[arg-type]


def industrial(
    name: str, title: str, tree: str, frames_of: Callable[[Path], Frames], *notes: str
) -> Layout:
    """A layout of categories with masks of 0 and 255."""
    return Layout(
        name=name,
        title=title,
        tree=f"CATEGORY/...              (or ROOT is one category)\n{tree}",
        find=lambda blank: in_categories(blank, frames_of),
        codes=LabelCodes(0, 255, None),
        sizes=ComponentSizes(0, 0),
        notes=("images of good products have no mask: all normal, of the image's size", *notes),
        normal_frames=True,
    )
