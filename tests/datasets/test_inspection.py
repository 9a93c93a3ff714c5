"""mdmkit inspect: what is there, and what compare would refuse."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, compare, open_dataset
from mdmkit.datasets import choose, from_folders
from mdmkit.datasets.inspection import inspect_frames

SHAPE = (20, 30)


@pytest.fixture
def folders(tmp_path):
    """A data set of three frames, the last without anomaly, and two methods."""
    for name in ("images", "labels_masks", "good", "raw"):
        (tmp_path / name).mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        mask = np.zeros(SHAPE, np.uint8)
        if index < 2:
            mask[5:15, 5:20] = 1  # 150 pixels
            mask[0, 0] = 1  # one
        mask[-2:] = 255
        scores = rng.random(SHAPE).astype(np.float32)
        scores[0, 0], scores[0, 1] = 0.0, 1.0
        Image.new("RGB", SHAPE[::-1]).save(tmp_path / "images" / f"{index}.png")
        Image.fromarray(mask).save(tmp_path / "labels_masks" / f"{index}.png")
        np.save(tmp_path / "good" / f"{index}.npy", scores)
        np.save(tmp_path / "raw" / f"{index}.npy", np.where(mask == 255, np.nan, 4 - 8 * scores))
    return tmp_path


@pytest.fixture
def inspect(folders):
    """Inspect methods by their folders' names, in the data set as it lies there."""

    def run(*methods, **options):
        dataset = open_dataset(f"smiyc-anomaly:{folders}")
        return inspect_frames({name: folders / name for name in methods}, dataset, **options)

    return run


def lines(found):
    return found.to_text().splitlines()


def fails(folders, *methods, **options):
    """Whether compare refuses the same files, for all its metrics."""
    methods = {name: folders / name for name in methods}
    try:
        compare(methods, dataset=f"smiyc-anomaly:{folders}", **options)
    except InputError:
        return True
    return False


# ------------------------------------------------------------------------------- what is there


def test_a_good_set_is_described_and_has_no_problems(inspect, folders):
    found = inspect("good")
    assert found.problems == []
    text = lines(found)
    assert f"data set   SegmentMeIfYouCan RoadAnomaly21 (smiyc-anomaly:{folders})" in text
    assert "frames     3 with ground truth" in text
    assert "images     3 of 3" in text
    assert "sizes      height x width 20 x 30 (3)" in text
    # of 1800 pixels, 302 are anomalous and 180 ignored
    assert "labels     0 normal 73.22 %, 1 anomaly 16.78 %, 255 ignore 10.00 %" in text
    assert "pixels     1800, 10.00 % ignored; of the 1620 valid ones 18.64 % anomalous" in text
    assert "anomalies  in 2 of 3 frames; 2 components of at least 100 pixels, 2 smaller" in text
    assert f"method     good ({folders / 'good'})" in text
    assert "frames     3 of 3" in text
    assert "files      3 .npy float32" in text
    assert "scores     0 to 1 at valid pixels" in text
    assert text[-1] == "no problems found"
    assert not fails(folders, "good")


def test_components_are_counted_by_the_sizes_asked_for(inspect, folders):
    choice = choose(open_dataset(f"smiyc-anomaly:{folders}"), min_target=1)
    found = inspect(choice=choice)
    assert (found.masks.components, found.masks.small_components) == (4, 0)


def test_scores_of_another_scale_are_a_remark(inspect, folders):
    found = inspect("raw")
    assert found.problems == []  # NaN lies at ignored pixels only
    assert (
        "  raw: scores outside [0, 1] have no margins without a normaliser, as `normalize='minmax'`"
        in lines(found)
    )
    assert "scores     -4 to 4 at valid pixels" in lines(found)
    assert not fails(folders, "raw")


def test_constant_scores_are_a_remark(inspect, folders):
    for index in range(3):
        np.save(folders / "good" / f"{index}.npy", np.full(SHAPE, 0.5))
    assert "  good: one score everywhere: nothing is told apart" in lines(inspect("good"))


def test_integer_scores_are_shown_as_they_are_judged(inspect, folders):
    for index in range(3):
        np.save(folders / "good" / f"{index}.npy", np.full(SHAPE, 51 * index, np.uint8))
    assert "scores     0 to 0.4 at valid pixels" in lines(inspect("good"))


def test_images_of_another_size_are_a_remark(inspect, folders):
    Image.new("RGB", (5, 4)).save(folders / "images" / "1.png")
    (folders / "images" / "2.png").write_bytes(b"no image")
    found = inspect("good")
    assert found.problems == []
    assert any("1.png: expected the mask's 20 x 30 pixels, found 4 x 5" in r for r in found.remarks)
    assert any("2.png: expected a readable image" in remark for remark in found.remarks)
    assert "images     2 of 3" in lines(found)


def test_score_maps_are_looked_at_without_a_data_set(folders):
    found = inspect_frames({name: folders / name for name in ("good", "raw")})
    assert found.problems == []
    assert "data set" not in found.to_text()
    assert "scores     0 to 1" in lines(found)
    assert any("raw: 180 pixels are NaN or infinite" in remark for remark in found.remarks)


def test_frames_that_not_every_method_has_are_found_without_a_data_set(folders):
    (folders / "raw" / "1.npy").unlink()
    found = inspect_frames({name: folders / name for name in ("good", "raw")})
    assert len(found.problems) == 1
    assert found.problems[0].startswith("raw: no score map for 1 frames that other methods have")


