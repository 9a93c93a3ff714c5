"""The figures' commands: what they draw, and what they refuse."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from mdmkit import evaluate, plots, threshold_curve
from mdmkit.cli import command_line as cli
from mdmkit.cli import terminal


@pytest.fixture
def plot(tmp_path, monkeypatch, capsys):
    """`mdmkit plot KIND good=good weak=weak --target masks ...` in a folder with frames."""
    rng = np.random.default_rng(0)
    for name in ("masks", "images", "good", "weak"):
        (tmp_path / name).mkdir()
    for number in range(3):
        target = np.zeros((20, 30), np.uint8)
        target[5 : 9 + number, 5:20] = 1
        target[:2] = 255
        Image.fromarray(target).save(tmp_path / "masks" / f"{number}.png")
        image = rng.integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(image).save(tmp_path / "images" / f"{number}.png")
        scores = np.clip(0.6 * (target == 1) + 0.4 * rng.random(target.shape), 0, 1)
        np.save(tmp_path / "good" / f"{number}.npy", scores)
        np.save(tmp_path / "weak" / f"{number}.npy", -3 + 2 * scores)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(terminal, "_debugging", False)

    def run(kind, *options, data=("--target", "masks"), folders=("good=good", "weak=weak")):
        arguments = ["plot", kind, *folders, *data, *options]
        monkeypatch.setattr(sys, "argv", ["mdmkit", *arguments])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as ended:
            code = ended.code
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def seen(monkeypatch):
    """The figures that were written, by file name."""
    figures = {}
    monkeypatch.setattr(plots, "save_figure", lambda f, path: figures.update({path.name: f}))
    return figures


UNIT = ("--normalize", "weak=minmax")


def test_thresholds_are_drawn_frame_by_frame(plot, seen):
    code, err = plot(
        "thresholds", "-o", "a.png", *UNIT, "--images", "images", "--at", "0.25,0.9",
        "--frame", "1", "--frame", "0",
    )  # fmt: skip
    assert code == 0, err
    assert list(seen) == ["a-1.png", "a-2.png"]
    titles = [ax.get_title() for ax in seen["a-1.png"].axes[:4]]
    assert titles == ["image", "score map, 0 to 1", "score > 0.25", "score > 0.9"]
    image = np.asarray(Image.open("images/1.png"))
    assert (np.asarray(seen["a-1.png"].axes[0].images[0].get_array()) == image).all()


def test_the_frame_with_most_anomalies_is_drawn_where_none_is_named(plot, seen):
    assert plot("thresholds", "-o", "a.png", *UNIT, "--images", "images")[0] == 0
    image = np.asarray(Image.open("images/2.png"))
    assert (np.asarray(seen["a.png"].axes[0].images[0].get_array()) == image).all()


def test_the_grid_uses_the_best_f1_or_the_recommended_threshold(plot, seen):
    from mdmkit import evaluate, mdm

    frames = [(np.load(f"good/{n}.npy"), np.array(Image.open(f"masks/{n}.png"))) for n in range(3)]
    best = evaluate(frames, "best_f1").numbers["best_f1"].threshold
    scores, target = (list(part) for part in zip(*frames, strict=True))
    recommended = mdm(scores, target, t_margin=0.5, metric="f1").threshold
    for options, z in (((), best), (("--t-margin", "0.5"), recommended)):
        assert plot("grid", "-o", "a.png", *UNIT, "--most", "2", *options)[0] == 0
        axes = np.array(seen["a.png"].axes).reshape(2, 3)  # no image: truth and two methods
        assert axes[0, 2].get_title().startswith("weak (minmax)\n")
        assert axes[0, 1].get_title() == f"good\nscore > {z:.3g}"
        assert [row[0].texts[0].get_text() for row in axes] == ["2", "1"]


def test_rows_of_a_grid_have_short_or_given_names_and_score_maps(plot, seen, tmp_path):
    for folder in ("masks", "images", "good", "weak"):
        (tmp_path / folder / "town").mkdir()
        for path in (tmp_path / folder).glob("1.*"):
            path.rename(tmp_path / folder / "town" / path.name)
    options = ("--images", "images", "--frame", "town/1", "--frame", "dusk=2", "--width", "cvpr")
    assert plot("grid", "-o", "a.png", *UNIT, *options, "--score-maps")[0] == 0
    figure = seen["a.png"]
    assert figure.get_figwidth() == 3.25
    axes = np.array(figure.axes).reshape(4, 3)
    assert [row[0].texts[0].get_text() for row in axes[::2]] == ["1", "dusk"]
    image = np.asarray(Image.open("images/town/1.png"))
    assert (np.asarray(axes[0, 0].images[0].get_array()) == image).all()
    assert all(ax.images for ax in axes.flat)


def test_figures_read_maps_as_compare_does(plot, seen, tmp_path):
    for path in (tmp_path / "good").iterdir():
        np.save(path.with_name(f"{path.stem}_score.npy"), np.load(path)[::2, ::2])
        path.unlink()
    only = {"folders": ("good=good",)}
    assert plot("margin", "-o", "a.png", **only)[0] == 2
    read = ("--score-ending", "_score", "--resize", "nearest")
    for kind in ("margin", "margins-by-t", "curves", "froc", "grid", "thresholds"):
        assert plot(kind, "-o", "a.png", *read, "--overwrite", **only)[0] == 0, kind


def test_normalised_maps_say_so(plot, seen):
    assert plot("thresholds", "-o", "a.png", *UNIT)[0] == 0
    told = [text.get_text() for text in seen["a.png"].findobj(Text)]
    assert {"good", "weak, scores normalised by minmax"} <= set(told)
    assert plot("margin", "-o", "b.png", *UNIT)[0] == 0
    lanes = seen["b.png"].axes[1]
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["good", "weak (minmax)"]


def test_one_normaliser_of_all_is_said_at_the_axis(plot, seen):
    assert plot("margin", "-o", "a.png", "--normalize", "rank")[0] == 0
    lanes = seen["a.png"].axes[1]
    assert [label.get_text() for label in lanes.get_yticklabels()] == ["good", "weak"]
    assert lanes.get_xlabel() == "threshold z of scores normalised by rank"
    assert plot("margins-by-t", "-o", "b.png", "--normalize", "rank")[0] == 0
    assert seen["b.png"].axes[0].get_ylabel() == "MDM, %\n(scores by rank)"


def test_margins_of_several_metrics_and_t_are_drawn(plot, seen):
    code, err = plot(
        "margin", "-o", "a.png", *UNIT, "--metric", "f1,iou", "--t-margin", "0.3",
        "--t-margin", "0.5",
    )  # fmt: skip
    assert code == 0, err
    axes = seen["a.png"].axes
    assert [ax.get_title() for ax in axes[:2]] == ["pixel F1", "pixel IoU"]
    assert all(len(ax.get_yticks()) == 4 for ax in axes[2:])


def test_a_margin_without_t_is_one_at_one_half(plot, seen):
    assert plot("margin", "-o", "a.png", *UNIT) == (0, "wrote a.png\n")
    assert plot("margin", "-o", "b.png", *UNIT, "--t-margin", "0.5")[0] == 0
    first, second = (
        [text.get_text() for text in seen[name].findobj(Text)] for name in ("a.png", "b.png")
    )
    assert first == second


def test_margins_by_t_and_curves_are_drawn(plot, seen):
    assert plot("margins-by-t", "-o", "a.png", *UNIT, "--metric", "iou")[0] == 0
    assert seen["a.png"].axes[0].get_xlabel() == "required quality T, % (pixel IoU)"
    assert plot("curves", "-o", "b.png")[0] == 0  # ranking takes raw scores
    assert len(seen["b.png"].axes) == 2


@pytest.fixture
def trees(plot, tmp_path):
    """Folders `all/METHOD` with the frames of two data sets; options that name the two."""
    for method in ("good", "weak"):
        for number, data in enumerate(("First", "Second")):
            folder = tmp_path / "all" / method / data
            folder.mkdir(parents=True)
            for name in range(2 + number):
                shutil.copy(tmp_path / method / f"{name}.npy", folder)
    (tmp_path / "first").mkdir()
    for name in range(2):
        shutil.copy(tmp_path / "masks" / f"{name}.png", tmp_path / "first")
    (tmp_path / "second.toml").write_text(
        'masks = "masks"\nmin_target = 7\nmin_prediction = 3\naggregate = "per_image"\n'
    )
    return {
        "data": ("--target", "First=first", "--dataset", "Second=folder:second.toml"),
        "folders": ("good=all/good", "weak=all/weak"),
    }


def curve_of(method, names, metric, **sizes):
    scores = [np.load(f"{method}/{n}.npy") for n in names]
    target = [np.asarray(Image.open(f"masks/{n}.png")) for n in names]
    return threshold_curve(scores, target, metric, **sizes)


def test_several_data_sets_have_a_panel_each_with_their_own_frames(plot, seen, trees):
    code, err = plot("margin", "-o", "a.png", *UNIT, "--t-margin", "0.5", **trees)
    assert code == 0, err
    axes = seen["a.png"].axes
    assert [ax.get_title() for ax in axes[:2]] == ["Second", "First"]
    for ax, names in zip(axes[2:], (range(3), range(2)), strict=True):
        low, high = curve_of("good", names, "f1").margin(0.5).interval
        bar = ax.patches[0]
        assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((low, high))
    assert "Second: pixels of all frames are pooled here, where masks is reported as a mean" in err


def test_several_data_sets_have_a_row_each_where_there_are_several_metrics(plot, seen, trees):
    Path("first.toml").write_text('masks = "first"\nmin_target = 9\nmin_prediction = 5\n')
    trees["data"] = ("--dataset", "First=folder:first.toml", *trees["data"][2:])
    options = ("--metric", "f1,siou", "--t-margin", "0.5", "--width", "7")
    code, err = plot("margin", "-o", "a.png", *UNIT, *options, **trees)
    assert code == 0, err
    axes = np.array(seen["a.png"].axes).reshape(4, 2)
    titles = [[ax.get_title() for ax in row] for row in axes[::2]]
    assert titles == [[f"{n}\n{d}" for d in ("pixel F1", "mean sIoU")] for n in ("First", "Second")]
    sizes = [row[1].get_ylabel() for row in axes[::2]]  # each data set's own
    assert sizes == ["mean sIoU, %\n(sizes 5 / 9)", "mean sIoU, %\n(sizes 3 / 7)"]


@pytest.mark.slow
def test_other_figures_have_several_data_sets_too(plot, seen, trees):
    for kind, titles in (("margins-by-t", ["Second", "First"]), ("curves", ["Second"] * 2)):
        code, err = plot(kind, "-o", "a.png", *UNIT, **trees)
        assert code == 0, err
        assert [ax.get_title() for ax in seen["a.png"].axes][:2] == titles
    dots = [line for line in seen["a.png"].axes[1].lines if line.get_marker() == "o"]
    frames = [(np.load(f"good/{n}.npy"), np.asarray(Image.open(f"masks/{n}.png"))) for n in "012"]
    assert dots[0].get_xdata()[0] == pytest.approx(100 * evaluate(frames, "fpr95")["fpr95"])


def test_one_data_set_may_have_a_name(plot, seen, trees):
    trees["data"] = trees["data"][:2]
    assert plot("margins-by-t", "-o", "a.png", *UNIT, **trees)[0] == 0
    assert [ax.get_title() for ax in seen["a.png"].axes] == ["First"]


def test_a_folder_with_a_sign_in_its_name_is_a_folder(plot, seen, tmp_path):
    (tmp_path / "split=val").mkdir()
    (tmp_path / "masks").rename(tmp_path / "split=val" / "masks")
    code, err = plot("margins-by-t", "-o", "a.png", *UNIT, data=("--target", "split=val/masks"))
    assert code == 0, err
    assert seen["a.png"].axes[0].get_title() == ""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            ("--target", "First=first", "--target", "masks"),
            "target: expected NAME=FOLDER where several data sets are given, found 'masks'; NAME "
            "is its folder in each method's folder of score maps",
        ),
        (
            ("--dataset", "folder:second.toml", "--target", "First=first"),
            "dataset: expected NAME=LAYOUT:ROOT where several data sets are given",
        ),
        (
            ("--target", "First=first", "--target", "First=masks"),
            "target: expected each name once, found 'First' again",
        ),
        (
            ("--target", "First=first", "--target", "Third=masks"),
            "good: expected its score maps of Third in all/good/Third, found the folders First, "
            "Second in all/good",
        ),
        (
            ("--target", "First=first", "--target", "Second=first"),
            "Second: frames: expected a score map of every method for every mask",
        ),
        (
            ("--target", "First=first", "--target", "Second=none"),
            "Second: --target: expected a folder at none, found nothing",
        ),
        ((), "target: expected --dataset LAYOUT:ROOT or --target FOLDER, found neither"),
    ],
)
def test_data_sets_that_do_not_fit_are_refused(plot, trees, tmp_path, data, message):
    trees["data"] = data
    code, err = plot("margin", "-o", "a.png", *UNIT, "--t-margin", "0.5", **trees)
    assert code == 2
    assert message in err
    assert not (tmp_path / "a.png").exists()


def test_a_method_that_lacks_a_data_set_is_named(plot, trees, tmp_path):
    shutil.rmtree(tmp_path / "all" / "weak" / "Second")
    code, err = plot("curves", "-o", "a.png", **trees)
    assert code == 2
    assert "weak: expected its score maps of Second in all/weak/Second, found the folders" in err


def test_errors_of_one_data_set_name_it(plot, trees):
    code, err = plot("margin", "-o", "a.png", "--t-margin", "0.5", **trees)
    assert code == 2
    assert "error: Second: weak: scores: expected values in [0, 1] or a normaliser" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("thresholds", "--at", "0.3,2"), "at: expected thresholds in [0, 1] such as 0.3,0.5"),
        (("thresholds", "--frame", "nine"), "frame: expected frames among"),
        (("thresholds",), "weak: scores: expected values in [0, 1] or a normaliser"),
        (("grid", "--most", "0"), "most: expected a number >= 1, found 0"),
        (("grid", "--t-margin", "1"), "--t-margin: expected a number in [0, 1), found 1.0"),
        (("curves", "--width", "0"), "or 1 to 100 inches, found '0'"),
        (("curves", "--width", "iclr"), "width: expected cvpr, cvpr-wide, neurips, ieee"),
        (("grid", "--frame", "1", "--frame", "day=1"), "frame: expected each frame once"),
        (("grid", "--frame", "a=0", "--frame", "a=1"), "frame: expected a name each"),
        (("margins-by-t", "--metric", "magic"), "metric: expected"),
    ],
)
def test_bad_options_are_refused(plot, tmp_path, arguments, message):
    code, err = plot(*arguments, "-o", "a.png")
    assert code == 2
    assert message in err
    assert not (tmp_path / "a.png").exists()


def test_no_file_of_several_is_replaced_unasked(plot, tmp_path):
    (tmp_path / "a-2.png").write_text("mine")
    code, err = plot("thresholds", "-o", "a.png", *UNIT, "--frame", "0", "--frame", "1")
    assert code == 2
    assert "a-2.png exists" in err
    assert (tmp_path / "a-2.png").read_text() == "mine"
    assert not (tmp_path / "a-1.png").exists()
