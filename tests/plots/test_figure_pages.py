"""Figures as files and on pages: their width, their bytes, no text on another."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from mdmkit import Frame, InputError, threshold_curve
from mdmkit.plots import (
    WIDTHS,
    as_width,
    by_figure,
    grid_figure,
    margin_figure,
    margin_multiples,
    margins_by_t_figure,
    ranking_figure,
    save_figure,
    thresholds_figure,
)


@pytest.mark.parametrize(
    "width",
    [
        "cvpr",
        *(
            pytest.param(w, marks=pytest.mark.slow)
            for w in ("cvpr-wide", "neurips", "ieee", "ieee-wide", "llncs")
        ),
    ],
)
def test_saved_figures_are_as_wide_as_the_box(curves, sweeps, width, tmp_path):
    frame = Frame([[0.1, 0.9], [0.2, 0.6]], [[0, 1], [255, 0]])
    figures = {
        "margin": margin_figure(curves, 0.5, width=width),
        "by-t": margins_by_t_figure(curves, width=width),
        "ranking": ranking_figure(sweeps, width=width),
        "thresholds": thresholds_figure({"only": frame}, width=width),
        "grid": grid_figure({"a": {"m": frame}}, {"m": 0.5}, width=width),
        "by": by_figure({"AP, %": {"mine": [(0.2, (0.1, 0.4))]}}, ["all"], "size", width=width),
    }
    for name, figure in figures.items():
        save_figure(figure, tmp_path / f"{name}.pdf")
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", (tmp_path / f"{name}.pdf").read_bytes())
        assert float(box[1]) == pytest.approx(72 * WIDTHS[width], abs=0.02)
        assert float(box[1]) <= 72 * WIDTHS[width] + 1e-3
    save_figure(figures["margin"], tmp_path / "margin.png")
    with Image.open(tmp_path / "margin.png") as picture:
        assert picture.width <= 200 * WIDTHS[width]


@pytest.mark.parametrize("width", ["iclr", 0.5, 101, None, "nan"])
def test_widths_that_no_page_has_are_refused(width):
    with pytest.raises(InputError, match="width: expected cvpr, cvpr-wide, neurips"):
        as_width(width)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png"])
def test_files_are_the_same_each_time(curves, suffix, tmp_path):
    curves = {"wide": curves["wide"]}
    written = []
    for name in ("first", "second"):
        save_figure(margin_figure(curves, 0.5), tmp_path / f"{name}{suffix}")
        written.append((tmp_path / f"{name}{suffix}").read_bytes())
    assert written[0] == written[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"first{suffix}", f"second{suffix}"]


def test_pdf_embeds_its_fonts(curves, tmp_path):
    save_figure(margin_figure(curves, 0.5), tmp_path / "margin.pdf")
    content = (tmp_path / "margin.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_unknown_suffix_is_refused(curves, tmp_path):
    with pytest.raises(
        InputError, match=r"expected a name ending in .pdf, .svg, .png, found 'm.bmp'"
    ):
        save_figure(margin_figure(curves, 0.5), tmp_path / "m.bmp")
    assert not list(tmp_path.iterdir())


LONG = ("a-method-of-a-long-name", "another-method-of-a-long-name")


def text_boxes(figure):
    """Where each text of a figure lies, in pixels, once drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = {}
    for ax in figure.axes:
        labels = (*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label)
        for text in (*labels, *ax.get_xticklabels(), *ax.get_yticklabels()):
            if text.get_text().strip() and text.get_visible() and ax.axison:
                found[text] = text.get_window_extent(renderer).padded(-1)
    return found


