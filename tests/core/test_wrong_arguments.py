"""Whatever a public function is given: an answer, or an InputError."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import mdmkit
import mdmkit.datasets
from mdmkit import InputError, InputTypeError
from mdmkit.metrics.measures import AtThreshold, MarginAt

RNG = np.random.default_rng(0)
TARGET = (RNG.random((8, 9)) < 0.3).astype(np.uint8)
SCORES = RNG.random(TARGET.shape)

WRONG = {
    "None": None,
    "a number": 3,
    "NaN": float("nan"),
    "text": "x",
    "bytes": b"ab",
    "a class": dict,
    "a dict": {},
    "a set": {1, 2},
    "an object": object(),
    "a function": lambda: 1,
    "a path": Path("nowhere"),
    "floats": SCORES,
    "4 dimensions": np.zeros((2, 3, 4, 5)),
    "complex": SCORES + 1j,
    "empty": np.zeros((0, 4)),
    "a list of None": [None],
    "strings": np.array([["a", "b"]]),
    "objects": np.array([[object()]]),
    "ragged": [[1, 2], [3]],
    "dates": np.array([["2020-01-01"]], "M8[D]"),
    "masked": np.ma.masked_array(SCORES, SCORES > 0.5),
}


def one_of(method="a"):
    return {method: SCORES}


CURVE = mdmkit.threshold_curve(SCORES, TARGET)


def plots():
    import mdmkit.plots

    return mdmkit.plots


CALLS = {
    "compare(by)": lambda v: mdmkit.compare(one_of(), TARGET, "ap", by=v),
    "compare(missing)": lambda v: mdmkit.compare(one_of(), TARGET, "ap", missing=v),
    "compare(score_ending)": lambda v: mdmkit.compare(one_of(), TARGET, "ap", score_ending=v),
    "compare(normal)": lambda v: mdmkit.compare(one_of(), TARGET, "ap", normal=v),
    "compare(auxiliary)": lambda v: mdmkit.compare(one_of(), TARGET, "ap", auxiliary=v),
    "Comparison.with_bootstrap": lambda v: mdmkit.compare(one_of(), TARGET, "ap").with_bootstrap(v),
    "Evaluation.merge": lambda v: mdmkit.Evaluation("ap").merge(v),
    "choose_thresholds(replicates)": lambda v: mdmkit.choose_thresholds(
        {"a": [(SCORES, TARGET)] * 3}, require="fpr <= 0.5", replicates=v
    ),
    "layout": lambda v: mdmkit.datasets.layout(v),
    "choose": lambda v: mdmkit.datasets.choose(v),
    "margin_figure(curves)": lambda v: plots().margin_figure(v, 0.5),
    "margin_figure(t_margin)": lambda v: plots().margin_figure({"a": CURVE}, v),
    "margins_by_t_figure": lambda v: plots().margins_by_t_figure(v),
    "ranking_figure": lambda v: plots().ranking_figure(v),
    "requirements_figure": lambda v: plots().requirements_figure(v),
    "save_figure(figure)": lambda v: plots().save_figure(v, "unwritten.png"),
    "overlay": lambda v: plots().overlay(v, 0.5),
    "mdm(scores)": lambda v: mdmkit.mdm(v, TARGET, 0.5),
    "mdm(target)": lambda v: mdmkit.mdm(SCORES, v, 0.5),
    "mdm(t_margin)": lambda v: mdmkit.mdm(SCORES, TARGET, v),
    "mdm(metric)": lambda v: mdmkit.mdm(SCORES, TARGET, 0.5, v),
    "mdm(normalize)": lambda v: mdmkit.mdm(SCORES, TARGET, 0.5, normalize=v),
    "mdm(aggregate)": lambda v: mdmkit.mdm(SCORES, TARGET, 0.5, aggregate=v),
    "mdm(memory)": lambda v: mdmkit.mdm(SCORES, TARGET, 0.5, memory=v),
    "mdm(anomaly_label)": lambda v: mdmkit.mdm(SCORES, TARGET, 0.5, anomaly_label=v),
    "mdm(ignore)": lambda v: mdmkit.mdm(SCORES, TARGET, 0.5, ignore=v),
    "evaluate(frames)": lambda v: mdmkit.evaluate(v, TARGET),
    "evaluate(frames alone)": lambda v: mdmkit.evaluate(v, "ap"),
    "evaluate(metrics)": lambda v: mdmkit.evaluate(SCORES, TARGET, v),
    "evaluate([metric])": lambda v: mdmkit.evaluate(SCORES, TARGET, [v]),
    "evaluate(protocol)": lambda v: mdmkit.evaluate(SCORES, TARGET, "ap", protocol=v),
    "compare(methods)": lambda v: mdmkit.compare(v, TARGET, metrics="ap"),
    "compare({method})": lambda v: mdmkit.compare({"a": v}, TARGET, metrics="ap"),
    "compare(target)": lambda v: mdmkit.compare(one_of(), v, metrics="ap"),
    "compare(metrics)": lambda v: mdmkit.compare(one_of(), TARGET, metrics=v),
    "compare(dataset)": lambda v: mdmkit.compare(one_of(), dataset=v, metrics="ap"),
    "compare(jobs)": lambda v: mdmkit.compare(one_of(), TARGET, metrics="ap", jobs=v),
    "bootstrap(replicates)": lambda v: mdmkit.bootstrap(one_of(), TARGET, "ap", replicates=v),
    "bootstrap(seed)": lambda v: mdmkit.bootstrap(one_of(), TARGET, "ap", replicates=2, seed=v),
    "bootstrap(confidence)": lambda v: mdmkit.bootstrap(
        one_of(), TARGET, "ap", replicates=2, confidence=v
    ),
    "recommend_threshold(frames)": lambda v: mdmkit.recommend_threshold(v, TARGET, t_margin=0.1),
    "recommend_threshold(t_margin)": lambda v: mdmkit.recommend_threshold(SCORES, TARGET, v),
    "recommend_threshold(require)": lambda v: mdmkit.recommend_threshold(SCORES, TARGET, require=v),
    "threshold_curve(scores)": lambda v: mdmkit.threshold_curve(v, TARGET),
    "threshold_curve(resolution)": lambda v: mdmkit.threshold_curve(SCORES, TARGET, resolution=v),
    "ThresholdCurve(z)": lambda v: mdmkit.threshold_curve(SCORES, TARGET)(v),
    "ThresholdCurve.margin": lambda v: mdmkit.threshold_curve(SCORES, TARGET).margin(v),
    "MarginAt(metric)": lambda v: MarginAt(v, 0.5),
    "AtThreshold(metric)": lambda v: AtThreshold("own", v, 0.5),
    "AtThreshold(z)": lambda v: AtThreshold("own", mdmkit.F1(), v),
    "FBeta(beta)": mdmkit.FBeta,
    "Frame(scores)": lambda v: mdmkit.Frame(v, TARGET),
    "Frame(target)": lambda v: mdmkit.Frame(SCORES, v),
    "count_metric(function)": lambda v: v is None or mdmkit.count_metric(v),
    "count_metric(name)": lambda v: mdmkit.count_metric(lambda tp, fp, fn, tn: tp, name=v),
    "read_threshold": mdmkit.read_threshold,
    "check_threshold(chosen)": lambda v: mdmkit.check_threshold(v, [SCORES]),
    "transfer_threshold": lambda v: mdmkit.transfer_threshold(v, [(SCORES, TARGET)]),
    "choose_thresholds": lambda v: mdmkit.choose_thresholds(v, TARGET, 0.1),
    "component_curves": lambda v: mdmkit.component_curves(v, TARGET),
    "open_dataset": mdmkit.open_dataset,
    "parse_requirements": mdmkit.parse_requirements,
    "published_table": mdmkit.published_table,
    "merge_states": lambda v: mdmkit.merge_states(v),
    "LabelCodes": mdmkit.LabelCodes,
    "ComponentSizes": mdmkit.ComponentSizes,
}


CHOSEN = mdmkit.recommend_threshold(SCORES, TARGET, require="recall >= 0.1")
PASSING_ON = {
    "bootstrap": lambda **v: mdmkit.bootstrap(one_of(), TARGET, **v),
    "compare": lambda **v: mdmkit.compare(one_of(), TARGET, **v),
    "choose_thresholds": lambda **v: mdmkit.choose_thresholds(one_of(), TARGET, 0.5, **v),
    "recommend_threshold": lambda **v: mdmkit.recommend_threshold(SCORES, TARGET, 0.5, **v),
    "transfer_threshold": lambda **v: mdmkit.transfer_threshold(CHOSEN, SCORES, TARGET, **v),
    "check_threshold": lambda **v: mdmkit.check_threshold(CHOSEN.chosen, SCORES, TARGET, **v),
    "count_shard": lambda **v: mdmkit.count_shard({}, "m", counts="c", shard="1/2", **v),
}


@pytest.mark.parametrize("name", PASSING_ON)
def test_unknown_parameters_are_told_with_the_function_and_the_one_that_is_meant(name):
    for wrong, meant in (("anomaly_labels", "anomaly_label"), ("n_jobs", "jobs")):
        with pytest.raises(InputTypeError) as error:
            PASSING_ON[name](**{wrong: 1})
        assert str(error.value) == f"{name}() has no parameter {wrong!r}; did you mean `{meant}`?"
    with pytest.raises(InputTypeError, match=r"no parameter 'zzz'; it has .*, ignore_index, "):
        PASSING_ON[name](zzz=1)


def test_the_number_of_replicates_has_one_name():
    for name in ("n", "n_boot", "n_resamples", "n_bootstraps", "replicate"):
        with pytest.raises(InputTypeError, match=rf"bootstrap\(\) has .* {name!r}.*`replicates`"):
            mdmkit.bootstrap(one_of(), TARGET, **{name: 50})


@pytest.mark.parametrize("call", CALLS)
def test_wrong_arguments_are_input_errors(call):
    bare = {}
    for what, value in WRONG.items():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                CALLS[call](value)
        except InputError as error:
            bare.update({what: "no message"} if not str(error) else {})
        except Exception as error:
            bare[what] = f"{type(error).__name__}: {error}"
    assert not bare
