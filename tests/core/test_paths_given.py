"""Functions that take a path take text and `Path`, and refuse all else."""

import numpy as np
import pytest
from PIL import Image

import mdmkit
from mdmkit import InputError, InputTypeError
from mdmkit.datasets import find_images, find_scores, find_targets, from_folders, pair
from mdmkit.io import read_mask, read_scores, write_scores
from mdmkit.io.images import image_shape, read_image

SCORES = np.linspace(0, 1, 60).reshape(6, 10)
CHOSEN = mdmkit.recommend_threshold(SCORES, SCORES > 0.5, require="recall >= 0.1").chosen
STATE = mdmkit.Evaluation("ap")
STATE.update(SCORES, SCORES > 0.5)


def save_figure(path):
    from mdmkit.plots import margin_figure, save_figure

    save_figure(margin_figure({"a": mdmkit.threshold_curve(SCORES, SCORES > 0.5)}, 0.5), path)


def check_figure_name(path):
    from mdmkit.plots import check_figure_name

    check_figure_name(path)


CALLS = {
    "read_scores": (read_scores, "s/a.npy"),
    "read_mask": (read_mask, "m/a.png"),
    "write_scores": (lambda p: write_scores(p, SCORES), "new.npy"),
    "from_folders": (from_folders, "m"),
    "from_folders(images)": (lambda p: from_folders("m", p), "m"),
    "find_targets": (find_targets, "m"),
    "find_images": (find_images, "m"),
    "find_scores": (lambda p: find_scores("a", p), "s"),
    "pair": (lambda p: pair({"a": "s"}, p), "m"),
    "pair(methods)": (lambda p: pair({"a": p}, "m"), "s"),
    "compare(counts)": (lambda p: mdmkit.compare({"a": "s"}, "m", "ap", counts=p), "state"),
    "count_shard(counts)": (
        lambda p: mdmkit.count_shard({"a": "s"}, "m", "ap", counts=p, shard="1/1"),
        "state",
    ),
    "bootstrap(counts)": (
        lambda p: mdmkit.bootstrap({"a": "s"}, "m", "ap", counts=p, replicates=2),
        "counts.h5",
    ),
    "read_threshold": (mdmkit.read_threshold, "chosen.toml"),
    "ChosenThreshold.write": (lambda p: CHOSEN.write(p), "new.toml"),
    "Evaluation.save": (lambda p: STATE.save(p), "new.npz"),
    "Evaluation.load": (mdmkit.Evaluation.load, "state.npz"),
    "save_figure": (save_figure, "new.png"),
    "check_figure_name": (check_figure_name, "new.png"),
    "read_image": (read_image, "m/a.png"),
    "image_shape": (image_shape, "m/a.png"),
}


@pytest.fixture
def there(tmp_path, monkeypatch):
    """A folder with files of every kind, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    for name in "sm":
        (tmp_path / name).mkdir()
    for key in "ab":
        np.save(tmp_path / f"s/{key}.npy", SCORES)
        Image.fromarray((SCORES > 0.5).astype(np.uint8)).save(tmp_path / f"m/{key}.png")
    CHOSEN.write("chosen.toml")
    STATE.save("state.npz")
    return tmp_path


@pytest.mark.parametrize("name", CALLS)
def test_text_is_a_path(name, there):
    call, path = CALLS[name]
    call(path)


@pytest.mark.parametrize("name", CALLS)
def test_a_path_is_one(name, there):
    call, path = CALLS[name]
    call(there / path)


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_path_is_refused(name, there):
    call, path = CALLS[name]
    for wrong in (3, b"a", ["a"], object()):
        with pytest.raises(InputTypeError):
            call(wrong)
    with pytest.raises(InputError):
        call(f"{path}\0")
