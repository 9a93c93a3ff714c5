"""Masks that say nothing anomalous is there, by a mistake of labels or of files."""

import numpy as np
import pytest
from PIL import Image

from mdmkit import NoTargetError, compare
from mdmkit.datasets import DataSet, from_folders, open_dataset
from mdmkit.datasets.inspection import inspect_frames

RNG = np.random.default_rng(0)
TARGET = (RNG.random((12, 14)) < 0.3).astype(np.uint8)


@pytest.fixture
def frames(tmp_path):
    """Write masks and score maps; what `compare` takes."""

    def frames(*masks):
        for folder in ("masks", "mine"):
            (tmp_path / folder).mkdir()
        for number, mask in enumerate(masks):
            Image.fromarray(mask).save(tmp_path / f"masks/f{number}.png")
            np.save(tmp_path / f"mine/f{number}.npy", RNG.random(mask.shape))
        return {"mine": tmp_path / "mine"}, tmp_path / "masks"

    return frames


def remarks(methods, target, **options):
    return compare(methods, target, "ap", **options).settings.get("remarks", [])


@pytest.mark.parametrize("metrics", ["ap", "auroc,best_f1", "mdm_f1@0.5", None])
def test_black_and_white_masks_under_usual_labels_are_an_error(frames, metrics):
    methods, target = frames(TARGET * 255, TARGET * 255)
    with pytest.raises(NoTargetError, match=r"255 \(ignore\) at .*`anomaly_label=255`"):
        compare(methods, target, metrics)
    found = inspect_frames(methods, from_folders(target))
    assert "`anomaly_label=255`, `ignore_index=None`" in found.problems[0]
    assert compare(methods, target, metrics, anomaly_label=255, ignore_index=None)


def test_another_value_than_the_anomaly_label_is_named(frames):
    methods, target = frames(TARGET * 2)
    with pytest.raises(NoTargetError, match=r"2 \(normal\) at \d+ pixels; `anomaly_label=N` names"):
        compare(methods, target, "ap", normal_label=(0, 2))


def test_some_black_and_white_masks_are_a_remark(frames):
    methods, target = frames(TARGET, TARGET * 255, TARGET * 255)
    (remark,) = remarks(methods, target)
    assert remark.startswith("2 of 3 masks hold only 0 and 255 (ignore), as f1")
    assert "`anomaly_label=(1, 255)`, `ignore_index=None`" in remark
    assert inspect_frames(methods, from_folders(target)).remarks == [remark]
    assert not remarks(methods, target, anomaly_label=(1, 255), ignore_index=None)


def test_masks_that_are_mostly_zero_are_a_remark(frames):
    methods, target = frames(TARGET, TARGET * 0, TARGET * 0)
    (remark,) = remarks(methods, target)
    assert remark.startswith("2 of 3 masks are all 0, as f1: these frames count as all normal")
    assert inspect_frames(methods, from_folders(target)).remarks == [remark]


def test_some_normal_frames_are_no_remark(frames):
    methods, target = frames(TARGET, TARGET, TARGET * 0)
    assert not remarks(methods, target)
    assert inspect_frames(methods, from_folders(target)).remarks == []


def test_zero_masks_of_frames_without_ground_truth_are_a_remark(tmp_path):
    root = tmp_path / "set"
    for folder in ("set/images", "set/labels_masks", "mine"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("validation0", "validation1", "other0"):
        mask = TARGET * name.startswith("validation")
        Image.fromarray(mask.astype(np.uint8)).save(
            root / f"labels_masks/{name}_labels_semantic.png"
        )
        Image.fromarray(mask.astype(np.uint8)).save(root / f"images/{name}.jpg")
        np.save(tmp_path / f"mine/{name}.npy", RNG.random(TARGET.shape))
    found = open_dataset(f"smiyc-anomaly:{root}")
    methods = {"mine": tmp_path / "mine"}
    (remark,) = remarks(methods, None, dataset=found)
    assert remark.startswith("1 masks of frames without ground truth are all 0, as other0")
    assert remark in inspect_frames(methods, found).remarks


def test_normal_frames_that_belong_to_a_data_set_are_no_remark(frames):
    methods, target = frames(TARGET, TARGET * 0, TARGET * 0)
    plain = from_folders(target)
    known = DataSet("known", plain.root, "Known", plain.frames, normal_frames=True)
    assert not remarks(methods, None, dataset=known)


def test_one_label_problem_is_told_once_with_the_layout_that_knows_it(tmp_path):
    for name in "abc":
        folder = tmp_path / f"frames/{name}.labels"
        folder.mkdir(parents=True)
        Image.fromarray(TARGET * 2).save(folder / "labels_semantic.png")
    found = inspect_frames({}, from_folders(tmp_path))
    assert len([p for p in found.problems if "label" in p]) == 1
    assert f"found 2 in 3 masks, as {tmp_path}" in found.problems[0]
    assert f"`dataset='roadanomaly:{tmp_path}'` knows the labels" in found.problems[0]


def test_scores_that_seem_upside_down_are_a_remark(frames):
    methods, target = frames(TARGET)
    np.save(methods["mine"] / "f0.npy", 1 - TARGET * 0.5)
    expected = "mine: AUROC 0.0 is below 40: are its scores higher where all is normal?"
    for metrics in ("auroc", "ap"):
        assert compare(methods, target, metrics).settings["remarks"] == [expected]
        assert compare(methods, target, metrics, memory=1).settings["remarks"] == [expected]


def test_a_sigmoid_of_scores_in_the_unit_interval_is_a_remark(frames):
    methods, target = frames(TARGET)
    found = compare(methods, target, "ap", normalize="sigmoid").settings["remarks"]
    assert "`normalize='sigmoid'` of scores that lie in [0, 1] already" in found[0]
    np.save(methods["mine"] / "f0.npy", RNG.random(TARGET.shape) * 9 - 3)
    assert "remarks" not in compare(methods, target, "ap", normalize="sigmoid").settings


def test_margins_that_are_all_zero_are_a_remark(frames):
    methods, target = frames(TARGET)
    found = compare(methods, target, "best_f1,mdm_f1@0.9,mdm_iou@0.9").settings["remarks"]
    assert "mine: every margin is 0: no threshold" in found[0]
    assert "its best F1" in found[0]
