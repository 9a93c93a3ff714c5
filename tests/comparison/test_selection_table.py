"""Tables and figures by size and by group of frames, of maps small enough to check by hand."""

from __future__ import annotations

import csv
import io
import json

import pytest

from mdmkit import bootstrap, compare
from mdmkit.comparison.differences import paired_differences
from mdmkit.comparison.selection_table import points_by
from mdmkit.core.errors import InputError
from mdmkit.metrics.selections import measures_by, selections_of
from mdmkit.plots import by_figure
from mdmkit.tables.forms import to_renderables

#: An object of one pixel and one of three; the first method finds the small one, the other not.
TARGET = [[1, 0, 0, 0, 1, 1, 1]]
FRAMES = {
    "keen": [([[0.9, 0.1, 0.1, 0.1, 0.8, 0.8, 0.8]], TARGET), ([[0.1, 0.9, 0.1]], [[1, 0, 0]])],
    "dull": [([[0.0, 0.1, 0.1, 0.1, 0.8, 0.8, 0.8]], TARGET), ([[0.9, 0.1, 0.1]], [[1, 0, 0]])],
}
KEYS = ("frame 0", "frame 1")


@pytest.fixture
def weather(tmp_path):
    path = tmp_path / "frames.csv"
    path.write_text("frame,weather\nframe 0,sun\nframe 1,rain\nframe 2,snow\n")
    return path


def test_a_block_per_bin_says_how_many_components_it_is_about():
    comparison = compare(FRAMES, metrics=measures_by("ap", "size=0,2,inf"))
    text = comparison.to_text("markdown")
    assert "**Components of 0 to 2 px: 2 in 2 frames, %**" in text
    assert "**Components of 2 or more px: 1 in 1 frame, %**" in text
    for method in FRAMES:
        assert comparison[method]["ap@size=2:inf"] == pytest.approx(0.75 if method == "keen" else 1)
        assert comparison[method]["components@size=0:2"] == 2
    assert comparison["keen"]["ap"] == compare(FRAMES, metrics="ap")["keen"]["ap"]


def test_groups_stand_side_by_side_with_their_mean_and_the_worst(weather):
    measures = measures_by("ap", f"{weather}:weather", keys=KEYS)
    comparison = compare(FRAMES, metrics=measures)
    keen = comparison["keen"]
    assert keen["ap@weather=mean"] == pytest.approx(
        (keen["ap@weather=sun"] + keen["ap@weather=rain"]) / 2
    )
    assert keen["ap@weather=sun"] == 1
    lines = comparison.to_text("markdown").splitlines()
    start = lines.index("**By weather, %**")
    assert [line.split("|")[1].strip() for line in lines[start + 2 : start + 13]] == [
        "method", ":--", "*rain: 1 frame, 1 component*", "keen", "dull",
        "*sun: 1 frame, 2 components*", "keen", "dull", "*mean of 2*", "keen", "dull",
    ]  # fmt: skip
    marked = [line for line in lines if line.endswith("worst |")]
    assert [line.split("|")[1].strip() for line in marked] == ["keen", "dull"]
    assert [lines.index(line) - start for line in marked] == [5, 9]  # rain of one, sun of the other
    assert "- worst: of a method's groups of frames" in lines


def test_a_mean_of_margins_is_trivial_where_one_of_its_groups_is(weather):
    def means(t_margin):
        measures = measures_by(f"mdm_f1@{t_margin}", f"{weather}:weather", keys=KEYS)
        comparison = compare(FRAMES, metrics=measures)
        assert comparison.to_dict()["rows"][0][f"mdm_f1@{t_margin}@weather=mean_trivial"] == (
            pytest.approx(8 / 11)  # 4 of 7 pixels are anomalous
        )
        lines = comparison.to_text("markdown").splitlines()
        return lines[lines.index("| *mean of 2* | |") + 1], comparison["keen"].numbers

    shown, numbers = means(0.6)  # above the level of 1 in 3, 0.5, and not above that of 4 in 7
    assert numbers["mdm_f1@0.6@weather=mean"].is_trivial
    assert not numbers["mdm_f1@0.6@weather=rain"].is_trivial
    assert shown.split("|")[2].strip().endswith("°")
    shown, _ = means(0.75)
    assert "°" not in shown


def test_means_over_images_mark_the_mean_over_groups_and_count_no_components(weather):
    measures = measures_by("mdm_f1@0.6", f"{weather}:weather", keys=KEYS)
    comparison = compare(FRAMES, metrics=measures, aggregate="per_image")
    mean = comparison["keen"].numbers["mdm_f1@0.6@weather=mean"]
    assert mean.is_trivial
    assert mean.images.defined == 2
    lines = comparison.to_text("markdown").splitlines()
    assert "| *rain: 1 frame* | |" in lines


