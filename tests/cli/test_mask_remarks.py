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
