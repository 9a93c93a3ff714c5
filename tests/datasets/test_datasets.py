"""Folders of frames: keys, pairing, and what is said about frames that do not pair."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mdmkit import InputError
from mdmkit.datasets import find_scores, find_targets, pair


@pytest.fixture
def folder(tmp_path):
    """Make empty files below a new folder: nothing here looks into them."""

    def make(name, *files):
        root = tmp_path / name
        root.mkdir()
        for file in files:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).touch()
        return root

    return make


def keys(paths):
    return list(paths)


# --------------------------------------------------------------------------------------- keys


def test_a_key_is_the_path_without_suffix(folder):
    root = folder("masks", "b.png", "a.npy", "t5/a.png", "t6/deep/a.png", "frame.1.png")
    assert keys(find_targets(root)) == ["a", "b", "frame.1", "t5/a", "t6/deep/a"]
    assert find_targets(root)["t5/a"] == root / "t5" / "a.png"


def test_suffixes_are_known_in_capitals_too(folder):
    assert keys(find_scores("mine", folder("scores", "a.NPY", "b.PNG"))) == ["a", "b"]


def test_equal_stems_in_different_folders_are_different_frames(folder):
    masks, scores = folder("masks", "t5/0.png", "t6/0.png"), folder("mine", "t5/0.npy", "t6/0.npy")
    assert keys(pair({"mine": scores}, masks).targets) == ["t5/0", "t6/0"]


def test_other_files_are_passed_over(folder):
    root = folder("scores", "a.npy", "README.md", "a.jpg", "log.txt")
    assert keys(find_scores("mine", root)) == ["a"]


def test_hidden_files_and_folders_are_not_looked_at(folder):
    root = folder("scores", "a.npy", ".b.npy", ".trash/c.npy", "._a.npy")
    assert keys(find_scores("mine", root)) == ["a"]


def test_one_frame_in_two_files_is_refused(folder):
    root = folder("scores", "a.npy", "a.png", "t5/b.npz", "t5/b.npy", "c.npy")
    with pytest.raises(InputError) as caught:
        find_scores("mine", root)
    assert str(caught.value) == (
        f"mine: expected one file a frame in {root}, found several:\n"
        "  a: a.npy and a.png\n"
        "  t5/b: b.npy and b.npz"
    )


def test_a_link_that_leads_back_up_adds_no_frames(folder):
    root = folder("scores", "a.npy", "deep/b.npy")
    (root / "deep" / "up").symlink_to(root, target_is_directory=True)
    assert keys(find_scores("mine", root)) == ["a", "deep/b"]


def test_a_linked_folder_is_looked_into(folder, tmp_path):
    elsewhere = folder("elsewhere", "a.npy")
    (tmp_path / "link").symlink_to(elsewhere, target_is_directory=True)
    (folder("scores", "b.npy") / "t5").symlink_to(elsewhere, target_is_directory=True)
    assert keys(find_scores("mine", tmp_path / "link")) == ["a"]
    assert keys(find_scores("mine", tmp_path / "scores")) == ["b", "t5/a"]


# ------------------------------------------------------------------------------------ folders


@pytest.mark.parametrize("find", [lambda path: find_scores("mine", path), find_targets])
def test_a_folder_must_exist(tmp_path, find):
    with pytest.raises(
        InputError, match=rf"(mine|target): expected a folder at {tmp_path}/gone, found nothing"
    ):
        find(tmp_path / "gone")


@pytest.mark.parametrize("find", [lambda path: find_scores("mine", path), find_targets])
def test_a_file_is_no_folder(folder, find):
    file = folder("scores", "a.npy") / "a.npy"
    with pytest.raises(
        InputError, match=rf"(mine|target): expected a folder at {file}, found a file"
    ):
        find(file)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ((), "no files"),
        ((".hidden.npy",), "no files"),
        (("a.jpg", "b.gif", "t5/c.gif", "LICENSE"), "only .gif, .jpg, LICENSE"),
    ],
)
def test_a_folder_without_score_maps_says_what_is_there(folder, files, found):
    root = folder("scores", *files)
    with pytest.raises(InputError) as caught:
        find_scores("mine", root)
    assert str(caught.value) == (
        f"mine: expected files .npy .npz .hdf5 .h5 .png .tif .tiff .pt .zarr in {root}, "
        f"found {found}"
    )


def test_a_folder_without_masks_says_what_is_expected(folder):
    with pytest.raises(
        InputError, match=r"target: expected files .npy .npz .png .* in .*.*, found only .jpg"
    ):
        find_targets(folder("masks", "a.jpg"))


def test_an_unreadable_folder_is_named(folder, monkeypatch):
    root = folder("scores", "a.npy", "deep/b.npy")
    listed = Path.iterdir

    def refuse(path):
        if path.name == "deep":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(InputError, match=r"deep: expected a readable folder, found: .*Permission"):
        find_scores("mine", root)


# ------------------------------------------------------------------------------------ pairing


def test_frames_pair_by_key_in_order(folder):
    masks = folder("masks", "b.png", "a.png")
    pairing = pair({"x": folder("x", "a.npy", "b.npz"), "y": folder("y", "b.h5", "a.png")}, masks)
    assert keys(pairing.targets) == ["a", "b"]
    assert [path.name for path in pairing.scores["y"].values()] == ["a.png", "b.h5"]
    assert pairing.left_out == ()


def test_missing_and_surplus_frames_are_listed_for_each_method(folder):
    masks = folder("masks", "a.png", "b.png", "c.png")
    methods = {"x": folder("x", "a.npy", "z.npy"), "y": folder("y", "a.npy", "b.npy", "c.npy")}
    with pytest.raises(InputError) as caught:
        pair(methods, masks)
    assert str(caught.value) == (
        "frames: expected a score map of every method for every mask, found\n"
        "x has no score map for 2 frames\n  b\n  c\n"
        "x has score maps without a mask: 1 frames\n  z\n"
        "`missing='skip'` keeps the frames that are complete"
    )


def test_missing_frames_are_listed_once_for_all_methods_that_lack_them(folder):
    masks = folder("masks", "a.png", "b.png", "c.png")
    methods = {name: folder(name, "a.npy", "z.npy") for name in "xy"}
    methods |= {"w": folder("w", "a.npy", "b.npy")}
    with pytest.raises(InputError) as caught:
        pair(methods, masks)
    assert str(caught.value) == (
        "frames: expected a score map of every method for every mask, found\n"
        "x, y have no score map for 2 frames\n  b\n  c\n"
        "w has no score map for 1 frames\n  c\n"
        "x, y have score maps without a mask: 1 frames\n  z\n"
        "`missing='skip'` keeps the frames that are complete"
    )


def test_endings_of_several_methods_are_named_once(folder):
    masks = folder("masks", "a.png")
    with pytest.raises(InputError) as caught:
        pair({name: folder(name, "a_conf.npy") for name in "xy"}, masks)
    message = str(caught.value)
    assert "score maps of x, y are named so with `score_ending='_conf'`\n" in message
    assert "higher means normal: `invert='x'`, `invert='y'`\n" in message


def test_long_lists_of_missing_frames_are_cut_and_counted(folder):
    masks = folder("masks", *(f"{i:02}.png" for i in range(20)))
    with pytest.raises(
        InputError, match=r"no score map for 19 frames\n  01\n(.*\n)+  \.\.\. and 14"
    ):
        pair({"x": folder("x", "00.npy")}, masks)


def test_skipping_keeps_what_every_method_has_and_says_what_it_left_out(folder):
    masks = folder("masks", "a.png", "b.png", "c.png")
    methods = {"x": folder("x", "a.npy", "b.npy", "z.npy"), "y": folder("y", "b.npy", "c.npy")}
    pairing = pair(methods, masks, "skip")
    assert keys(pairing.targets) == keys(pairing.scores["x"]) == keys(pairing.scores["y"]) == ["b"]
    assert pairing.left_out == ("a", "c", "z")


@pytest.mark.parametrize("missing", ["skip", "error"])
def test_no_common_frame_is_an_error_either_way(folder, missing):
    masks, scores = folder("masks", "a_labels.png"), folder("x", "a.npy")
    with pytest.raises(InputError, match="found") as caught:
        pair({"x": scores}, masks, missing)
    assert "a_labels" in str(caught.value)
    assert "a" in str(caught.value)


def test_no_common_frame_shows_one_name_of_each_side(folder):
    masks, scores = folder("masks", "a_labels.png"), folder("x", "a.npy")
    with pytest.raises(
        InputError,
        match=r"target: expected frames of x in .*masks, found none in common "
        r"\(masks are named like 'a_labels', score maps like 'a'\)",
    ):
        pair({"x": scores}, masks, "skip")


@pytest.mark.parametrize("missing", ["ignore", "", None, True])
def test_missing_is_error_or_skip(folder, missing):
    masks = folder("masks", "a.png")
    with pytest.raises(InputError, match="missing: expected one of error, skip, found"):
        pair({"x": masks}, masks, missing)


# -------------------------------------------------------------------------------- RoadAnomaly


def roadanomaly(folder):
    names = ("animals01", "cones.02")
    images = [f"frames/{name}.jpg" for name in names]
    return folder("set", *images, *(f"frames/{n}.labels/labels_semantic.png" for n in names))


@pytest.mark.parametrize("start", [".", "frames"])
def test_roadanomaly_is_known_by_its_root_and_by_its_frames(folder, start):
    targets = find_targets(roadanomaly(folder) / start)
    assert keys(targets) == ["animals01", "cones.02"]
    assert {path.name for path in targets.values()} == {"labels_semantic.png"}


def test_roadanomaly_pairs_with_a_plain_folder_of_scores(folder):
    pairing = pair({"x": folder("x", "animals01.npy", "cones.02.npy")}, roadanomaly(folder))
    assert keys(pairing.scores["x"]) == ["animals01", "cones.02"]


def test_real_frames_are_found_by_root_and_by_frames(real_frames):
    assert find_targets(real_frames) == find_targets(real_frames / "frames")
    assert len(find_targets(real_frames)) == 36


def test_real_scores_pair_with_the_frames_they_were_made_for(real_frames):
    methods = {name: real_frames / "scores" / name for name in os.listdir(real_frames / "scores")}
    pairing = pair(methods, real_frames, "skip")
    assert len(pairing.targets) == 10
    assert len(pairing.left_out) == 26
