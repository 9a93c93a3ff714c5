"""MVTec AD (Bergmann et al. 2019): one category; `good` images have no mask."""

from __future__ import annotations

from dataclasses import replace

from mdmkit.core.errors import InputError, listing
from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import DataSet, FrameFiles, Layout
from mdmkit.datasets.trees import images_below, masks_below

_GOOD = "good/"


def find(blank: DataSet) -> DataSet:
    """The test images of one category; those of `good` are all normal."""
    images = images_below(blank.root / "test")
    masks = masks_below(blank.root / "ground_truth", "_mask", (".png",))
    bare = [key for key in images if key not in masks and not key.startswith(_GOOD)]
    if masks and bare:
        raise InputError(
            f"dataset: expected a mask in {blank.root / 'ground_truth'} for every image outside "
            f"good, found none for {len(bare)}\n{listing(bare)}"
        )
    if not masks:
        return blank
    keys = sorted(images.keys() | masks.keys())
    return replace(blank, frames={key: FrameFiles(masks.get(key), images.get(key)) for key in keys})


LAYOUT = Layout(
    name="mvtec",
    title="a category of MVTec AD",
    tree="""\
test/good/NAME.png
test/DEFECT/NAME.png
ground_truth/DEFECT/NAME_mask.png""",
    find=find,
    codes=LabelCodes(0, 255, None),
    notes=("images of good have no mask: all normal, of the image's size",),
)