@pytest.mark.parametrize("width", [3.25, pytest.param(6.875, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["thresholds", "grid", "margin", "two-t", "panels"])
def test_no_text_lies_on_another_or_off_the_page(kind, width, curves):
    target = np.zeros((72, 128), np.uint8)
    target[20:40, 30:60] = 1
    frame = Frame(np.linspace(0, 1, target.size).reshape(target.shape), target)
    image = np.zeros((*target.shape, 3), np.uint8)
    named = dict(zip((*LONG, "c", "d"), 4 * [frame], strict=True))
    lines = dict(zip((*LONG, "c"), curves.values(), strict=True))
    figure = {
        "thresholds": lambda: thresholds_figure(named, image=image, width=width),
        "grid": lambda: grid_figure(
            dict.fromkeys(("a_frame_of_a_rather_long_name", "b"), named),
            dict(zip(named, (0.0263, 0.794, 0.5, 0.163), strict=True)),
            images={"b": image}, width=width,
        ),
        "margin": lambda: margin_figure(lines, 0.7, width=width),
        "two-t": lambda: margin_figure(lines, (0.3, 0.7), width=width),
        "panels": lambda: margin_multiples(
            {"AnomalyTrack-validation": lines, "RoadAnomaly": lines, "FS": lines}, 0.1, width=width
        ),
    }[kind]()  # fmt: skip
    boxes = list(text_boxes(figure).items())
    page = figure.bbox.padded(1)
    assert len(boxes) >= 8
    for n, (text, box) in enumerate(boxes):
        assert page.x0 <= box.x0, text
        assert box.x1 <= page.x1, text
        assert page.y0 <= box.y0, text
        assert box.y1 <= page.y1, text
        for other, its in boxes[:n]:
            assert not box.overlaps(its), (text, other)


@pytest.mark.parametrize("panels", [pytest.param(1, marks=pytest.mark.slow), 3])
@pytest.mark.parametrize("width", [3.4, pytest.param(5.2, marks=pytest.mark.slow), 7.0])
def test_lengths_of_margins_stand_within_their_lanes(width, panels):
    target = np.array([[0, 0, 1, 1]])
    lines = {
        f"{low} to {high}": threshold_curve(np.array([[low, low, high, high]]), target)
        for low, high in ((0.25, 0.95), (0.1, 0.5), (0.6, 0.7), (0.0, 0.8))
    }
    figure = margin_multiples(dict.fromkeys("abc"[:panels], lines), 0.7, width=width)
    boxes = text_boxes(figure)
    lanes = [(text, box) for text, box in boxes.items() if text.get_text().startswith("MDM")]
    assert len(lanes) == 4 * panels
    for text, box in lanes:
        assert text.axes.bbox.x0 <= box.x0, text
        assert box.x1 <= text.axes.bbox.x1, text


def test_names_of_methods_fold_where_columns_are_narrow():
    frame = Frame(np.zeros((10, 20)), np.eye(10, 20, dtype=np.uint8))
    names = ("espnetv2-msp", "espnetv2-entropy", "enet-entropy", "espnetv2-maxlogit")
    methods = dict.fromkeys(names, frame)
    for width, folded in ((3.4, True), (7.0, False)):
        figure = grid_figure({"a": methods}, dict.fromkeys(names, 0.5), width=width)
        *shown, _ = zip(*(ax.get_title().rsplit("\n", 1) for ax in figure.axes[1:]), strict=True)
        assert [name.replace("\n", "") for name in shown[0]] == list(names)
        assert any("\n" in name for name in shown[0]) == folded


@pytest.mark.parametrize(
    "suffix", [".png", *(pytest.param(s, marks=pytest.mark.slow) for s in (".svg", ".pdf"))]
)
def test_pictures_are_the_same_bytes_each_time(suffix, tmp_path, sweeps):
    frame = Frame([[0.1, 0.9], [0.2, 0.6]], [[0, 1], [255, 0]])
    for name in ("first", "second"):
        save_figure(grid_figure({"a": {"m": frame}}, {"m": 0.5}), tmp_path / f"g-{name}{suffix}")
        save_figure(ranking_figure(sweeps), tmp_path / f"r-{name}{suffix}")
    for kind in "gr":
        first, second = (tmp_path / f"{kind}-{n}{suffix}" for n in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
