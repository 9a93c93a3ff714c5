"""An object of a wrong kind, given as any parameter, is told by the parameter's name."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mdmkit import (
    ComponentSizes,
    Frame,
    InputError,
    InputTypeError,
    MarginAt,
    bootstrap,
    choose_thresholds,
    compare,
    component_curves,
    count_shard,
    evaluate,
    parse_requirements,
    plots,
    recommend_threshold,
    threshold_curve,
)
from mdmkit.statistics.detections import Detections
from mdmkit.statistics.pixels import PixelCounts

SCORES, TARGET = np.array([[0.1, 0.4, 0.9]]), np.array([[0, 0, 1]])
FRAMES = [(SCORES, TARGET)] * 2
FRAME = Frame(SCORES, TARGET)
CURVE = threshold_curve(SCORES, TARGET)
COMPARISON = compare({"mine": FRAMES}, metrics="ap")
COUNTS, SEEN = PixelCounts.of(FRAME), Detections.of(FRAME, ComponentSizes())
ARRAY = np.zeros(3)


def axes():
    return Figure().add_subplot()


CALLS = [
    ("progress", lambda bad: compare({"mine": FRAMES}, metrics="ap", progress=bad)),
    ("progress", lambda bad: bootstrap({"mine": FRAMES}, replicates=3, progress=bad)),
    ("method", lambda bad: recommend_threshold(FRAMES, t_margin=0.5, method=bad)),
    ("aggregate", lambda bad: choose_thresholds({"a": FRAMES}, t_margin=0.5, aggregate=bad)),
    ("by", lambda bad: choose_thresholds({"a": FRAMES}, t_margin=0.5, by=bad)),
    ("key", lambda bad: compare({"mine": FRAMES}, metrics="ap", key=bad)),
    ("thresholds", lambda bad: component_curves(SCORES, TARGET, thresholds=[bad])),
    ("shard", lambda bad: count_shard({"a": "a"}, "b", counts="c", shard=bad)),
    ("sizes", lambda bad: parse_requirements("recall>0.5", sizes=bad)),
    ("name", lambda bad: Frame(SCORES, TARGET, name=bad)),
    ("key", lambda bad: MarginAt("f1", 0.5, key=bad)),
    ("library", lambda bad: COMPARISON.to_frame(bad)),
    ("long", lambda bad: COMPARISON.to_frame(long=bad)),
    ("form", lambda bad: COMPARISON.to_text(bad)),
    ("metrics", lambda bad: evaluate(FRAMES, metrics=[bad])),
    ("ax", lambda bad: CURVE.plot(ax=bad)),
    ("t_margin", lambda bad: CURVE.plot(t_margin=bad)),
    ("ax", lambda bad: plots.draw_roc({"a": COUNTS}, bad)),
    ("ax", lambda bad: plots.draw_margins_by_t({"a": CURVE}, bad)),
    ("ax", lambda bad: plots.draw_froc({"a": SEEN}, bad)),
    ("ax", lambda bad: plots.draw_by({"a": [(0.5, None)]}, ["x"], "y", bad)),
    ("most_alarms", lambda bad: plots.draw_froc({"a": SEEN}, axes(), bad)),
    ("t_values", lambda bad: plots.draw_margins_by_t({"a": CURVE}, t_values=[bad])),
    ("curve", plots.draw_curve),
    ("curves", lambda bad: plots.margin_figure({"a": bad}, 0.5)),
    ("curves", lambda bad: plots.margin_multiples({"a": {"b": bad}}, 0.5)),
    ("across", lambda bad: plots.margin_multiples({"a": {"b": CURVE}}, 0.5, across=bad)),
    ("curves", lambda bad: plots.margins_by_t_figure({"a": bad})),
    ("sweeps", lambda bad: plots.ranking_figure({"a": bad})),
    ("detections", lambda bad: plots.froc_figure({"a": {"b": bad}})),
    ("methods", lambda bad: plots.requirements_figure({"a": bad})),
    ("frames", lambda bad: plots.grid_figure({"a": {"b": bad}}, {"b": 0.5})),
    ("thresholds", lambda bad: plots.grid_figure({"a": {"b": FRAME}}, {"b": bad})),
    ("images", lambda bad: plots.grid_figure({"a": {"b": FRAME}}, {"b": 0.5}, images=bad)),
    ("thresholds", lambda bad: plots.thresholds_figure({"b": FRAME}, [bad])),
    ("labels", lambda bad: plots.draw_by({"a": [(0.5, None)]}, [bad], "y", axes())),
    ("figure", lambda bad: plots.save_figure(bad, "figure.png")),
]


@pytest.mark.parametrize("bad", [object(), ARRAY, {1: 2}, b"x", 1j], ids=type)
@pytest.mark.parametrize("argument", range(len(CALLS)), ids=lambda n: f"{n}-{CALLS[n][0]}")
def test_an_object_of_a_wrong_kind_names_its_parameter(argument, bad):
    name, call = CALLS[argument]
    with pytest.raises(InputError) as error:
        call(bad)
    assert error.value.argument == name


@pytest.mark.parametrize("bad", [True, int, lambda title, steps: None])
def test_progress_is_a_function_that_returns_one(bad):
    with pytest.raises(InputTypeError, match=r"progress: expected a function progress\(title, st"):
        compare({"mine": FRAMES}, metrics="ap", progress=bad)


def test_a_method_without_a_frame_is_told():
    with pytest.raises(InputError, match="thresholds: expected frames of other"):
        plots.grid_figure({"a": {"mine": FRAME}}, {"other": 0.5})
