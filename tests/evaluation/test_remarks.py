"""Every door that computes a number says so where masks or scores look like mistakes."""

import numpy as np
import pytest
from PIL import Image

from mdmkit import (
    bootstrap,
    check_threshold,
    choose_thresholds,
    compare,
    evaluate,
    recommend_threshold,
    transfer_threshold,
)
from mdmkit.datasets import suspicion
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.frame_set import FrameSet, evaluate_methods

TARGETS = [np.zeros((9, 12), np.uint8) for _ in range(4)]
for _number, _target in enumerate(TARGETS):
    _target[2 + _number : 6 + _number, 3:9] = 1
UPSIDE_DOWN = [0.9 - 0.5 * target - 0.01 * k for k, target in enumerate(TARGETS)]
UPRIGHT = [0.2 + 0.5 * target + 0.01 * k for k, target in enumerate(TARGETS)]
MIXED = "3 of 4 masks hold only 0 and 255 (ignore), as f1: are they black-and-white masks?"
LOW = "are its scores higher where all is normal?"
SIGMOID = "`normalize='sigmoid'` of scores that lie in [0, 1] already"


def pairs(scores):
    return list(zip(scores, TARGETS, strict=True))


@pytest.fixture
def folders(tmp_path):
    """Score maps, masks of two kinds, and a data set of which normal frames are expected."""
    for name in "sm":
        (tmp_path / name).mkdir()
    for number, (scores, target) in enumerate(pairs(UPRIGHT)):
        np.save(tmp_path / f"s/f{number}.npy", scores)
        mask = target * 255 if number else target
        Image.fromarray(mask).save(tmp_path / f"m/f{number}.png")
    return tmp_path / "s", tmp_path / "m"


REQUIRE = "recall >= 0.1"
DOORS = {
    "compare": lambda s, m: compare({"a": s}, m, "ap").remarks,
    "bootstrap": lambda s, m: bootstrap({"a": s}, m, "ap", replicates=3).remarks,
    "bootstrap of images": lambda s, m: (
        bootstrap({"a": s}, m, "ap", replicates=3, aggregate="per_image").remarks
    ),
    "recommend": lambda s, m: recommend_threshold(s, m, 0.3).remarks,
    "require": lambda s, m: recommend_threshold(s, m, require=REQUIRE).remarks,
    "transfer": lambda s, m: (
        transfer_threshold(recommend_threshold(pairs(UPRIGHT), 0.3), s, m).remarks
    ),
    "transfer required": lambda s, m: (
        transfer_threshold(recommend_threshold(pairs(UPRIGHT), require=REQUIRE), s, m).remarks
    ),
    "check": lambda s, m: (
        check_threshold(recommend_threshold(pairs(UPRIGHT), require=REQUIRE).chosen, s, m).remarks
    ),
    "choose": lambda s, m: choose_thresholds({"a": s}, m, 0.3).remarks,
    "choose required": lambda s, m: choose_thresholds({"a": s}, m, require=REQUIRE).remarks,
}


@pytest.mark.parametrize("door", DOORS)
def test_results_carry_remarks_on_masks(door, folders):
    (remark,) = DOORS[door](*folders)
    assert remark.startswith(MIXED)


def test_masks_are_counted_while_frames_are_read(folders, monkeypatch):
    scores, masks = folders
    monkeypatch.setattr(suspicion, "read_mask", None)  # reads masks a second time
    for jobs in (1, 3):
        frames = FrameSet.of({"a": scores, "b": scores}, masks)
        evaluate_methods(frames, metrics="ap", jobs=jobs)
        (remark,) = frames.remarks
        assert remark.startswith(MIXED)


def test_masks_whose_counts_were_kept_are_read_for_remarks(folders, tmp_path):
    scores, masks = folders
    first = compare({"a": scores}, masks, "ap", counts=tmp_path / "state").remarks
    assert compare({"a": scores}, masks, "ap", counts=tmp_path / "state").remarks == first
    found = [
        bootstrap({"a": scores}, masks, "ap", replicates=3, counts=tmp_path / "counts.h5")
        for _ in range(2)
    ]
    assert found[0].remarks == found[1].remarks == first


def test_where_normal_frames_are_expected_no_mask_is_read_for_remarks(folders, monkeypatch):
    from dataclasses import replace

    from mdmkit.datasets import from_folders

    scores, masks = folders
    dataset = replace(from_folders(masks), name="known", normal_frames=True)
    monkeypatch.setattr(suspicion, "read_mask", None)
    assert FrameSet.of({"a": scores}, dataset=dataset).remarks == ()


