"""Names of score maps and masks that mean the same frame, however a tool spells them."""

import unicodedata

import numpy as np
import pytest

from mdmkit import InputError, compare, evaluate
from mdmkit.datasets import find_targets, from_folders, pair
from mdmkit.datasets.subset import read_keys, subset
from mdmkit.io.resize import resized
from mdmkit.metrics.selections import _column


def write(folder, *names, **arrays):
    folder.mkdir(exist_ok=True)
    for name in names:
        np.savez(folder / name, **arrays)


def test_what_the_release_of_maskomaly_writes_is_a_method_and_ground_truth(tmp_path):
    write(
        tmp_path / "release", "validation0000.jpg",
        image=np.zeros((2, 3, 3), np.uint8), gt=np.array([[0, 1, 1], [0, 0, 1]], np.uint8),
        ignore=np.array([[0, 0, 0], [1, 0, 0]], np.uint8),
        soft_mask=np.array([[0.1, 0.9, 0.8], [0.2, 0.3, 0.4]], np.float32),
    )  # fmt: skip
    folder = tmp_path / "release"
    assert (folder / "validation0000.jpg.npz").exists()
    assert compare({"maskomaly": folder}, folder, "ap")["maskomaly"]["ap"] == 1
    masks = tmp_path / "masks"
    masks.mkdir()
    np.save(masks / "validation0000.npy", np.array([[0, 1, 1], [255, 0, 1]], np.uint8))
    assert compare({"maskomaly": folder}, masks, "ap")["maskomaly"]["ap"] == 1
    scores = tmp_path / "scores"
    scores.mkdir()
    np.save(scores / "validation0000.npy", np.array([[0.1, 0.9, 0.8], [0.2, 0.3, 0.4]]))
    assert compare({"mine": scores}, folder, "ap")["mine"]["ap"] == 1


def test_a_suffix_stays_where_it_tells_frames_apart(tmp_path):
    write(tmp_path / "masks", "a", "b", x=np.zeros((1, 1)))
    write(tmp_path / "mine", "a", "a.jpg", "b.png", x=np.zeros((1, 1)))
    found = pair({"mine": tmp_path / "mine"}, tmp_path / "masks", "skip")
    assert {k: p.name for k, p in found.scores["mine"].items()} == {"a": "a.npz", "b": "b.png.npz"}
    assert found.left_out == ("a.jpg",)


def test_score_maps_may_have_an_ending(tmp_path):
    write(tmp_path / "masks", "f0", "f1", x=np.zeros((1, 1)))
    write(tmp_path / "mine", "f0_score", "f1_score", x=np.zeros((1, 1)))
    with pytest.raises(InputError, match="score_ending='_score'"):
        pair({"mine": tmp_path / "mine"}, tmp_path / "masks")
    named = from_folders(tmp_path / "masks", score_ending="_score")
    found = pair({"mine": tmp_path / "mine"}, named)
    assert list(found.scores["mine"]) == ["f0", "f1"]


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_names_pair_however_accents_are_spelled(tmp_path, forms):
    names = [unicodedata.normalize(form, "café") for form in forms]
    write(tmp_path / "masks", names[0], x=np.zeros((1, 1)))
    write(tmp_path / "mine", names[1], x=np.zeros((1, 1)))
    found = pair({"mine": tmp_path / "mine"}, tmp_path / "masks")
    assert list(found.targets) == [unicodedata.normalize("NFC", "café")]


def test_two_spellings_of_one_name_are_told_apart_in_the_message(tmp_path):
    for form in ("NFC", "NFD"):
        write(tmp_path / "masks", unicodedata.normalize(form, "café"), x=np.zeros((1, 1)))
    with pytest.raises(InputError, match=r"café: (cafe\\u0301\.npz and café|café.npz and cafe\\u)"):
        find_targets(tmp_path / "masks")


@pytest.mark.parametrize("name", [b"a\xff", b"a\x1b[31mb", b"a\nb", "a\u202eb".encode()])
def test_names_that_are_no_text_are_refused_escaped(tmp_path, name):
    (tmp_path / "masks").mkdir()
    with open(bytes(tmp_path / "masks") + b"/" + name + b".npy", "wb"):
        pass
    with pytest.raises(InputError, match="expected regular files whose names are text") as error:
        find_targets(tmp_path / "masks")
    assert "\\" in str(error.value)
    assert str(error.value).encode().isascii()


@pytest.mark.parametrize("resize", ["bilinear", "nearest"])
def test_score_maps_of_another_size_are_resized_where_that_is_asked(tmp_path, resize):
    target = np.zeros((8, 12), np.uint8)
    target[2:6, 3:9] = 1
    write(tmp_path / "masks", "f0", x=target)
    write(tmp_path / "mine", "f0_score", x=target[::2, ::3] * 0.5 + 0.25)
    methods, options = {"mine": tmp_path / "mine"}, {"score_ending": "_score", "metrics": "ap"}
    with pytest.raises(InputError, match=r"`resize='bilinear'` brings score maps to the size of"):
        compare(methods, tmp_path / "masks", **options)
    found = compare(methods, tmp_path / "masks", resize=resize, **options)
    scores = resized(target[::2, ::3] * 0.5 + 0.25, target.shape, resize)
    assert found["mine"]["ap"] == evaluate(scores, target, "ap")["ap"]
    assert (found.settings["resize"], found.settings["score_ending"]) == (resize, "_score")
    assert f"were resized to it: {resize}" in found.to_text()


def test_lists_and_tables_find_frames_however_accents_are_spelled(tmp_path):
    composed, apart = "caf\u00e9", "cafe\u0301"
    for folder in ("masks", "scores"):
        (tmp_path / folder).mkdir()
    for key in (composed, "b"):
        np.save(tmp_path / "masks" / f"{key}.npy", np.eye(4, dtype=np.uint8))
        np.save(tmp_path / "scores" / f"{key}.npy", np.eye(4))
    (tmp_path / "keys.txt").write_text(f"{apart}\n", encoding="utf-8")
    (tmp_path / "table.csv").write_text(f"frame,sky\n{apart},sun\nb,rain\n", encoding="utf-8")
    dataset = from_folders(tmp_path / "masks")
    assert list(subset(dataset, read_keys(tmp_path / "keys.txt")).frames) == [composed]
    found = _column(tmp_path / "table.csv", "sky", dataset.frames)
    assert found == {composed: "sun", "b": "rain"}
