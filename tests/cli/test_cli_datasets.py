"""Commands about files: `datasets`, `inspect`, `convert`, and --dataset of the others."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from mdmkit.cli import command_line as cli
from mdmkit.datasets import layout, layout_names
from tests.cli.commands import in_process

SHAPE = (40, 60)


@pytest.fixture
def folders(tmp_path):
    """RoadObstacle21 in small, and the score maps `good`; the working directory."""
    rng = np.random.default_rng(0)
    for name in ("root/images", "root/labels_masks", "good", "out"):
        (tmp_path / name).mkdir(parents=True)
    for index in range(3):
        mask = np.zeros(SHAPE, np.uint8)
        mask[5:9, 5 : 10 + index] = 1  # 20 to 28 pixels: none of the anomaly track's size
        mask[-5:] = 255
        stem = f"validation_{index}"
        Image.new("RGB", SHAPE[::-1]).save(tmp_path / "root" / "images" / f"{stem}.webp")
        name = f"{stem}_labels_semantic.png"
        Image.fromarray(mask).save(tmp_path / "root" / "labels_masks" / name)
        scores = np.clip(0.5 * (mask == 1) + 0.6 * rng.random(SHAPE), 0, 1).astype(np.float32)
        np.save(tmp_path / "good" / f"{stem}.npy", scores)
    return tmp_path


@pytest.fixture
def run(folders, monkeypatch, capsys):
    """`mdmkit ARGUMENTS` in that folder: exit code, standard output, standard error."""
    monkeypatch.chdir(folders)

    def command(*arguments):
        code, out, err = in_process(cli.main, "mdmkit", arguments, monkeypatch, capsys)
        assert "Traceback" not in err
        return code, out, err

    return command


OBSTACLES = ("--dataset", "smiyc-obstacle:root")


# ------------------------------------------------------------------------- compare, plot margin


def test_compare_judges_by_the_data_set(run):
    code, out, _ = run("compare", "good=good", *OBSTACLES, "--format", "json")
    settings = json.loads(out)["settings"]
    assert code == 0
    assert (settings["min_prediction"], settings["min_target"]) == (50, 10)
    assert (settings["dataset"], settings["target"]) == ("smiyc-obstacle", "root")
    assert json.loads(out)["rows"][0]["components"] == 3


def test_options_win_over_the_data_set(run):
    code, out, _ = run(
        "compare", "good=good", *OBSTACLES, "--format", "json", "--metrics", "ap",
        "--min-target", "0", "--anomaly-label", "1,2", "--aggregate", "per_image",
    )  # fmt: skip
    settings = json.loads(out)["settings"]
    assert (code, settings["min_prediction"], settings["min_target"]) == (0, 50, 0)
    assert (settings["anomaly_label"], settings["aggregate"]) == ([1, 2], "per_image")
    code, _, err = run("compare", "good=good", *OBSTACLES, "--ignore-index", "none")
    assert code == 2
    assert "found 255 at 300 pixels" in err


def test_a_data_set_goes_with_protocol_band_and_printed_rows(run):
    command = ("compare", "good=good", *OBSTACLES, "--protocol", "smiyc", "--metrics",
               "ap,ap@band=3,mdm_siou@0.5,siou_gt",
               "--published", "smiyc", "--aux", "good")  # fmt: skip
    code, out, _ = run(*command, "--format", "json")
    found = json.loads(out)
    settings, row = found["settings"], found["rows"][0]
    assert (code, settings["dataset"], settings["min_target"]) == (0, "smiyc-obstacle", 10)
    assert (settings["protocol"], settings["published"]) == ("smiyc", "smiyc")
    assert (row["auxiliary"], row["components"]) == ("yes", 3)
    assert 0 < row["ap@band=3"] <= 1
    assert found["published"]["rows"]
    code, out, _ = run(*command, "--format", "markdown")
    assert code == 0
    assert "- 3 frames of smiyc-obstacle, 6300 valid pixels" in out
    assert "- protocol smiyc: " in out
    code, tight, err = run(*command, "--format", "json", "--memory", "0", "--jobs", "2")
    assert code == 0, err
    assert json.loads(tight)["rows"][0]["siou_gt"] == row["siou_gt"]


def test_without_a_data_set_no_component_is_dropped(run, folders):
    for path in (folders / "root" / "labels_masks").iterdir():
        path.rename(path.with_name(path.name.replace("_labels_semantic", "")))
    command = ("compare", "good=good", "--target", "root/labels_masks", "--format", "json")
    code, out, _ = run(*command, "--metrics", "ap")
    settings = json.loads(out)["settings"]
    assert (code, settings["min_prediction"], settings["min_target"]) == (0, 0, 0)
    assert (settings["dataset"], settings["target"]) == (None, "root/labels_masks")


def test_the_table_names_the_data_set(run):
    _, out, _ = run("compare", "good=good", *OBSTACLES, "--metrics", "ap", "--format", "markdown")
    assert "- 3 frames of smiyc-obstacle, 6300 valid pixels" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "target: expected --dataset LAYOUT:ROOT or --target FOLDER, found neither"),
        (("--dataset", "root"), "dataset: expected LAYOUT:ROOT"),
        (("--dataset", "cityscapes:root"), "dataset: expected a layout among smiyc-anomaly"),
        (("--dataset", "mvtec:root"), "dataset: expected MVTec AD at root:"),
        (("--dataset", "mvtec:gone"), "dataset: expected a folder at gone, found nothing"),
        ((*OBSTACLES, "--min-target", "-1"), "--min-target: expected a number of pixels >= 0"),
        ((*OBSTACLES, "--anomaly-label", "255"), "the value 255 already means --anomaly-label"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("compare", "good=good", "-o", "out/a.csv"),
        ("plot", "margin", "good=good", "--t-margin", "0.3", "-o", "out/a.pdf"),
    ],
    ids=["compare", "plot"],
)
def test_unusable_data_sets_are_refused(run, folders, command, options, message):
    code, out, err = run(*command, *options)
    assert (code, out) == (2, "")
    assert err.startswith("mdmkit: error: ")
    assert message in err
    assert not list((folders / "out").iterdir())


def test_a_table_is_of_one_data_set_and_a_figure_of_several_that_are_named(run):
    both = (*OBSTACLES, "--target", "good")
    _, _, err = run("compare", "good=good", *both, "-o", "out/a.csv")
    assert "target: expected --dataset or --target, found both" in err
    _, _, err = run("plot", "margin", "good=good", "--t-margin", "0.3", *both, "-o", "out/a.pdf")
    assert "dataset: expected NAME=LAYOUT:ROOT where several data sets are given" in err


def test_a_figure_is_drawn_of_a_data_set(run, folders):
    code, _, err = run(
        "plot", "margin", "good=good", *OBSTACLES, "--metric", "siou", "--t-margin", "0.2",
        "-o", "out/a.pdf",
    )  # fmt: skip
    assert (code, err) == (0, "wrote out/a.pdf\n")
    assert (folders / "out" / "a.pdf").read_bytes().startswith(b"%PDF")


# ------------------------------------------------------------------------------------- datasets


def test_all_layouts_are_listed_with_tree_labels_and_sizes(run):
    code, out, err = run("datasets")
    assert (code, err) == (0, "")
    for name in layout_names():
        found = layout(name)
        assert f"\n{name}: {found.title}\n" in f"\n{out}"
        assert f"  labels {found.codes}; {found.sizes}; {found.aggregate}\n" in out
        for line in found.tree.splitlines():
            assert f"    {line}\n" in out
    assert "labels 1 (normal), 2-200 (anomaly), 0 (ignore)" in out


def test_a_layout_that_cannot_be_loaded_hides_no_other(run, installed):
    installed("mdmkit.datasets", "theirs", "import nowhere_to_be_found")
    code, out, _ = run("datasets")
    assert code == 0
    assert "theirs\n  dataset: expected to load the layout theirs from theirs:ADDED" in out
    assert "mvtec: MVTec AD" in out


# -------------------------------------------------------------------------------------- inspect


def test_inspect_of_a_good_set_ends_with_zero(run):
    code, out, err = run("inspect", "good=good", *OBSTACLES)
    assert (code, err) == (0, "")
    assert out.startswith("data set   SegmentMeIfYouCan RoadObstacle21 (smiyc-obstacle:root)\n")
    assert "in 3 of 3 frames; 3 components of at least 10 pixels, 0 smaller" in out
    assert out.endswith("no problems found\n")


@pytest.mark.parametrize("options", [(), ("--quiet",)])
def test_inspect_of_a_bad_set_lists_problems_and_ends_with_two(run, folders, options):
    (folders / "good" / "validation_1.npy").unlink()
    code, out, err = run("inspect", "good=good", *OBSTACLES, *options)
    assert (code, err) == (2, "")
    assert "problems: compare would fail\n  good: no score map for 1 frames" in out
    assert run("compare", "good=good", *OBSTACLES, "--metrics", "ap")[0] == 2
    assert run("inspect", "good=good", *OBSTACLES, "--missing", "skip")[0] == 0


def test_inspect_takes_the_options_of_compare(run):
    code, out, _ = run("inspect", *OBSTACLES, "--min-target", "21", "--ignore-index", "255,9")
    assert code == 0
    assert "2 components of at least 21 pixels, 1 smaller" in out
    assert "255 or 9 (ignore)" in out or "9 or 255 (ignore)" in out
    assert run("inspect", *OBSTACLES, "--min-target", "100")[0] == 2


def test_inspect_works_on_plain_folders_and_on_scores_alone(run, folders):
    for path in (folders / "root" / "labels_masks").iterdir():
        path.rename(path.with_name(path.name.replace("_labels_semantic", "")))
    code, out, _ = run(
        "inspect", "good=good", "--target", "root/labels_masks", "--images", "root/images",
        "--min-target", "10",
    )  # fmt: skip
    assert code == 0
    assert "images     3 of 3" in out
    code, out, _ = run("inspect", "good=good")
    assert code == 0
    assert out.startswith("method     good (good)\n")


def test_inspect_needs_something_to_look_at(run):
    code, _, err = run("inspect")
    assert code == 2
    assert "target: expected --dataset LAYOUT:ROOT or --target FOLDER, found neither" in err
    code, _, err = run("inspect", *OBSTACLES, "--images", "root/images")
    assert code == 2
    assert "images: expected --dataset or --images, found both" in err


# -------------------------------------------------------------------------------------- convert


def test_convert_writes_a_submission_that_compares_alike(run, folders):
    code, out, err = run(
        "convert", "good", "out/good/RoadObstacle21", "--to", "hdf5", "--dtype", "float16"
    )
    assert (code, out) == (0, "")
    assert "wrote 3 score maps to out/good/RoadObstacle21\n" in err
    assert "rounding moved scores by at most 0.000" in err
    code, out, _ = run(
        "compare", "a=good", "b=out/good", *OBSTACLES, "--format", "json", "--metrics", "ap"
    )
    first, second = json.loads(out)["rows"]
    assert second["ap"] == pytest.approx(first["ap"], abs=1e-3)
    methods = json.loads(out)["settings"]["methods"]
    assert methods == {"a": "good", "b": "out/good/RoadObstacle21"}


def test_convert_overwrites_only_on_request_and_quietly(run):
    assert run("convert", "good", "out/a", "--to", "png16", "--quiet") == (0, "", "")
    code, _, err = run("convert", "good", "out/a", "--to", "png16")
    assert code == 2
    assert "output: expected new files in out/a, found that 3 exist" in err
    assert run("convert", "good", "out/a", "--to", "png16", "-q", "--overwrite") == (0, "", "")


def test_convert_says_what_to_expect(run):
    code, _, err = run("convert", "good", "out/a", "--to", "jpg")
    assert (code, err) == (
        2, "mdmkit: error: --to: expected one of npy, npz, hdf5, png16, tif, found 'jpg'\n",
    )  # fmt: skip
    code, _, err = run("convert", "gone", "out/a", "--to", "npy")
    assert (code, err) == (2, "mdmkit: error: source: expected a folder at gone, found nothing\n")


@pytest.mark.parametrize("name", ["datasets", "inspect", "convert"])
def test_each_command_has_help(run, name):
    code, out, _ = run(name, "--help")
    assert code == 0
    assert f"mdmkit {name}" in out
