"""KSDD2, KolektorSDD2 (Bozic et al. 2021): every image has a mask beside it, of good ones all 0."""

from __future__ import annotations

from dataclasses import replace

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.datasets.trees import images_below, masks_below

_ENDING = "_GT"


def find(blank: DataSet) -> DataSet:
    """The test images, below the root or where they lie by themselves."""
    for folder in (blank.root / "test", blank.root):
        masks = masks_below(folder, _ENDING, (".png",))
        if masks:
            images = images_below(folder)
            frames = {key: FrameFiles(masks[key], images.get(key)) for key in sorted(masks)}
            bare = {key for key in images if key not in masks and not key.endswith(_ENDING)}
            return replace(blank, frames=frames, unlabelled=frozenset(bare))
    return blank


LAYOUT = Layout(
    name="ksdd2",
    title="KolektorSDD2",
    tree="""\
test/NAME.png
test/NAME_GT.png          (all 0 where nothing is wrong)""",
    find=find,
    codes=LabelCodes(0, 255, None),
    sizes=ComponentSizes(0, 0),
    normal_frames=True,
)