def test_groups_are_sections_of_one_table_in_every_form(weather):
    comparison = compare(FRAMES, metrics="ap,auroc", by=f"{weather}:weather")
    latex = comparison.to_text("latex")
    assert latex.count(r"\begin{tabular}") == 2  # pooled, and all groups
    assert latex.count(r"\multicolumn{3}{@{}l}{\textit{") == 3
    assert latex.count(r"{\scriptsize worst}") == 4
    assert "Worst: of a method's groups of frames." in latex
    shown = comparison.to_text("table")
    assert shown.count("By weather, %") == 1
    assert " rain: 1 frame, 1 component\n" in shown
    narrow = to_renderables(comparison.view(), 30)
    titles = [table.title for table in narrow[:-1]]
    assert titles == ["Quality, %", "By weather, %", "By weather, % (continued)"]


def test_python_takes_parts_as_the_command_line_does(weather):
    found = compare(FRAMES, metrics="ap", by=["size=0,2,inf", f"{weather}:weather"])
    measures = measures_by("ap", ["size=0,2,inf", f"{weather}:weather"], keys=KEYS)
    assert found["keen"].numbers == compare(FRAMES, metrics=measures)["keen"].numbers
    assert found.settings["by"] == ["size=0,2,inf", f"{weather}:weather"]
    with pytest.raises(InputError, match="folder") as error:
        compare(FRAMES, metrics="ap", by="folder")
    assert error.value.argument == "by"
    intervals = bootstrap(FRAMES, metrics="ap", by="size=0,2,inf", replicates=20)
    with_differences = found.with_bootstrap(intervals)
    assert "0:2 px" in with_differences.to_text()
    assert not any("components" in each.metric for each in paired_differences(with_differences))


def test_the_score_of_an_image_is_an_option():
    found = compare(FRAMES, metrics="ap,image_auroc,image_ap@score=max", image_score="mean-top:2")
    assert set(found["keen"]) >= {"ap", "image_auroc@score=mean-top:2", "image_ap"}
    for wrong, metrics in (("mean-top:0", "image_ap"), ("top", "image_ap"), ("max", "ap")):
        with pytest.raises(InputError) as error:
            compare(FRAMES, metrics=metrics, image_score=wrong)
        assert error.value.argument == "image_score"


def test_long_forms_have_a_row_for_each_part(weather):
    measures = measures_by("ap", ["size=0,2,inf", f"{weather}:weather"], keys=KEYS)
    comparison = compare(FRAMES, metrics=measures)
    rows = list(csv.DictReader(io.StringIO(comparison.to_text("csv-long"))))
    found = {row["metric"] for row in rows}
    assert {"ap", "ap@size=0:2", "ap@size=2:inf", "ap@weather=rain", "ap@weather=mean"} <= found
    assert "ap@weather=sun" in json.loads(comparison.to_text("json"))["rows"][0]


def test_a_figure_has_a_point_for_each_part():
    comparison = compare(FRAMES, metrics=measures_by("ap,f1@z=0.5", "size=0,2,inf"))
    panels, labels, axis = points_by(comparison)
    assert (list(panels), labels) == (["AP, %", "F1 at z=0.5, %"], ["0 to 2", "2 or more"])
    figure = by_figure(panels, labels, axis)
    heights = figure.axes[0].lines[0].get_ydata()
    expected = [100 * comparison["keen"][f"ap@size={part}"] for part in ("0:2", "2:inf")]
    assert heights == pytest.approx(expected)


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ("size", "found 'size'"),
        ("size=3", "at least two edges"),
        ("size=0,b", "found 'b'"),
        ("size=3,1", "0 <= A < B"),
        ("folder", "folder"),
        ("folder=0", "N >= 1"),
        ("none.csv:weather", "none.csv"),
    ],
)
def test_parts_that_cannot_be_are_refused(by, found):
    with pytest.raises(InputError) as error:
        selections_of(by, KEYS)
    assert found in str(error.value)


def test_a_table_must_know_every_frame_and_the_column(weather):
    with pytest.raises(InputError, match="among weather, found 'rain'"):
        selections_of(f"{weather}:rain", KEYS)
    with pytest.raises(InputError, match="frame 7"):
        selections_of(f"{weather}:weather", (*KEYS, "frame 7"))
