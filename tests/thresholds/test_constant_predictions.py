"""Trivial levels: what constant predictions score, by measuring them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, mdm
from mdmkit.datasets import choose, from_folders
from mdmkit.thresholds.trivial import trivial_levels
from tests.cli.commands import frame
from tests.cli.conftest import folders, run  # noqa: F401  (fixtures)


def test_levels_are_those_of_margins_on_the_same_masks(folders):  # noqa: F811
    truth = from_folders(folders / "masks")
    names = ("f1", "iou", "siou", "mean_f1", "pro", "recall")
    frames = [frame(seed) for seed in range(3)]
    for level in trivial_levels(truth, choose(truth), names):
        assert level.level == mdm(frames, t_margin=0.1, metric=level.name).trivial
    (fpr,) = trivial_levels(truth, choose(truth, aggregate="per_image"), "fpr")
    assert (fpr.everything, fpr.nothing) == (1.0, 0.0)


def test_measures_that_masks_do_not_define_are_told(tmp_path):
    Image.fromarray(np.zeros((4, 5), np.uint8)).save(tmp_path / "a.png")
    truth = from_folders(tmp_path)
    recall, fpr = trivial_levels(truth, choose(truth), "recall,fpr")
    assert (recall.level, fpr.level) == (None, 1.0)
    assert str(recall) == "recall undefined (all valid pixels undefined, none undefined)"
    with pytest.raises(InputError, match="metrics: expected measures"):
        trivial_levels(truth, choose(truth), "ap")


def test_inspect_says_them(run):  # noqa: F811
    ran = run("inspect", "good=good", "--target", "masks", "--metrics", "siou,recall")
    assert ran.code == 0, ran.err
    assert "trivial    recall 1.0000 (all valid pixels 1.0000, none 0.0000)" in ran.out
    assert run("inspect", "good=good", "--metrics", "siou").refused("--metrics: expected --target")
