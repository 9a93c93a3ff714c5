"""`--invert`: scores of which higher means normal, in every command that reads score maps."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from mdmkit import read_threshold
from mdmkit.io import read_scores
from tests.cli.commands import rows

NAMES = "ap,fpr95,mdm_f1@0.5,siou_gt"
CONF = ("conf=conf", "--score-ending", "_conf", "--invert", "conf", "--target", "masks")
TRUE = ("conf=good", "--target", "masks")


@pytest.fixture
def confidences(folders):
    """The maps of `good` in 16 bits, and their confidences as the BRAVO challenge takes them."""
    (folders / "conf").mkdir()
    for seed in range(3):
        path = folders / "good" / f"{seed}.npy"
        scores = np.rint(np.load(path) * 65535).astype(np.uint16)
        path.unlink()
        Image.fromarray(scores).save(path.with_suffix(".png"))
        Image.fromarray(65535 - scores).save(folders / "conf" / f"{seed}_conf.png")
        Image.fromarray(np.zeros(scores.shape, np.uint8)).save(
            folders / "conf" / f"{seed}_pred.png"
        )
    return folders


def test_confidences_give_the_numbers_of_the_scores(run, confidences):
    inverted = run("compare", *CONF, "--metrics", NAMES, "--format", "json")
    (row,), (true,) = (
        rows(inverted),
        rows(run("compare", *TRUE, "--metrics", NAMES, "--format", "json")),
    )
    assert row == true
    assert json.loads(inverted.out)["settings"]["invert"] == ["conf"]
    table = run("compare", *CONF, "--metrics", "ap").out
    assert "inverted: conf (1 - score is judged, as higher means normal in its files)" in table


def test_names_and_what_confidences_want_are_told(run, confidences):
    found = run("compare", "conf=conf", "--target", "masks")
    assert found.refused("--score-ending _conf", "--invert conf")
    assert run("compare", *CONF, "--invert", "cnof").refused("--invert", "among conf", "cnof")


def test_kept_counts_and_intervals_are_those_of_inverted_scores(run, confidences):
    options = ("--metrics", NAMES, "--format", "json", "--bootstrap", "20")
    (row,) = rows(run("compare", *CONF, "--state", "state", *options))
    assert row == rows(run("compare", *TRUE, *options))[0]
    assert rows(run("merge", "state", "--format", "json"))[0]["ap"] == row["ap"]
    again = [word for word in CONF if word not in ("--invert",)]
    again.pop(again.index("_conf") + 1)
    assert run("compare", *again, "--state", "state", "--metrics", NAMES).refused("invert")


def test_a_threshold_of_inverted_scores_is_kept_applied_and_checked(run, confidences):
    require = ("--require", "recall>=0.5, fpr<=0.2")
    found = run("threshold", *CONF, *require, "--save", "chosen.toml", "--format", "json")
    (row,), (true,) = rows(found), rows(run("threshold", *TRUE, *require, "--format", "json"))
    assert row["raw_threshold"] == true["raw_threshold"]
    chosen = read_threshold("chosen.toml")
    raw = read_scores("conf/0_conf.png")
    assert chosen.inverted
    np.testing.assert_array_equal(chosen.apply(raw), (65535 - raw) / 65535 > row["raw_threshold"])
    checked = run("threshold", *CONF[:3], *CONF[5:], "--check", "chosen.toml")
    assert checked.code == 0, checked.err
    margins = [
        run("threshold", *words, "--t-margin", "0.5", "--format", "json") for words in (CONF, TRUE)
    ]
    assert rows(margins[0]) == rows(margins[1])
    assert json.loads(margins[0].out)["settings"]["invert"] == ["conf"]
    require = ("--require", "alarm_frames<=0.5", "--format", "json")
    found = run("threshold", "--normal", *CONF[:5], *require)
    assert rows(found) == rows(run("threshold", "--normal", "conf=good", *require))
    assert json.loads(found.out)["settings"]["invert"] == ["conf"]


def test_other_commands_invert(run, confidences):
    found = run("inspect", *CONF)
    assert "(of 1 - score)" in found.out
    assert found.code == 0
    for number, command in enumerate(("curves", "froc", "thresholds")):
        words = ("--frame", "0") if command == "thresholds" else ()
        done = run("plot", command, *CONF, *words, "-o", f"{number}.png")
        assert done.code == 0, done.err
    assert run("report", *CONF, "-o", "report.html", "--metrics", "ap,mdm_f1@0.5").code == 0
    assert run("convert", "conf", "converted", "--to", "npy", "--invert").code == 0
    np.testing.assert_array_equal(read_scores("converted/1_conf.npy"), read_scores("good/1.png"))
