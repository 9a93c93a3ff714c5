"""Every command that opens masks says so where they look like mistakes."""

import json

import numpy as np
import pytest
from PIL import Image

RNG = np.random.default_rng(0)
DOORS = {
    "compare": "compare {s} {t} --metrics ap",
    "margin": "threshold {s} {t} --t-margin 0.3",
    "require": "threshold {s} {t} --require recall>=0.1 --format csv",
    "second": "threshold --normal {s} --require alarm_frames<0.9 --on {s} --on-target m",
    "margins": "plot margin {s} {t} --t-margin 0.3 -o a.png",
    "curves": "plot curves {s} {t} -o a.png",
    "by": "plot by {s} {t} --by size=0,300,inf --metrics iou@z=0.5 -o a.png",
    "thresholds": "plot thresholds {s} {t} -o a.png",
    "report": "report {s} {t} -o a.html",
}


@pytest.fixture
def door(run, tmp_path, monkeypatch):
    """Run a command on masks of five frames."""
    monkeypatch.chdir(tmp_path)

    def door(name, mask_of, *more):
        for folder in ("m", "s"):
            (tmp_path / folder).mkdir(exist_ok=True)
        for number in range(5):
            mask = np.zeros((24, 32), np.uint8)
            mask[4 + number : 12 + number, 4:20] = 1
            np.save(f"s/f{number}.npy", mask * 0.6 + RNG.random(mask.shape) * 0.39)
            Image.fromarray(mask_of(number, mask)).save(f"m/f{number}.png")
        return run(*DOORS[name].format(s="a=s", t="--target m").split(), *more)

    return door


@pytest.mark.parametrize("name", DOORS)
def test_masks_of_two_kinds_are_remarked(door, name):
    found = door(name, lambda number, mask: mask * 255 if number > 1 else mask)
    assert found.code == 0
    assert "remark: 3 of 5 masks hold only 0 and 255 (ignore), as f2" in found.out + found.err
    assert "--anomaly-label 1,255" in found.out + found.err


@pytest.mark.parametrize("name", ["margin", "curves", "report"])
def test_masks_that_are_mostly_zero_are_remarked(door, name):
    found = door(name, lambda number, mask: mask * (number == 0))
    assert found.code == 0
    assert "remark: 4 of 5 masks are all 0, as f1" in found.out + found.err


@pytest.mark.parametrize("name", [name for name in DOORS if name != "second"])
def test_black_and_white_masks_are_an_error_that_names_the_option(door, name):
    found = door(name, lambda _, mask: mask * 255)
    assert found.code == 2
    assert "in black-and-white masks 255 is the anomaly: --anomaly-label 255" in found.err


def test_results_keep_the_remarks(door):
    found = door("margin", lambda number, mask: mask * (number == 0), "--format", "json")
    (remark,) = json.loads(found.out)["settings"]["remarks"]
    assert remark.startswith("4 of 5 masks are all 0")
    found = door("margin", lambda _, mask: mask, "--format", "json")
    assert "remarks" not in json.loads(found.out)["settings"]


def test_a_check_of_a_chosen_threshold_says_so(door, run):
    assert door("compare", lambda _, mask: mask).code == 0  # score maps and masks that are right
    kept = run("threshold", "a=s", "--target", "m", "--require", "recall>=0.1", "--save", "c.toml")
    assert kept.code == 0
    door("compare", lambda number, mask: mask * 255 if number > 1 else mask)
    found = run("threshold", "a=s", "--target", "m", "--check", "c.toml")
    assert "remark: 3 of 5 masks hold only 0 and 255 (ignore), as f2" in found.out
    assert "--anomaly-label 1,255" in found.out
    found = run("threshold", "a=s", "--target", "m", "--check", "c.toml", "--format", "json")
    assert json.loads(found.out)["remarks"][0].startswith("3 of 5 masks")
    assert "remark: 3 of 5 masks" in found.err
    assert "was chosen for" not in found.err
    found = run("threshold", "b=s", "--check", "c.toml")
    assert "remark: the threshold was chosen for a, these score maps are of b" in found.out


@pytest.mark.parametrize("name", ["compare", "margin", "curves", "thresholds", "report"])
def test_scores_that_seem_upside_down_are_remarked(door, run, name):
    door("compare", lambda _, mask: mask)
    for number in range(5):
        np.save(f"s/f{number}.npy", 1 - np.load(f"s/f{number}.npy"))
    words = DOORS[name].format(s="a=s", t="--target m").replace("0.3", "0.01").split()
    found = run(*words, "--overwrite") if "-o" in words else run(*words)
    assert found.code == 0, found.err
    assert "remark: a: AUROC " in found.out + found.err
    assert "are its scores higher where all is normal?" in found.out + found.err


def test_inspect_says_what_a_normaliser_does(door, run):
    door("compare", lambda _, mask: mask)
    found = run("inspect", "a=s", "--target", "m", "--normalize", "sigmoid")
    assert "--normalize sigmoid of scores that lie in [0, 1] already" in found.out
    for number in range(5):
        np.save(f"s/f{number}.npy", 9 * np.load(f"s/f{number}.npy") - 3)
    outside = "scores outside [0, 1] have no margins"
    assert outside in run("inspect", "a=s", "--target", "m").out
    for kind in ("sigmoid", "a=minmax"):
        found = run("inspect", "a=s", "--target", "m", "--normalize", kind)
        assert outside not in found.out
        assert "already" not in found.out
    found = run("inspect", "a=s", "--normalize", "b=minmax")
    assert (found.code, "--normalize: expected a method among a" in found.err) == (2, True)
