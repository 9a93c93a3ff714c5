"""`mdmkit threshold`: from the margin of one set of frames to what it gives on another."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from mdmkit import (
    bootstrap,
    compare,
    evaluate,
)
from mdmkit.cli.threshold import repeated
from mdmkit.io import read_mask
from tests.cli.conftest import folders, run  # noqa: F401  (fixtures)


def test_arguments_after_on_belong_to_it():
    arguments = ["a=x", "--on", "a=y", "b=z", "--t-margin", "0.5", "--on", "c=w"]
    expected = ["a=x", "--on", "a=y", "--on", "b=z", "--t-margin", "0.5", "--on", "c=w"]
    assert repeated(arguments, "--on") == expected
    assert repeated(["a=x", "--on"], "--on") == ["a=x", "--on"]


@pytest.fixture
def twofold(run, folders):  # noqa: F811
    """The command's frames twice, the second time a little darker."""
    for name in ("good", "weak"):
        (folders / "test" / name).mkdir(parents=True)
        for path in (folders / name).glob("*.npy"):
            np.save(folders / "test" / name / path.name, 0.9 * np.load(path))
    return run


COMMAND = ("threshold", "good=good", "weak=weak", "--target", "masks", "--t-margin", "0.7")


SECOND = ("--on", "good=test/good", "weak=test/weak", "--on-target", "masks")


def test_the_command_recommends(twofold):
    ran = twofold(*COMMAND)
    assert ran.code == 0
    assert "Threshold for F1 > 0.7, chosen on masks, %" in ran.out
    assert "The same threshold" not in ran.out


def test_the_command_transfers(twofold, folders):  # noqa: F811
    ran = twofold(*COMMAND, *SECOND, "--format", "json")
    record = json.loads(ran.out)
    for row in record["rows"]:
        z = row["threshold"]
        found = evaluate(
            [
                (np.load(folders / "test" / row["method"] / f"{i}.npy"),
                 read_mask(folders / "masks" / f"{i}.png"))
                for i in range(3)
            ],
            f"f1@z={z!r},mdm_f1@0.7",
        )  # fmt: skip
        assert row["transfer"]["point"]["f1"] == found[f"f1@z={z!r}"]
        assert row["transfer"]["margin"]["value"] == found["mdm_f1@0.7"]
    again = twofold(*COMMAND, "--on", "good=test/good", "--on", "weak=test/weak", "--on-dataset",
                    "folder:masks", "--format", "json")  # fmt: skip
    assert again.code == 2  # no such layout: the sets may differ in kind
    assert "folder" in again.err


def test_the_command_writes_files(twofold, folders):  # noqa: F811
    assert twofold(*COMMAND, *SECOND, "-o", "out/t.tex").code == 0
    assert (folders / "out" / "t.tex").read_text().count(r"{\small ") == 3  # titles
    assert twofold(*COMMAND, "-o", "out/t.tex").refused("output: expected a new file")


def test_the_command_s_errors_name_the_next_step(twofold):
    swapped = ("--anomaly-label", "0", "--normal-label", "1")  # what is normal is no anomaly
    assert twofold(*COMMAND[:-1], "0.99", *swapped).refused("no threshold", "ask for a lower T")
    assert twofold(*COMMAND, "--on", "good=test/good", "weak=w").refused("--on-target FOLDER or")
    assert twofold(*COMMAND, "--on-target", "masks").refused("--on good=FOLDER weak=FOLDER")
    assert twofold(*COMMAND, "--on", "good=test/good", "--on-target", "masks").refused(
        "on: expected the methods good, weak, found good"
    )
    assert twofold(*COMMAND, *SECOND, "--on-dataset", "x:y").refused("found both")
    assert twofold(*COMMAND, "--metric", "nothing").refused("metric: expected one of f1")


def smiyc(root, seed, count=4):
    """A data set in SegmentMeIfYouCan's layout, and a method's score maps of it."""
    rng = np.random.default_rng(seed)
    for folder in ("images", "labels_masks", "mine"):
        (root / folder).mkdir(parents=True)
    for index in range(count):
        target = np.zeros((40, 60), np.uint8)
        row, column = rng.integers(0, 15, 2)
        target[row : row + 24, column : column + 40] = 1
        target[-3:] = 255
        name = f"validation{index:04d}"
        Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(root / "images" / f"{name}.jpg")
        Image.fromarray(target).save(root / "labels_masks" / f"{name}_labels_semantic.png")
        scores = np.clip(0.5 * rng.random((40, 60)) + 0.4 * (target == 1), 0, 1)
        np.save(root / "mine" / f"{name}.npy", scores.astype(np.float32))


def test_data_sets_bring_their_labels_and_sizes(run, folders):  # noqa: F811
    for seed, name in enumerate(("first", "second")):
        smiyc(folders / name, seed)
    ran = run(
        "threshold", "mine=first/mine", "--dataset", "smiyc-anomaly:first", "--metric", "siou",
        "--t-margin", "0.3", "--on", "mine=second/mine", "--on-dataset", "smiyc-anomaly:second",
        "--format", "json",
    )  # fmt: skip
    record = json.loads(ran.out)
    (row,) = record["rows"]
    assert (record["settings"]["min_prediction"], record["settings"]["min_target"]) == (500, 100)
    assert record["settings"]["second"] == "smiyc-anomaly:second"
    key = f"siou@z={row['threshold']!r}"
    expected = compare({"mine": folders / "second" / "mine"}, metrics=[key],
                       dataset=f"smiyc-anomaly:{folders / 'second'}")["mine"]  # fmt: skip
    assert row["transfer"]["point"]["siou"] == expected[key]
    assert row["transfer"]["frames"] == 4


def test_intervals_of_a_data_set_are_those_of_its_labels_and_sizes(folders):  # noqa: F811
    smiyc(folders / "first", 0)
    methods, metrics = {"mine": folders / "first" / "mine"}, "ap,siou_gt"
    dataset = f"smiyc-anomaly:{folders / 'first'}"
    found = bootstrap(methods, metrics=metrics, dataset=dataset, replicates=10)
    exact = compare(methods, metrics=metrics, dataset=dataset)["mine"]
    for key in found.keys:
        low, high = found.brackets["mine"][key]
        assert low - 1e-12 <= exact[key] <= high + 1e-12
