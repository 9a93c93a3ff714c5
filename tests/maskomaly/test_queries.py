"""Mining: the queries whose masks overlap anomalies, on masks drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="torch is not installed")

from maskomaly import Geometry, MaskOutputs  # noqa: E402
from maskomaly.mining import target_of  # noqa: E402
from maskomaly.queries import QueryMining, mask_at_image, query_overlaps  # noqa: E402
from mdmkit import InputError, NoTargetError  # noqa: E402
from mdmkit.core.labels import LabelCodes  # noqa: E402
from tests.maskomaly.drawn import random_outputs  # noqa: E402

TARGET = np.array([[1, 1, 0, 0], [1, 1, 0, 0]], bool)
ALL = np.ones((2, 4), bool)
#       left half      right half     one pixel      everything
MASKS = np.array([
    [[1, 1, 0, 0], [1, 1, 0, 0]],
    [[0, 0, 1, 1], [0, 0, 1, 1]],
    [[1, 0, 0, 0], [0, 0, 0, 0]],
    [[1, 1, 1, 1], [1, 1, 1, 1]],
], bool)  # fmt: skip


def drawn(masks=MASKS, void=(0.9, 0.9, 0.9, 0.9), low=-9.0, high=9.0) -> MaskOutputs:
    """One known class; logits that mean 0 or 1."""
    probabilities = np.array([[1 - v, v] for v in void], np.float32)
    logits = np.where(masks, high, low).astype(np.float32)
    return MaskOutputs(probabilities, logits, Geometry.plain(masks.shape[1:]))


def test_overlap_is_intersection_over_union():
    assert query_overlaps(drawn(), TARGET, ALL).tolist() == [1.0, 0.0, 0.25, 0.5]


def test_ignored_pixels_are_in_no_overlap():
    valid = ALL.copy()
    valid[:, 1] = False
    assert query_overlaps(drawn(), TARGET, valid).tolist() == [1.0, 0.0, 0.5, 1 / 3]


def test_a_mask_is_predicted_strictly_above_the_threshold():
    half = drawn(low=0.0, high=0.0)  # m = 0.5 everywhere
    assert query_overlaps(half, TARGET, ALL, threshold=0.5).tolist() == [0.0] * 4
    assert query_overlaps(half, TARGET, ALL, threshold=0.4).tolist() == [0.5] * 4


def test_masks_are_compared_at_the_image_s_size():
    outputs = random_outputs(3)
    upsampled = torch.nn.functional.interpolate(
        outputs.mask_logits[None], outputs.geometry.padded, mode="bilinear", align_corners=False
    )[0].sigmoid()
    height, width = outputs.geometry.content
    whole = upsampled[:, :height, :width]
    assert mask_at_image(outputs, 2).shape == outputs.geometry.image
    assert float(mask_at_image(outputs, 2).mean()) == pytest.approx(
        float(whole[2].mean()), abs=1e-6
    )


def test_the_best_queries_come_first():
    mining = QueryMining()
    mining.add(drawn(), TARGET, ALL)
    found = mining.best(2)
    assert found.indices == (0, 3)
    assert found.iou.tolist() == [1.0, 0.0, 0.25, 0.5]
    assert found.images == 1
    assert QueryMining.best(mining, 9).indices == (0, 3, 2)  # the second never overlaps


def test_queries_of_known_classes_are_not_taken_for_anomalies():
    mining = QueryMining()
    mining.add(drawn(void=(0.5, 0.9, 0.6, 0.1)), TARGET, ALL)
    assert mining.best(4).indices == (2,)  # p(void) = 0.5 is not above 0.5
    assert mining.best(4, void=False).indices == (0, 3)


def test_overlaps_are_averaged_over_images_that_have_something_to_find():
    mining = QueryMining()
    mining.add(drawn(), TARGET, ALL)
    mining.add(drawn(), ~TARGET, ALL)
    mining.add(drawn(), np.zeros_like(TARGET), ALL)
    found = mining.best(4)
    assert found.images == 2
    assert found.iou.tolist() == [0.5, 0.5, 0.125, 0.5]
    assert found.indices == (0, 1, 3, 2)  # ties go to the lower index


def test_mining_without_anything_to_find_is_an_error():
    mining = QueryMining()
    mining.add(drawn(), np.zeros_like(TARGET), ALL)
    with pytest.raises(NoTargetError, match="expected images with something to find"):
        mining.best(1)
    mining.add(drawn(void=(0.1,) * 4), TARGET, ALL)
    with pytest.raises(NoTargetError, match=r"mean p\(void\) > 0.5"):
        mining.best(1)


def test_bad_arguments_are_named():
    with pytest.raises(InputError, match="threshold: "):
        QueryMining(1.0)
    with pytest.raises(InputError, match="target: expected the image's size"):
        query_overlaps(drawn(), TARGET.T, ALL.T)
    mining = QueryMining()
    mining.add(drawn(), TARGET, ALL)
    with pytest.raises(InputError, match="top: "):
        mining.best(0)
    with pytest.raises(InputError, match="outputs: expected 4 queries, as before, found 2"):
        mining.add(drawn(MASKS[:2], (0.9, 0.9)), TARGET, ALL)


def test_a_black_and_white_mask_of_a_page_is_an_error_that_names_the_label(tmp_path):
    labels = np.zeros((4, 4), np.uint8)
    labels[1] = 255
    Image.fromarray(labels).save(tmp_path / "a.png")
    with pytest.raises(NoTargetError, match="`anomaly_label=255`, `ignore_index=None`"):
        target_of(tmp_path / "a.png", LabelCodes(), (4, 4))
    target, valid = target_of(tmp_path / "a.png", LabelCodes(0, 255, None), (4, 4))
    assert (target.sum(), valid.sum()) == (4, 16)
