"""Layouts of data sets, and the pairing of their frames with score maps."""

from __future__ import annotations

from mdmkit.datasets.choice import Choice, choose
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.datasets.inverted import as_inverted, check_inverted, how_inverted
from mdmkit.datasets.pairing import (
    Pairing,
    check_missing,
    find_images,
    find_scores,
    find_targets,
    from_folders,
    pair,
)
from mdmkit.datasets.registry import layout, layout_names, open_dataset

__all__ = [
    "Choice",
    "DataSet",
    "FrameFiles",
    "Layout",
    "Pairing",
    "as_inverted",
    "check_inverted",
    "check_missing",
    "choose",
    "find_images",
    "find_scores",
    "find_targets",
    "from_folders",
    "how_inverted",
    "layout",
    "layout_names",
    "open_dataset",
    "pair",
]
