"""RoadAnomaly as published: `frames/NAME.jpg`, `frames/NAME.labels/labels_semantic.png`."""

from __future__ import annotations

from pathlib import Path

_LABELS = "*.labels/labels_semantic.png"


def targets(folder: Path) -> dict[str, Path] | None:
    """Masks by key, for the data set's root or its `frames`; None for another layout."""
    for frames in (folder, folder / "frames"):
        masks = sorted(frames.glob(_LABELS))
        if masks:
            return {mask.parent.name.removesuffix(".labels"): mask for mask in masks}
    return None


def images(folder: Path) -> dict[str, Path] | None:
    """Images by key, for the data set's root or its `frames`; None for another layout."""
    masks = targets(folder)
    if masks is None:
        return None
    beside = next(iter(masks.values())).parents[1]
    return {
        path.stem: path for path in sorted(beside.iterdir()) if path.suffix in (".jpg", ".webp")
    }
