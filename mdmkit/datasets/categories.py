"""Parts that layouts of industrial inspection share: categories below one root, defect masks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from mdmkit.core.errors import InputError, listing
from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.datasets.trees import images_below, masks_below

Frames = Mapping[str, FrameFiles]
Find = Callable[[DataSet], DataSet]
MASK_SUFFIXES = (".png", ".bmp", ".tif", ".tiff")


def in_categories(blank: DataSet, frames_of: Callable[[Path], Frames]) -> DataSet:
    """The frames of one category, or of all categories below a root, which then are its groups.

    Keys of several categories begin with their names.
    """
    own = frames_of(blank.root)
    if own:
        return replace(blank, frames=own)
    folders = (entry for entry in blank.root.iterdir() if entry.is_dir())
    return grouped(blank, {folder.name: frames_of(folder) for folder in folders})


def grouped(blank: DataSet, categories: Mapping[str, Frames]) -> DataSet:
    """The frames of all categories, which are their groups."""
    frames = {
        f"{name}/{key}": files for name, own in categories.items() for key, files in own.items()
    }
    groups = {key: key.partition("/")[0] for key in frames}
    return replace(blank, frames=dict(sorted(frames.items())), groups=groups)


def defects(root: Path, normal: Collection[str] = ("good",)) -> Frames:
    """Frames of one category: images in a folder a defect, masks beside them under the same keys.

    Raises
    ------
    InputError
        If an image outside the folders of normal ones has no mask.
    """
    folder = root / "ground_truth"
    named = masks_below(folder, "_mask", MASK_SUFFIXES)
    masks = named or masks_below(folder, "", MASK_SUFFIXES)
    return matched(root, images_below(root / "test"), masks, normal)


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


def each_category(frames_of: Callable[[Path], Frames]) -> Find:
    """How frames are found in folders of categories, by those of one category."""
    return partial(in_categories, frames_of=frames_of)


def industrial(name: str, title: str, tree: str, find: Find, *notes: str) -> Layout:
    """A layout of categories with masks of 0 and 255."""
    return Layout(
        name=name,
        title=title,
        tree=f"CATEGORY/...              (or ROOT is one category)\n{tree}",
        find=find,
        codes=LabelCodes(0, 255, None),
        notes=("images of good products have no mask: all normal, of the image's size", *notes),
        normal_frames=True,
    )
