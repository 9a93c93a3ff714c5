"""Layouts that users bring: folders described by a TOML file, and those of installed packages."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mdmkit import InputError, compare, open_dataset
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.labels import LabelCodes
from mdmkit.datasets import Layout, layout, layout_names
from tests.datasets.test_layouts import drawn, save_image

# ----------------------------------------------------------------------- folders, described


def described(folder, text):
    (folder / "gt").mkdir(exist_ok=True)
    Image.new("L", (4, 3)).save(folder / "gt" / "a.png")
    (folder / "dataset.toml").write_text(text)
    return f"folder:{folder}"


def test_the_least_description_names_the_masks(tmp_path):
    dataset = open_dataset(described(tmp_path, 'masks = "gt"'))
    assert (dataset.codes, dataset.sizes) == (LabelCodes(0, 1, 255), ComponentSizes())
    assert (dataset.title, dataset.aggregate, dataset.images) == ("gt", "pooled", {})


def test_a_description_may_be_a_file_of_any_name(tmp_path):
    described(tmp_path, 'masks = "gt"\nname = "mine"\naggregate = "per_image"')
    (tmp_path / "dataset.toml").rename(tmp_path / "other.toml")
    dataset = open_dataset(f"folder:{tmp_path}/other.toml")
    assert (dataset.title, dataset.aggregate, len(dataset.frames)) == ("mine", "per_image", 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("masks =", "expected a readable TOML file, found"),
        ("", "expected the field masks, a folder beside the file, found none"),
        ('masks = "gt"\nmask = 1', "expected fields among name, masks, .*, found mask"),
        ("masks = 3", "masks: expected text, found int 3"),
        ('masks = "gt"\nmin_target = true', "min_target: expected an integer, found bool True"),
        ('masks = "gt"\nmin_target = -1', "min_target: expected a number of pixels >= 0"),
        ('masks = "gt"\nanomaly_label = 1.5', "anomaly_label: expected an integer, a list"),
        ('masks = "gt"\nanomaly_label = "x"', "anomaly_label: expected integers such as 1"),
        ('masks = "gt"\nanomaly_label = []', "anomaly_label: expected at least one value"),
        (
            'masks = "gt"\nignore_index = 1',
            "ignore_index: the value 1 already means `anomaly_label`",
        ),
        ('masks = "gt"\naggregate = "mean"', "aggregate: expected pooled or per_image, found"),
        ('masks = "gt"\nwithout_mask = "x"', "without_mask: expected unlabelled or normal"),
        ('masks = "gone"', "masks: expected a folder at .*gone, found nothing"),
        (
            'masks = "gt"\nmask_ending = "_x"',
            "masks: expected files _x.npy _x.npz _x.png .* in",
        ),
        ('masks = "gt"\nimages = "gone"', "images: expected a folder at .*gone, found nothing"),
    ],
)
def test_a_bad_description_names_file_and_field(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"dataset.toml: {message}"):
        open_dataset(described(tmp_path, text))


def test_images_must_fit_the_masks(tmp_path):
    spec = described(tmp_path, 'masks = "gt"\nimages = "rgb"')
    save_image(tmp_path / "rgb" / "b.png", np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(InputError, match=r"dataset.toml: images: expected one for every mask in"):
        open_dataset(spec)


def test_images_without_a_mask_are_unlabelled_or_normal_as_described(tmp_path):
    text = 'masks = "gt"\nimages = "rgb"\n'
    for name in "ab":
        save_image(tmp_path / "rgb" / f"{name}.png", np.zeros((3, 4, 3), np.uint8))
    dataset = open_dataset(described(tmp_path, text))
    assert (list(dataset.frames), dataset.unlabelled) == (["a"], {"b"})
    dataset = open_dataset(described(tmp_path, text + 'without_mask = "normal"'))
    assert (list(dataset.frames), dataset.unlabelled) == (["a", "b"], frozenset())
    assert dataset.frames["b"].mask is None
    with pytest.raises(InputError, match="without_mask: expected a `normal_label`, found none"):
        open_dataset(described(tmp_path, text + 'without_mask = "normal"\nnormal_label = []'))


# ---------------------------------------------------------------------------- layouts of others


THEIRS = """
from mdmkit.datasets import Layout
from mdmkit.datasets.trees import labelled, masks_below

def find(blank):
    return labelled(blank, masks_below(blank.root, "_truth"), {})

ADDED = Layout("theirs", "Their set", "NAME_truth.png", find)
"""


def test_an_installed_package_adds_a_layout(installed, tmp_path):
    installed("mdmkit.datasets", "theirs", THEIRS)
    assert "theirs" in layout_names()
    scores, classes = drawn(0)
    save_image(tmp_path / "root" / "a_truth.png", np.where(classes == 2, 255, classes))
    (tmp_path / "scores").mkdir()
    np.save(tmp_path / "scores" / "a.npy", scores)
    found = compare({"m": tmp_path / "scores"}, metrics="ap", dataset=f"theirs:{tmp_path / 'root'}")
    assert (found["m"].frames, found.settings["dataset"]) == (1, "theirs")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nowhere_to_be_found", "from theirs:ADDED, found ModuleNotFoundError"),
        ("ADDED = 3", "to be a mdmkit.datasets.Layout, found int at theirs:ADDED"),
    ],
)
def test_a_layout_that_cannot_be_loaded_is_named(installed, tmp_path, source, message):
    installed("mdmkit.datasets", "theirs", source)
    with pytest.raises(InputError, match=message):
        open_dataset(f"theirs:{tmp_path}")


def test_a_built_in_layout_is_never_replaced(installed):
    before = layout("mvtec")
    installed("mdmkit.datasets", "mvtec", THEIRS)
    assert layout("mvtec") is before
    assert layout_names().count("mvtec") == 1


def test_a_layout_of_ones_own_is_opened_directly(tmp_path):
    mine = Layout("mine", "Mine", "", lambda blank: blank)
    with pytest.raises(InputError, match=f"dataset: expected Mine at {tmp_path}"):
        mine.open(tmp_path)
