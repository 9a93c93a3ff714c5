"""Figures: what is drawn equals what is computed."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mdmkit import Frame, InputError, threshold_curve
from mdmkit.plots import OVERLAY, draw_curve, margin_figure, overlay, save_figure, thresholds_figure


@pytest.fixture
def curves():
    rng = np.random.default_rng(0)
    target = np.zeros((40, 60), np.uint8)
    target[10:25, 20:40] = 1
    return {
        name: threshold_curve(
            np.clip(gain * (target + rng.normal(0, 0.1, target.shape)), 0, 1), target
        )
        for name, gain in (("wide", 0.9), ("narrow", 0.2), ("flat", 0.0))
    }


def test_bars_are_the_computed_margins(curves):
    figure = margin_figure(curves, 0.7)
    _, lanes = figure.axes
    drawn = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in lanes.patches]
    intervals = [c.margin(0.7).interval for c in curves.values()]
    assert drawn == [pytest.approx(interval) for interval in intervals if interval]
    dots = [line.get_xdata()[0] for line in lanes.lines if line.get_marker() == "o"]
    assert dots == [c.margin(0.7).threshold for c in curves.values() if c.margin(0.7).interval]
    texts = [text.get_text() for text in lanes.texts]
    assert f"MDM {100 * curves['wide'].margin(0.7).value:.1f}" in texts
    assert "MDM 0: never above T = 0.7" in texts


def test_lines_are_the_curve_at_every_step(curves):
    ax = draw_curve(curves["narrow"])
    values, edges, _ = ax.patches[0].get_data()
    np.testing.assert_array_equal(curves["narrow"](edges[:-1]), values)


def test_a_curve_of_many_steps_is_thinned_but_keeps_the_ends_of_the_margin():
    rng = np.random.default_rng(0)
    target = rng.random((100, 100)) < 0.5
    curve = threshold_curve(np.clip(0.5 * target + 0.5 * rng.random(target.shape), 0, 1), target)
    ax = curve.plot(t_margin=0.7)
    values, edges, _ = ax.patches[0].get_data()
    assert edges.size < 4100
    assert set(curve.margin(0.7).interval) <= set(edges)
    np.testing.assert_array_equal(curve(edges[:-1]), values)


def test_overlay_colours_count_the_confusion():
    rng = np.random.default_rng(0)
    scores = rng.random((20, 30)).astype(np.float32)
    target = rng.choice([0, 1, 255], (20, 30))
    scores[target == 255] = np.nan
    image = overlay(Frame(scores, target), 0.3)
    predicted = np.nan_to_num(scores, nan=0) > 0.3
    counts = {
        "tp": (predicted & (target == 1)).sum(),
        "fp": (predicted & (target == 0)).sum(),
        "fn": (~predicted & (target == 1)).sum(),
        "tn": (~predicted & (target == 0)).sum(),
        "ignored": (target == 255).sum(),
    }
    for name, count in counts.items():
        colour = np.round(255 * np.array(to_rgb(OVERLAY[name]))).astype(np.uint8)
        assert (image == colour).all(axis=-1).sum() == count


@pytest.mark.parametrize("suffix", [".pdf", ".svg", ".png"])
def test_files_are_the_same_each_time(curves, suffix, tmp_path):
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


def test_thresholds_figure_has_a_row_a_method(curves):
    frame = Frame([[0.1, 0.9]], [[0, 1]])
    figure = thresholds_figure({"first": frame, "second": frame}, (0.3, 0.5))
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        "score map, 0 to 1", "score > 0.3", "score > 0.5",
    ]  # fmt: skip
    assert [figure.axes[i].get_ylabel() for i in (0, 3)] == ["first", "second"]


def test_image_and_ground_truth_lead_the_page(curves):
    rng = np.random.default_rng(0)
    target = rng.choice([0, 1, 255], (6, 8)).astype(np.uint8)
    image = rng.integers(0, 256, (6, 8, 3), np.uint8)
    frame = Frame(rng.random((6, 8)), target)
    for methods in ({"only": frame}, {"first": frame, "second": frame, "third": frame}):
        figure = thresholds_figure(methods, (0.3, 0.5), image=image)
        titles = [ax.get_title() for ax in figure.axes[:4]]
        assert titles == ["image", "score map, 0 to 1", "score > 0.3", "score > 0.5"]
        assert (np.asarray(figure.axes[0].images[0].get_array()) == image).all()
        painted = np.asarray(figure.axes[4].images[0].get_array())
        for value, colour in ((1, "tp"), (0, "tn"), (255, "ignored")):
            assert (
                painted[target == value] == np.round(255 * np.array(to_rgb(OVERLAY[colour])))
            ).all()
        shown = [ax for ax in figure.axes if ax.images]
        assert len(shown) == 2 + 3 * len(methods)
    with pytest.raises(InputError, match="image: expected the size"):
        thresholds_figure({"only": frame}, image=image[:3])
