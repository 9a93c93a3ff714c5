"""Scores averaged within instances, against a loop."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed")

from maskomaly.instances import InstanceMasks, average_within
from mdmkit import InputError


@pytest.mark.parametrize("seed", range(20))
def test_each_instance_gets_its_mean(seed):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 9)), int(rng.integers(1, 9)))
    scores = rng.random(shape).astype(np.float32)
    instances = rng.choice([0, 1, 2, 7, 300], shape)
    expected = scores.copy()
    for number in set(instances.ravel().tolist()) - {0}:
        expected[instances == number] = scores[instances == number].astype(float).mean()
    found = average_within(scores, instances)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (found[instances == 0] == scores[instances == 0]).all()


def test_masks_of_a_folder_are_those_of_the_frames(tmp_path):
    Image.fromarray(np.array([[0, 1], [1, 1]], np.uint8)).save(tmp_path / "a.png")
    masks = InstanceMasks(tmp_path)
    masks.check(["a"])
    found = masks.average("a", np.array([[0.5, 0.0], [0.0, 0.75]]))
    assert found.tolist() == [[0.5, 0.25], [0.25, 0.25]]
    before = masks.digest
    with pytest.raises(InputError, match="found none for 1"):
        masks.check(["a", "b"])
    with pytest.raises(InputError, match=r"a\.png: instances: expected the scores' shape"):
        masks.average("a", np.zeros((3, 2)))
    Image.fromarray(np.array([[0, 1], [2, 2]], np.uint16)).save(tmp_path / "a.png")
    assert InstanceMasks(tmp_path).digest != before


def test_what_is_no_number_of_an_instance_is_refused():
    for wrong in (np.array([[0.5]]), np.array([[-1]])):
        with pytest.raises(InputError, match="expected whole numbers >= 0"):
            average_within(np.zeros((1, 1)), wrong)