def test_a_survey_travels_to_other_processes_without_what_it_counted(folders):
    import pickle

    frames = FrameSet.of({"a": folders[0]}, folders[1])
    evaluate_methods(frames, metrics="ap")
    load = pickle.loads(pickle.dumps(frames.loads["a"][1]))
    assert load.keywords["survey"].found == {}
    assert load().anomalous_pixels == 0


NUMBERS = {
    "evaluate": lambda frames, kind: evaluate(frames, "ap", normalize=kind).remarks,
    "images": lambda frames, kind: (
        evaluate(frames, "ap", normalize=kind, aggregate="per_image").remarks
    ),
    "little memory": lambda frames, kind: evaluate(frames, "ap", normalize=kind, memory=1).remarks,
    "compare": lambda frames, kind: compare({"a": frames}, metrics="ap", normalize=kind).remarks,
    "bootstrap": lambda frames, kind: (
        bootstrap({"a": frames}, metrics="ap", replicates=3, normalize=kind).remarks
    ),
    "recommend": lambda frames, kind: recommend_threshold(frames, 0.3, normalize=kind).remarks,
    "require": lambda frames, kind: (
        recommend_threshold(frames, require="recall >= 0.1", normalize=kind).remarks
    ),
    "choose": lambda frames, kind: (
        choose_thresholds({"a": frames}, t_margin=0.3, normalize=kind).remarks
    ),
}


@pytest.mark.parametrize("door", NUMBERS)
def test_scores_that_seem_upside_down_are_remarked(door):
    (remark,) = NUMBERS[door](pairs(UPSIDE_DOWN), "none")
    assert "AUROC 0.0 is below 40" in remark
    assert remark.endswith(LOW)
    assert not NUMBERS[door](pairs(UPRIGHT), "none")


@pytest.mark.parametrize("door", NUMBERS)
def test_a_sigmoid_of_scores_in_the_unit_interval_is_remarked(door):
    (remark,) = NUMBERS[door](pairs(UPRIGHT), "sigmoid")
    assert SIGMOID in remark
    wide = [9 * scores - 3 for scores in UPRIGHT]
    assert not NUMBERS[door](pairs(wide), "sigmoid")


def test_a_second_set_is_remarked(folders):
    first = recommend_threshold(pairs(UPRIGHT), 0.3)
    (remark,) = transfer_threshold(first, pairs(UPSIDE_DOWN)).remarks
    assert remark.endswith(LOW)
    on = {"a": pairs(UPSIDE_DOWN)}
    (remark,) = choose_thresholds({"a": pairs(UPRIGHT)}, t_margin=0.3, on=on).remarks
    assert remark.startswith("a: AUROC 0.0")


def test_groups_that_are_upside_down_are_remarked_where_the_whole_is_not(tmp_path):
    for name, number in (("s/day", 0), ("s/day", 1), ("s/day", 2), ("s/night", 3)):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
        (tmp_path / name.replace("s/", "m/")).mkdir(parents=True, exist_ok=True)
        scores = (UPSIDE_DOWN if "night" in name else UPRIGHT)[number]
        np.save(tmp_path / name / f"{number}.npy", scores)
        mask = tmp_path / name.replace("s/", "m/") / f"{number}.png"
        Image.fromarray(TARGETS[number]).save(mask)
    found = compare({"a": tmp_path / "s"}, tmp_path / "m", "auroc,ap", by="folder")
    assert found["a"]["auroc"] > 0.4
    assert found.remarks == (f"a: auroc@folder=night 0.0 is below 40: {LOW}",)


def test_images_that_are_ranked_upside_down_are_remarked():
    normal = [(0.9 * np.ones((3, 4)), np.zeros((3, 4), np.uint8))] * 3
    (remark,) = evaluate([*pairs(UPRIGHT), *normal], "image_auroc,ap").remarks
    assert remark.startswith("image_auroc 0.0 is below 40")


def test_a_saved_evaluation_keeps_what_remarks_need(tmp_path):
    evaluation = Evaluation("ap", aggregate="per_image", normalize="sigmoid")
    for scores, target in pairs(UPSIDE_DOWN):
        evaluation.update(scores, target)
    evaluation.save(tmp_path / "e.npz")
    loaded = Evaluation.load(tmp_path / "e.npz").result()
    assert loaded.remarks == evaluation.result().remarks
    assert len(loaded.remarks) == 2
