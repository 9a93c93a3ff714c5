"""SegmentMeIfYouCan (Chan et al. 2021): RoadAnomaly21 and RoadObstacle21."""

from __future__ import annotations

from dataclasses import replace

from mdmkit.datasets.dataset import ANOMALY_TRACK, OBSTACLE_TRACK, DataSet, Layout
from mdmkit.datasets.trees import images_below, labelled, masks_below, repackaged

_ENDING = "_labels_semantic"


def find(blank: DataSet) -> DataSet:
    """Find frames as published, or repackaged with plain names."""
    # beside them lie ..._labels_semantic_color.png, for the eye
    masks = masks_below(blank.root / "labels_masks", _ENDING)
    if not masks:
        return repackaged(blank)
    return labelled(blank, masks, images_below(blank.root / "images"))


ANOMALY = Layout(
    name="smiyc-anomaly",
    title="SegmentMeIfYouCan RoadAnomaly21",
    tree="""\
images/validation0000.jpg
labels_masks/validation0000_labels_semantic.png
or, repackaged: images/0.png (.jpg, .webp), labels_masks/0.png""",
    find=find,
    sizes=ANOMALY_TRACK,
    only_labelled="only its validation* frames have public ground truth, "
    "the others are judged by the benchmark's server",
    labelled="validation*",
)

OBSTACLE = replace(
    ANOMALY,
    name="smiyc-obstacle",
    title="SegmentMeIfYouCan RoadObstacle21",
    tree="""\
images/validation_1.webp
labels_masks/validation_1_labels_semantic.png
or, repackaged: images/0.png (.jpg, .webp), labels_masks/0.png""",
    sizes=OBSTACLE_TRACK,
    notes=("about two thirds of a frame are ignored: only the road is judged",),
)
