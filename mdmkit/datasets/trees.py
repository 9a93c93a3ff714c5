"""Parts that layouts share: images and masks below folders, matched by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mdmkit.datasets.dataset import DataSet, FrameFiles
from mdmkit.datasets.keys import files_below, files_by_key
from mdmkit.io.formats import mask_suffixes
from mdmkit.io.images import IMAGE_SUFFIXES


def masks_below(folder: Path, ending: str = "", suffixes: Sequence[str] = ()) -> dict[str, Path]:
    """Masks by key; none where there is no such folder, or nothing of the kind in it."""
    return _below(folder, suffixes or mask_suffixes(), ending)


def images_below(folder: Path, ending: str = "") -> dict[str, Path]:
    """Images by key; none where there is no such folder, or nothing of the kind in it."""
    return _below(folder, IMAGE_SUFFIXES, ending)


def _below(folder: Path, suffixes: Sequence[str], ending: str) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    fitting = (
        path.suffix.lower() in suffixes and path.with_suffix("").name.endswith(ending)
        for path in files_below(folder)
    )
    return files_by_key(folder, suffixes, "dataset", ending) if any(fitting) else {}


def labelled(blank: DataSet, masks: Mapping[str, Path], images: Mapping[str, Path]) -> DataSet:
    """The data set of frames with a mask; images without one are unlabelled frames."""
    return replace(
        blank,
        frames={key: FrameFiles(masks[key], images.get(key)) for key in sorted(masks)},
        unlabelled=frozenset(images.keys() - masks.keys()) if masks else frozenset(),
    )


def repackaged(blank: DataSet) -> DataSet:
    """`images/0.png` (`.jpg`, `.webp`) and `labels_masks/0.png`, as validation sets are shared."""
    return labelled(
        blank, masks_below(blank.root / "labels_masks"), images_below(blank.root / "images")
    )
