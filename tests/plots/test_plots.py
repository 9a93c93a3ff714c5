"""Figures: what is drawn equals what is computed."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mdmkit import Frame, InputError, threshold_curve
from mdmkit.plots import (
    OVERLAY,
    by_figure,
    draw_curve,
    draw_margins_by_t,
    draw_precision_recall,
    draw_roc,
    grid_figure,
    margin_figure,
    margin_multiples,
    margins_by_t_figure,
    margins_by_t_multiples,
    overlay,
    ranking_figure,
    ranking_multiples,
    thresholds_figure,
)
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.ranking import average_precision


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
    assert "MDM 0: never above T = 70 %" in texts


def test_lines_are_the_curve_at_every_step(curves):
    ax = draw_curve(curves["narrow"])
    values, edges, _ = ax.patches[0].get_data()
    np.testing.assert_array_equal(100 * curves["narrow"](edges[:-1]), values)


def test_a_curve_of_many_steps_is_thinned_but_keeps_the_ends_of_the_margin():
    rng = np.random.default_rng(0)
    target = rng.random((100, 100)) < 0.5
    curve = threshold_curve(np.clip(0.5 * target + 0.5 * rng.random(target.shape), 0, 1), target)
    ax = curve.plot(t_margin=0.7)
    values, edges, _ = ax.patches[0].get_data()
    assert edges.size < 4100
    assert set(curve.margin(0.7).interval) <= set(edges)
    np.testing.assert_array_equal(100 * curve(edges[:-1]), values)


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


def test_the_trivial_level_is_drawn_where_the_metric_says(curves):
    top, lanes = margin_figure(curves, (0.3, 0.7)).axes
    level = 100 * max(curve.margin(0.5).trivial for curve in curves.values())
    assert level == pytest.approx(100 * 2 * 300 / (300 + 2400))  # 300 of 2,400 pixels anomalous
    heights = {line.get_ydata()[0] for line in top.lines if line.get_xdata() == [0, 1]}
    assert level in heights
    assert f"trivial\n{level:.3g} %" in [text.get_text() for text in top.texts]
    assert not any(bar.get_hatch() for bar in lanes.patches)
    passed = margin_figure({"wide": curves["wide"]}, level / 100).axes[1]
    assert passed.patches[0].get_hatch()
    assert passed.texts[0].get_text().endswith("(trivial)")


def test_the_axis_of_quality_ends_above_what_is_drawn(curves):
    for shown, t, end in ((("flat",), 0.1, 25), (("wide", "flat"), 0.5, 100), (("flat",), 0.5, 55)):
        top = margin_figure({name: curves[name] for name in shown}, t).axes[0]
        assert top.get_ylim() == (0, end)


def test_thresholds_figure_has_a_row_a_method(curves):
    frame = Frame([[0.1, 0.9]], [[0, 1]])
    figure = thresholds_figure({"first": frame, "second": frame}, (0.3, 0.5))
    assert [ax.get_title() for ax in figure.axes[:3]] == [
        "score map, 0 to 1", "score > 0.3", "score > 0.5",
    ]  # fmt: skip
    assert [figure.axes[i].texts[0].get_text() for i in (0, 3)] == ["first", "second"]


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


def test_bars_of_several_t_are_the_computed_margins(curves):
    _, lanes = margin_figure(curves, (0.3, 0.7)).axes
    drawn = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in lanes.patches]
    intervals = [c.margin(t).interval for t in (0.3, 0.7) for c in curves.values()]
    assert drawn == [pytest.approx(interval) for interval in intervals if interval]
    assert [label.get_text() for label in lanes.get_yticklabels()] == [*curves, *curves]
    places = lanes.get_yticks()
    beside = {text.get_text(): text.xy[1] for text in lanes.texts if text.get_text()[0] == "T"}
    assert beside == {"T = 30 %": np.mean(places[:3]), "T = 70 %": np.mean(places[3:])}


@pytest.mark.parametrize("width", [3.4, 7.0])
def test_small_multiples_draw_each_panel_with_its_own_curves(curves, width):
    fewer = {name: curves[name] for name in ("wide", "narrow")}
    panels = {"all": curves, "some": fewer, "one": {"wide": curves["wide"]}}
    shown = [ax for ax in margin_multiples(panels, 0.7, width=width).axes if ax.axison]
    assert len(shown) == 6
    assert [ax.get_title() for ax in shown if ax.get_title()] == list(panels)
    for lanes in (ax for ax in shown if ax.get_xlabel()):
        drawn = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in lanes.patches]
        assert drawn[0] == pytest.approx(curves["wide"].margin(0.7).interval)


@pytest.mark.slow
def test_panels_stand_as_many_in_a_row_as_asked(curves):
    panels = {str(n): {"wide": curves["wide"]} for n in range(4)}
    for across, expected in ((None, [3, 3, 1, 1]), (2, [2, 2, 2, 2])):
        figure = margin_multiples(panels, 0.7, width=7, across=across)
        shown = [ax.get_subplotspec().rowspan.start for ax in figure.axes if ax.axison]
        assert [shown.count(row) for row in range(4)] == expected


@pytest.mark.parametrize(("width", "columns"), [(3.4, 1), (7.0, 3)])
def test_margins_by_t_of_several_data_sets_have_a_panel_each(curves, width, columns):
    panels = {str(n): {"wide": curves["wide"], "flat": curves["flat"]} for n in range(4)}
    panels["3"] = dict.fromkeys(("wide", "flat"), curves["narrow"])
    figure = margins_by_t_multiples(panels, width=width)
    shown = [ax for ax in figure.axes if ax.axison]
    assert [ax.get_title() for ax in shown] == list(panels)
    assert {ax.get_subplotspec().colspan.start for ax in shown} == set(range(columns))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["wide", "flat"]
    for ax, drawn in zip(shown, panels.values(), strict=True):
        expected = [100 * drawn["wide"].margin(t).value for t in np.arange(200) / 200]
        assert ax.lines[0].get_ydata().tolist() == expected


@pytest.mark.parametrize("width", [3.4, 7.0])
def test_ranking_curves_of_several_data_sets_have_two_panels_each(sweeps, width):
    panels = {"one": sweeps, "other": {"fine": sweeps["coarse"], "coarse": sweeps["fine"]}}
    axes = ranking_multiples(panels, width=width).axes
    assert [ax.get_title() for ax in axes] == ["one", "one", "other", "other"]
    assert [ax.get_xlabel() for ax in axes] == ["recall, %", "false positive rate, %"] * 2
    one, other = ([line.get_ydata().tolist() for line in ax.lines] for ax in (axes[0], axes[2]))
    assert one == other
    numbers = {name: f"{100 * average_precision(sweep):.1f}" for name, sweep in sweeps.items()}
    told = [text.get_text() for text in axes[2].get_legend().get_texts()]
    assert told == [f"fine: AP {numbers['coarse']}", f"coarse: AP {numbers['fine']}"]


def test_lines_over_t_are_the_computed_margins(curves):
    ax = draw_margins_by_t(curves, t_values=[0.0, 0.3, 0.7, 0.99])
    *lines, trivial = ax.lines
    for line, curve in zip(lines, curves.values(), strict=True):
        assert line.get_xdata().tolist() == [0.0, 30.0, 70.0, 99.0]
        values = [100 * curve.margin(t).value for t in (0.0, 0.3, 0.7, 0.99)]
        assert line.get_ydata().tolist() == values
    assert trivial.get_xdata()[0] == 100 * curves["wide"].margin(0.5).trivial
    figure = margins_by_t_figure(curves)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(curves)


def test_ranking_curves_are_those_of_scikit_learn(sweeps):
    metrics = pytest.importorskip("sklearn.metrics")
    ax = draw_precision_recall(sweeps)
    roc = draw_roc(sweeps)
    dots = [line for line in roc.lines if line.get_marker() == "o"]
    curves = [line for line in roc.lines[1:] if line.get_marker() != "o"]
    for name, sweep, line, curve, dot in zip(
        sweeps, sweeps.values(), ax.lines, curves, dots, strict=True
    ):
        counts = sweep.changes
        truth = np.tile([1, 0], len(sweep.scores))
        scores = np.repeat(sweep.scores, 2)
        given = {"sample_weight": counts.ravel()}
        precision, recall, _ = metrics.precision_recall_curve(truth, scores, **given)
        on_curve = set(zip(recall.round(9), precision.round(9), strict=True))
        shown = (np.round(part / 100, 9) for part in (line.get_xdata(), line.get_ydata()))
        drawn = zip(*shown, strict=True)
        assert set(drawn) <= on_curve
        ap = metrics.average_precision_score(truth, scores, **given)
        assert line.get_label() == f"{name}: AP {100 * ap:.1f}"
        fpr, tpr, _ = metrics.roc_curve(truth, scores, drop_intermediate=False, **given)
        first = np.argmax(tpr >= 0.95)
        assert dot.get_xdata()[0] == pytest.approx(100 * fpr[first])
        assert dot.get_ydata()[0] == pytest.approx(100 * tpr[first])
        assert f"FPR95 {100 * fpr[first]:.1f}" in curve.get_label()
        area = np.trapezoid(curve.get_ydata(), curve.get_xdata()) / 1e4
        assert area == pytest.approx(metrics.roc_auc_score(truth, scores, **given), abs=1e-4)


def test_a_ranking_curve_of_many_scores_is_thinned_but_keeps_fpr95():
    rng = np.random.default_rng(0)
    target = rng.random((200, 200)) < 0.3
    sweep = PixelCounts.of(Frame(rng.random(target.shape), target))
    roc = draw_roc({"noise": sweep})
    line, dot = roc.lines[1:]
    assert line.get_xdata().size < 4100
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) in set(
        zip(line.get_xdata(), line.get_ydata(), strict=True)
    )


def test_ranking_without_anomalies_is_refused():
    with pytest.raises(InputError, match="none: expected anomalous and normal pixels, found 0"):
        ranking_figure({"none": PixelCounts.of(Frame([[0.1, 0.2]], [[0, 0]]))})


def painted(ax):
    return np.asarray(ax.images[0].get_array())


def pick(frame, which):
    """Where the least or greatest valid score is."""
    places = np.argwhere(frame.valid)
    return tuple(places[which(frame.scores[frame.valid])])


def test_a_grid_shows_each_method_at_its_own_threshold():
    rng = np.random.default_rng(0)
    target = rng.choice([0, 1, 255], (6, 8)).astype(np.uint8)
    frames = {
        key: {name: Frame(rng.random((6, 8)), target) for name in ("first", "second")}
        for key in ("a", "b")
    }
    thresholds = {"first": 0.2, "second": 0.6}
    image = rng.integers(0, 256, (6, 8, 3), np.uint8)
    figure = grid_figure(frames, thresholds, images={"a": image})
    axes = np.array(figure.axes).reshape(2, 4)
    assert (painted(axes[0, 0]) == image).all()
    assert not axes[1, 0].images  # without an image, yet with its name
    assert [row[0].texts[0].get_text() for row in axes] == ["a", "b"]
    for row, methods in zip(axes, frames.values(), strict=True):
        for ax, (name, z) in zip(row[2:], thresholds.items(), strict=True):
            assert (painted(ax) == overlay(methods[name], z)).all()
            assert ax.collections  # hatches where ignored
    assert axes[0, 3].get_title() == "second\nscore > 0.6"
    both = np.array(grid_figure(frames, thresholds, images={"a": image}, score_maps=True).axes)
    both = both.reshape(4, 3)
    assert (painted(both[0, 0]) == image).all()
    for n, methods in enumerate(frames.values()):
        for ax, (name, z) in zip(both[2 * n + 1, 1:], thresholds.items(), strict=True):
            assert (painted(ax) == overlay(methods[name], z)).all()
        lowest, highest = (
            painted(both[2 * n, 1])[place].sum()
            for place in (pick(methods["first"], np.argmin), pick(methods["first"], np.argmax))
        )
        assert lowest < 100 < 500 < highest
    with pytest.raises(InputError, match="image: expected the size"):
        grid_figure(frames, thresholds, images={"a": image[:3]})


def test_hatches_lie_on_ignored_pixels_alone():
    target = np.zeros((10, 12), np.uint8)
    target[3, 4] = 1
    frame = Frame(np.zeros((10, 12)), target)
    assert not thresholds_figure({"only": frame}).axes[1].collections
    target[6:, :] = 255
    (hatched,) = thresholds_figure({"only": Frame(np.zeros((10, 12)), target)}).axes[1].collections
    rows = np.concatenate([path.vertices for path in hatched.get_paths()])[:, 1]
    assert rows.min() == pytest.approx(5.5)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: margin_multiples({}, 0.5),
        lambda: margin_figure({}, 0.5),
        lambda: margins_by_t_figure({}),
        lambda: ranking_figure({}),
        lambda: margins_by_t_multiples({}),
        lambda: ranking_multiples({}),
        lambda: grid_figure({}, {}),
        lambda: thresholds_figure({}),
    ],
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(InputError, match=r"expected .*found none"):
        draw()


def test_every_method_stands_in_the_legend_whatever_its_name():
    points = {name: [(0.2, None)] for name in ("mine", "_theirs", "a$b$")}
    (legend,) = by_figure({"AP, %": points}, ["all"], "size").legends
    assert [text.get_text() for text in legend.get_texts()] == ["mine", "_theirs", r"a\$b\$"]
