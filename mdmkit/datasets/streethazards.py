"""StreetHazards (Hendrycks et al. 2022): the rendered test scenes, reported per image."""

from __future__ import annotations

from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, masks_below


def find(blank: DataSet) -> DataSet:
    """Find frames below the root of the archive, or below its `test` folder."""
    for start in (blank.root / "test", blank.root):
        masks = masks_below(start / "annotations" / "test", suffixes=(".png",))
        if masks:
            return labelled(blank, masks, images_below(start / "images" / "test"))
    return blank


LAYOUT = Layout(
    name="streethazards",
    title="StreetHazards",
    tree="""\
test/images/test/t5/NAME.png, t6/NAME.png
test/annotations/test/t5/NAME.png, t6/NAME.png""",
    find=find,
    codes=LabelCodes(range(1, 14), 14, None),
    aggregate="per_image",
    notes=("its literature reports the mean over images",),
)