def test_something_must_be_asked_for():
    with pytest.raises(InputError, match="methods: expected a data set or folders of score maps"):
        inspect_frames({})


def test_progress_counts_frames(inspect):
    ticks = []

    def progress(what, frames):
        ticks.append((what, frames))
        return lambda: ticks.append("progress")

    inspect("good", progress=progress)
    assert ticks == [("frames", 3), "progress", "progress", "progress"]


# ------------------------------------------------------------------- what compare would refuse


def spoil_scores(change):
    def spoil(folders):
        path = folders / "good" / "1.npy"
        np.save(path, change(np.load(path)))

    return spoil


def spoil_masks(change, which=range(3)):
    def spoil(folders):
        for index in which:
            path = folders / "labels_masks" / f"{index}.png"
            Image.fromarray(change(np.asarray(Image.open(path)).copy())).save(path)

    return spoil


SPOILT = {
    "missing": (
        lambda folders: (folders / "good" / "1.npy").unlink(),
        "good: no score map for 1 frames that have a mask; `missing='skip'` leaves them out\n  1",
    ),
    "surplus": (
        lambda folders: np.save(folders / "good" / "7.npy", np.zeros(SHAPE)),
        "good: score maps of 1 frames without ground truth (only its validation* frames have",
    ),
    "damaged": (
        lambda folders: (folders / "good" / "1.npy").write_bytes(b"nothing"),
        "good/1.npy: expected a readable .npy file",
    ),
    "nan": (
        spoil_scores(lambda s: np.where(s == 1, np.nan, s)),
        "good/1.npy: scores: expected fi",
    ),
    "shape": (spoil_scores(lambda s: s[:-1]), "good/1.npy: target: expected the shape of the sco"),
    "signed": (spoil_scores(lambda s: s.astype(np.int32)), "good/1.npy: scores: expected float16"),
    "stack": (
        spoil_scores(lambda s: np.stack([s, s])),
        "good/1.npy: scores: expected a non-empty array",
    ),
    "label": (
        spoil_masks(lambda m: np.where(m == 1, 3, m).astype(np.uint8), [1]),
        "target: expected label values 0 (normal), 1 (anomaly), 255 (ignore), found 3 in 1 masks",
    ),
    "mask": (
        lambda folders: (folders / "labels_masks" / "1.png").write_bytes(b"nothing"),
        "labels_masks/1.png: expected a readable .png file",
    ),
    "colour": (
        lambda folders: Image.new("RGB", SHAPE[::-1], "red").save(
            folders / "labels_masks" / "1.png"
        ),
        "labels_masks/1.png: expected one channel of 8 or 16 bits, found mode 'RGB'",
    ),
    "no anomaly": (
        spoil_masks(lambda m: np.where(m == 1, 0, m).astype(np.uint8)),
        "target: no pixel is anomalous: margins do not exist",
    ),
    "all ignored": (spoil_masks(lambda m: np.full_like(m, 255)), "target: all pixels are ignored"),
    "all small": (
        spoil_masks(lambda m: np.where(np.indices(m.shape)[0] > 1, 0, m).astype(np.uint8)),
        "target: no component has 100 pixels",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_problem_is_found_exactly_where_compare_fails(inspect, folders, case):
    spoil, message = SPOILT[case]
    assert not fails(folders, "good")
    spoil(folders)
    found = inspect("good")
    assert len(found.problems) == 1
    assert message in found.problems[0]
    assert "problems: compare would fail" in lines(found)
    assert "no problems found" not in lines(found)
    assert fails(folders, "good")


def test_every_bad_file_is_listed_not_just_the_first(inspect, folders):
    for index in range(3):
        (folders / "good" / f"{index}.npy").write_bytes(b"nothing")
    assert len(inspect("good").problems) == 3


@pytest.mark.parametrize("spoilt", ["missing", "surplus"])
def test_frames_to_be_skipped_are_a_remark(inspect, folders, spoilt):
    SPOILT[spoilt][0](folders)
    found = inspect("good", missing="skip")
    assert (len(found.problems), len(found.remarks)) == (0, 1)
    assert not fails(folders, "good", missing="skip")


def test_if_no_frame_is_left_skipping_does_not_help(inspect, folders):
    for index in range(3):
        (folders / "good" / f"{index}.npy").rename(folders / "good" / f"x{index}.npy")
    assert inspect("good", missing="skip").problems
    assert fails(folders, "good", missing="skip")


def test_a_mask_that_cannot_be_used_is_told_once_for_all_methods(inspect, folders):
    SPOILT["label"][0](folders)
    found = inspect("good", "raw")
    assert len(found.problems) == 1
    assert found.methods["raw"].lowest == -4  # scores are looked at all the same


# -------------------------------------------------------------------------------- plain folders


def test_plain_folders_with_images_are_a_data_set(folders):
    dataset = from_folders(folders / "labels_masks", folders / "images")
    found = inspect_frames({"good": folders / "good"}, dataset)
    assert (found.problems, found.images) == ([], 3)


def test_images_of_other_frames_are_refused(folders):
    (folders / "other").mkdir()
    Image.new("RGB", (4, 3)).save(folders / "other" / "x.png")
    with pytest.raises(InputError, match=r"images: expected images of the frames of .* found none"):
        from_folders(folders / "labels_masks", folders / "other")
