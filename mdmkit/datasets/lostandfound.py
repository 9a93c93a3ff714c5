"""Lost and Found (Pinggera et al. 2016): small obstacles on the road ahead."""

from __future__ import annotations

from functools import partial

from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.dataset import OBSTACLE_TRACK, DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, masks_below

_MASKS, _IMAGES = "_gtCoarse_labelIds", "_leftImg8bit"
#: Label ids: 0 is the unlabelled background, 1 the free road, each further one a kind of obstacle.
_CODES = LabelCodes(normal_label=1, anomaly_label=range(2, 201), ignore_index=0)


def find(blank: DataSet, split: str) -> DataSet:
    """The frames of one split."""
    return labelled(
        blank,
        masks_below(blank.root / "gtCoarse" / split, _MASKS, (".png",)),
        images_below(blank.root / "leftImg8bit" / split, _IMAGES),
    )


def _layout(name: str, split: str) -> Layout:
    return Layout(
        name=name,
        title=f"Lost and Found, {split}",
        tree=f"""\
leftImg8bit/{split}/CITY/NAME_leftImg8bit.png
gtCoarse/{split}/CITY/NAME_gtCoarse_labelIds.png""",
        find=partial(find, split=split),
        codes=_CODES,
        sizes=OBSTACLE_TRACK,
        notes=(
            "normal is the free road alone; all else without a label is ignored",
            "some frames have no label at all: they count as frames without pixels",
        ),
        normal_frames=True,
    )


TEST = _layout("lostandfound", "test")
TRAIN = _layout("lostandfound-train", "train")
