"""KSDD2, KolektorSDD2 (Bozic et al. 2021): every image has a mask beside it, of good ones all 0."""

from __future__ import annotations

from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, masks_below

_ENDING = "_GT"


def find(blank: DataSet) -> DataSet:
    """The test images, below the root or where they lie by themselves."""
    for folder in (blank.root / "test", blank.root):
        masks = masks_below(folder, _ENDING, (".png",))
        if masks:
            found = images_below(folder)
            images = {key: path for key, path in found.items() if not key.endswith(_ENDING)}
            return labelled(blank, masks, images)
    return blank


LAYOUT = Layout(
    name="ksdd2",
    title="KolektorSDD2",
    tree="""\
test/NAME.png
test/NAME_GT.png          (all 0 where nothing is wrong)""",
    find=find,
    codes=LabelCodes(0, 255, None),
    normal_frames=True,
)
