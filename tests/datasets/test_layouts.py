"""Layouts of data sets: drawn frames, stored as each data set stores them, give their numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, InputTypeError, compare, open_dataset
from mdmkit.datasets import DataSet, find_targets, layout_names, pair

METRICS = "ap,fpr95,best_f1,siou_gt,mdm_f1@0.3"
SHAPE = (40, 60)


@dataclass
class Stored:
    """Files of one drawn frame, below the root; of the mask None if there is none."""

    key: str
    image: str
    mask: str | None


def drawn(index):
    """Scores and classes: 0 normal, 1 anomalous, 2 to be ignored. The last frame is all normal."""
    rng = np.random.default_rng(index)
    classes = np.zeros(SHAPE, np.uint8)
    if index < 2:
        classes[5 : 25 + 5 * index, 10:50] = 1
        classes[30:32, 4:6] = 1  # too small for a component of 10 pixels
    classes[:2] = 2
    scores = np.clip(0.5 * (classes == 1) + 0.5 * rng.random(SHAPE), 0, 1)
    return scores.astype(np.float32), classes


#: For each layout: how three frames are stored, and the labels of normal, anomalous and ignored
#: pixels (None: nothing is ignored).
LAYOUTS = {
    "smiyc-anomaly": (
        [
            Stored(f"validation000{i}", f"images/validation000{i}.jpg",
                   f"labels_masks/validation000{i}_labels_semantic.png")
            for i in range(3)
        ],
        (0, 1, 255),
    ),
    "smiyc-obstacle": (
        [
            Stored(f"validation_{i}", f"images/validation_{i}.webp",
                   f"labels_masks/validation_{i}_labels_semantic.png")
            for i in range(3)
        ],
        (0, 1, 255),
    ),
    "smiyc-anomaly repackaged": (
        [Stored(f"{i}", f"images/{i}.png", f"labels_masks/{i}.png") for i in range(3)],
        (0, 1, 255),
    ),
    "roadanomaly": (
        [
            Stored(f"cow{i}.of", f"frames/cow{i}.of.jpg",
                   f"frames/cow{i}.of.labels/labels_semantic.png")
            for i in range(3)
        ],
        (0, 2, None),
    ),
    "roadanomaly repackaged": (
        [Stored(f"{i}", f"images/{i}.webp", f"labels_masks/{i}.png") for i in range(3)],
        (0, 2, 255),
    ),
    "fishyscapes-static": (
        [Stored(f"{i}", f"original/{i}.png", f"labels/{i}.png") for i in range(3)],
        (0, 1, 255),
    ),
    "fishyscapes-static repackaged": (
        [Stored(f"{i}", f"images/{i}.jpg", f"labels_masks/{i}.png") for i in range(3)],
        (0, 1, 255),
    ),
    "fishyscapes-lostfound": (
        [
            Stored(f"04_Weg_{i}", f"images/val/04_Weg_{i}_leftImg8bit.png",
                   f"annotations/val/04_Weg_{i}_labels.png")
            for i in range(3)
        ],
        (0, 1, 255),
    ),
    "fishyscapes-lostfound alone": (
        [Stored(f"000{i}_04_Weg_8", "", f"000{i}_04_Weg_8_labels.png") for i in range(3)],
        (0, 1, 255),
    ),
    "streethazards": (
        [
            Stored(f"{t}/300", f"test/images/test/{t}/300.png",
                   f"test/annotations/test/{t}/300.png")
            for t in ("t5", "t6", "t7")
        ],
        (13, 14, None),
    ),
    "lostandfound": (
        [
            Stored(f"city{i}/city{i}_0", f"leftImg8bit/test/city{i}/city{i}_0_leftImg8bit.png",
                   f"gtCoarse/test/city{i}/city{i}_0_gtCoarse_labelIds.png")
            for i in range(3)
        ],
        (1, 40, 0),
    ),
    "lostandfound-train": (
        [
            Stored(f"city/{i}", f"leftImg8bit/train/city/{i}_leftImg8bit.png",
                   f"gtCoarse/train/city/{i}_gtCoarse_labelIds.png")
            for i in range(3)
        ],
        (1, 2, 0),
    ),
    "mvtec": (
        [
            Stored("crack/000", "test/crack/000.png", "ground_truth/crack/000_mask.png"),
            Stored("hole/000", "test/hole/000.png", "ground_truth/hole/000_mask.png"),
            Stored("good/000", "test/good/000.png", None),
        ],
        (0, 255, None),
    ),
    "folder": (
        [Stored(f"a/{i}", f"rgb/a/{i}_rgb.png", f"gt/a/{i}_gt.png") for i in range(3)],
        (7, 9, 11),
    ),
}  # fmt: skip
TOML = """
name = "mine"
masks = "gt"
mask_ending = "_gt"
images = "rgb"
image_ending = "_rgb"
normal_label = 7
anomaly_label = "8-9"
ignore_index = [11]
min_prediction = 20
min_target = 10
"""


def save_image(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


@pytest.fixture
def stored(tmp_path):
    """A data set stored in a folder, and its score maps by key: spec, folder, frames."""

    def store(case):
        files, (normal, anomaly, ignored) = LAYOUTS[case]
        name, root, scores_folder = case.split()[0], tmp_path / "root", tmp_path / "scores"
        frames = []
        for index, file in enumerate(files):
            scores, classes = drawn(index)
            if ignored is None:
                classes[classes == 2] = 0
            labels = np.array([normal, anomaly, ignored or 0], np.uint8)[classes]
            if file.image:
                save_image(root / file.image, np.zeros((*SHAPE, 3), np.uint8))
            if file.mask:
                save_image(root / file.mask, labels)
            path = scores_folder / f"{file.key}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, scores)
            frames.append((scores, classes, classes == 2))
        if name == "folder":
            (root / "dataset.toml").write_text(TOML)
        return f"{name}:{root}", scores_folder, frames

    return store


# ------------------------------------------------------------------------------------- numbers


@pytest.mark.parametrize("case", LAYOUTS)
def test_a_layout_gives_the_numbers_of_its_frames(stored, case):
    spec, scores, frames = stored(case)
    dataset = open_dataset(spec)
    asked = {"min_prediction": 20, "min_target": 10}
    found = compare({"m": scores}, metrics=METRICS, dataset=spec, **asked)
    arrays = compare(
        {"m": frames}, metrics=METRICS, aggregate=dataset.aggregate, ignore_index=None, **asked
    )
    assert found["m"].to_dict() == arrays["m"].to_dict()
    assert found["m"].frames == 3
    assert found.settings["dataset"] == dataset.name == case.split()[0]
    assert found.settings["target"] == str(dataset.root)


@pytest.mark.parametrize("case", LAYOUTS)
def test_a_layout_names_frames_images_and_masks(stored, case, tmp_path):
    files, _ = LAYOUTS[case]
    dataset = open_dataset(stored(case)[0])
    assert list(dataset.frames) == sorted(file.key for file in files)
    for file in files:
        found = dataset.frames[file.key]
        assert found.mask == (tmp_path / "root" / file.mask if file.mask else None)
        assert found.image == (tmp_path / "root" / file.image if file.image else None)
    assert not dataset.unlabelled


SIZES = {
    "smiyc-anomaly": (500, 100, "pooled"),
    "smiyc-obstacle": (50, 10, "pooled"),
    "roadanomaly": (500, 100, "pooled"),
    "fishyscapes-static": (0, 0, "pooled"),
    "fishyscapes-lostfound": (50, 10, "pooled"),
    "streethazards": (0, 0, "per_image"),
    "lostandfound": (50, 10, "pooled"),
    "lostandfound-train": (50, 10, "pooled"),
    "mvtec": (0, 0, "pooled"),
    "folder": (20, 10, "pooled"),
}


@pytest.mark.parametrize("name", SIZES)
def test_a_layout_sets_sizes_and_aggregation(stored, name):
    spec, scores, _ = stored(name)
    settings = compare({"m": scores}, metrics="ap", dataset=spec).settings
    found = tuple(settings[key] for key in ("min_prediction", "min_target", "aggregate"))
    assert found == SIZES[name]


def test_every_built_in_layout_is_tested():
    inspection = {"btad", "ksdd2", "mpdd", "mvtec-loco", "mvtec2", "realiad", "visa"}  # elsewhere
    here = {case.split()[0] for case in LAYOUTS}
    assert set(SIZES) == here == set(layout_names()) - inspection


def test_what_is_asked_for_wins_over_the_data_set(stored):
    spec, scores, _ = stored("roadanomaly")
    settings = compare(
        {"m": scores}, metrics="ap", dataset=spec, anomaly_label=0, normal_label=2,
        ignore_index=9, min_target=7, aggregate="per_image",
    ).settings  # fmt: skip
    assert settings["anomaly_label"] == (0,)
    assert settings["normal_label"] == (2,)
    assert settings["ignore_index"] == (9,)
    assert (settings["min_prediction"], settings["min_target"]) == (500, 7)
    assert settings["aggregate"] == "per_image"


@pytest.mark.parametrize("labels", [np.array([2]), (2,), {2}, np.uint8(2)])
def test_labels_may_be_asked_for_in_any_form(stored, labels):
    spec, scores, _ = stored("roadanomaly")
    found = compare({"m": scores}, metrics="ap", dataset=spec, anomaly_label=labels)
    assert found["m"]["ap"] == compare({"m": scores}, metrics="ap", dataset=spec)["m"]["ap"]


def test_other_words_are_no_labels(stored):
    spec, scores, _ = stored("roadanomaly")
    with pytest.raises(InputTypeError, match="anomaly_label: expected an integer"):
        compare({"m": scores}, metrics="ap", dataset=spec, anomaly_label="two")


def test_a_root_may_lie_in_the_home_folder(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    spec, _, _ = stored("smiyc-anomaly")
    assert open_dataset("smiyc-anomaly:~/root").frames == open_dataset(spec).frames


def test_no_value_may_be_asked_for(stored):
    spec, scores, _ = stored("smiyc-anomaly")
    with pytest.raises(InputError, match=r"validation0000_labels_semantic.png.*found 255 at"):
        compare({"m": scores}, metrics="ap", dataset=spec, ignore_index=None)


def test_published_roadanomaly_ignores_nothing(stored, tmp_path):
    spec, scores, _ = stored("roadanomaly")
    save_image(
        tmp_path / "root" / "frames" / "cow0.of.labels" / "labels_semantic.png",
        np.full(SHAPE, 255, np.uint8),
    )
    with pytest.raises(InputError, match="found 255 at 2400 pixels"):
        compare({"m": scores}, metrics="ap", dataset=spec)


def test_each_normal_class_of_streethazards_is_normal(stored, tmp_path):
    spec, scores, _ = stored("streethazards")
    mask = tmp_path / "root" / "test" / "annotations" / "test" / "t5" / "300.png"
    labels = np.asarray(Image.open(mask)).copy()
    labels[labels == 13] = 1 + np.arange((labels == 13).sum()) % 13
    before = compare({"m": scores}, metrics="ap", dataset=spec)["m"]["ap"]
    save_image(mask, labels)
    assert compare({"m": scores}, metrics="ap", dataset=spec)["m"]["ap"] == before
    labels[0, 0] = 0  # stored labels begin at 1
    save_image(mask, labels)
    with pytest.raises(InputError, match=r"1-13 \(normal\), 14 \(anomaly\), found 0 at 1 pixels"):
        compare({"m": scores}, metrics="ap", dataset=spec)


def test_streethazards_is_known_by_its_test_folder_too(stored, tmp_path):
    spec, _, _ = stored("streethazards")
    assert open_dataset(f"{spec}/test").frames == open_dataset(spec).frames


def test_frames_of_lost_and_found_without_any_label_do_no_harm(stored, tmp_path):
    spec, scores, _ = stored("lostandfound")
    before = compare({"m": scores}, metrics="ap", dataset=spec)["m"]
    empty = "gtCoarse/test/city9/city9_0_gtCoarse_labelIds.png"
    save_image(tmp_path / "root" / empty, np.zeros(SHAPE, np.uint8))
    (scores / "city9").mkdir()
    np.save(scores / "city9" / "city9_0.npy", np.ones(SHAPE))
    after = compare({"m": scores}, metrics="ap", dataset=spec)["m"]
    assert (after.frames, after["ap"], after.pixels) == (4, before["ap"], before.pixels)


# ------------------------------------------------------------------------- frames without a mask


@pytest.mark.parametrize("name", ["smiyc-anomaly", "smiyc-obstacle"])
def test_unlabelled_frames_are_known_and_refused_with_the_reason(stored, tmp_path, name):
    spec, scores, _ = stored(name)
    save_image(tmp_path / "root" / "images" / "test_7.jpg", np.zeros((*SHAPE, 3), np.uint8))
    dataset = open_dataset(spec)
    assert dataset.unlabelled == {"test_7"}
    assert len(dataset.frames) == 3
    np.save(scores / "test_7.npy", np.zeros(SHAPE))
    with pytest.raises(InputError) as caught:
        compare({"m": scores}, metrics="ap", dataset=spec)
    assert "m has score maps without a mask: 1 frames\n  test_7" in str(caught.value)
    assert f"{name}: only its validation* frames have public ground truth" in str(caught.value)
    found = compare({"m": scores}, metrics="ap", dataset=spec, missing="skip")
    assert (found["m"].frames, found.settings["left_out_frames"]) == (3, ["test_7"])


def test_masks_for_the_eye_are_passed_over(stored, tmp_path):
    spec, _, _ = stored("smiyc-anomaly")
    colours = tmp_path / "root/labels_masks/validation0000_labels_semantic_color.png"
    save_image(colours, np.zeros((*SHAPE, 3), np.uint8))
    assert len(open_dataset(spec).frames) == 3


def test_a_good_image_of_mvtec_is_all_normal_in_its_own_size(stored, tmp_path):
    spec, scores, _ = stored("mvtec")
    save_image(tmp_path / "root" / "test" / "good" / "001.png", np.zeros((8, 9, 3), np.uint8))
    np.save(scores / "good" / "001.npy", np.zeros((8, 9)))
    before = 3 * SHAPE[0] * SHAPE[1]
    assert compare({"m": scores}, metrics="ap", dataset=spec)["m"].pixels == before + 72


def test_a_good_image_of_mvtec_that_is_damaged_is_named(stored, tmp_path):
    spec, scores, _ = stored("mvtec")
    image = tmp_path / "root" / "test" / "good" / "000.png"
    image.write_bytes(b"no image")
    with pytest.raises(InputError, match=f"{image}: expected a readable image"):
        compare({"m": scores}, metrics="ap", dataset=spec)


def test_a_defect_of_mvtec_without_a_mask_is_not_taken_for_good(stored, tmp_path):
    spec, _, _ = stored("mvtec")
    (tmp_path / "root" / "ground_truth" / "hole" / "000_mask.png").unlink()
    with pytest.raises(InputError, match=r"outside good .* found none for 1\n  hole/"):
        open_dataset(spec)


# ------------------------------------------------------------------------------ SMIYC's own tree


@pytest.mark.parametrize("given", ["", "AnomalyTrack-validation"])
def test_outputs_of_the_official_tools_pair_by_method_or_data_set(stored, tmp_path, given):
    spec, scores, _ = stored("smiyc-anomaly")
    method = tmp_path / "anomaly_p" / "mine"
    method.mkdir(parents=True)
    scores.rename(method / "AnomalyTrack-validation")
    (method / "ObstacleTrack-all").mkdir()
    np.save(method / "ObstacleTrack-all" / "validation_1.npy", np.zeros(SHAPE))
    found = compare({"mine": method / given}, metrics="ap", dataset=spec)
    assert found["mine"].frames == 3
    assert found.settings["methods"] == {"mine": str(method / "AnomalyTrack-validation")}


def test_two_data_sets_with_the_same_frames_must_be_told_apart(stored, tmp_path):
    spec, scores, _ = stored("smiyc-anomaly")
    method = tmp_path / "anomaly_p" / "mine"
    method.mkdir(parents=True)
    scores.rename(method / "AnomalyTrack-all")
    (method / "AnomalyTrack-validation").mkdir()
    np.save(method / "AnomalyTrack-validation" / "validation0000.npy", np.zeros(SHAPE))
    with pytest.raises(InputError) as caught:
        compare({"mine": method}, metrics="ap", dataset=spec)
    assert "found frames of it in AnomalyTrack-all, AnomalyTrack-validation" in str(caught.value)
    assert f"choose one: mine={method}/AnomalyTrack-all" in str(caught.value)


# ------------------------------------------------------------------------------------- refusals


def test_a_target_and_a_data_set_are_one_too_many(stored):
    spec, scores, _ = stored("smiyc-anomaly")
    with pytest.raises(InputError, match="target: expected it or a data set, found"):
        compare({"m": scores}, scores, metrics="ap", dataset=spec)


def test_an_opened_data_set_is_taken_as_it_is(stored):
    spec, scores, _ = stored("smiyc-anomaly")
    dataset = open_dataset(spec)
    assert open_dataset(dataset) is dataset
    assert repr(dataset) == f"DataSet('{spec}', 3 frames)"
    assert len(pair({"m": scores}, dataset).targets) == 3


# ---------------------------------------------------------------------------------- real frames


def test_real_frames_in_their_published_layout(real_frames):
    dataset = open_dataset(f"roadanomaly:{real_frames}")
    assert isinstance(dataset, DataSet)
    assert (len(dataset.frames), len(dataset.images)) == (36, 36)
    assert dataset.targets == find_targets(real_frames)
    scores = {"msp": real_frames / "scores" / "espnetv2-msp"}
    found = compare(scores, metrics="ap,siou_gt", dataset=dataset, missing="skip")
    plain = compare(
        scores, real_frames, "ap,siou_gt", anomaly_label=2, missing="skip", min_prediction=500,
        min_target=100,
    )  # fmt: skip
    assert found["msp"].to_dict() == plain["msp"].to_dict()
