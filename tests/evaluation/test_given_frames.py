"""Arrays, stacks, lists, pairs and iterators are taken by every function alike."""

import numpy as np
import pytest

from mdmkit import (
    FBeta,
    InputError,
    InputTypeError,
    bootstrap,
    compare,
    evaluate,
    mdm,
    recommend_threshold,
    threshold_curve,
)
from mdmkit.metrics.measures import MarginAt, Ranking

RNG = np.random.default_rng(0)
TARGET = (RNG.random((2, 6, 7)) < 0.3).astype(np.uint8)
SCORES = 0.4 * TARGET + 0.6 * RNG.random(TARGET.shape)
PAIRS = list(zip(SCORES, TARGET, strict=True))

FORMS = {
    "stack": lambda: (SCORES, TARGET),
    "batch": lambda: (SCORES[:, None], TARGET[:, None]),
    "list": lambda: (list(SCORES), list(TARGET)),
    "tuple": lambda: (tuple(SCORES), list(TARGET)),
    "iterators": lambda: (iter(SCORES), iter(TARGET)),
    "numbers": lambda: (SCORES.tolist(), TARGET.tolist()),
    "pairs": lambda: (PAIRS, None),
    "iterator of pairs": lambda: (iter(PAIRS), None),
}


@pytest.fixture(params=FORMS)
def form(request):
    return FORMS[request.param]


def test_evaluate(form):
    assert evaluate(*form(), "ap")["ap"] == evaluate(PAIRS, "ap")["ap"]


def test_mdm_and_curves(form):
    wanted = evaluate(PAIRS, "mdm_f1@0.3")["mdm_f1@0.3"]
    assert mdm(*form(), 0.3).value == wanted
    assert threshold_curve(*form()).margin(0.3).value == wanted


def test_compare(form):
    frames, target = form()
    found = compare({"a": frames}, target, "ap")
    assert found["a"]["ap"] == evaluate(PAIRS, "ap")["ap"]


def test_several_methods_share_an_iterator_of_targets():
    found = compare({"a": SCORES, "b": 1 - SCORES}, iter(TARGET), "ap")
    assert found["a"]["ap"] == evaluate(PAIRS, "ap")["ap"]
    assert found["b"]["ap"] == evaluate(1 - SCORES, TARGET, "ap")["ap"]


def test_bootstrap(form):
    frames, target = form()
    found = bootstrap({"a": frames}, target, "ap", replicates=3)
    assert found.interval("a", "ap") == bootstrap({"a": PAIRS}, None, "ap", replicates=3).interval(
        "a", "ap"
    )


def test_recommend_threshold(form):
    wanted = mdm(SCORES, TARGET, 0.3).threshold
    assert recommend_threshold(*form(), 0.3).threshold == wanted


def test_metrics_may_stand_in_the_place_of_targets():
    wanted = evaluate(PAIRS, metrics="ap")["ap"]
    for second in ("ap", ["ap"], ("ap",), iter(["ap"]), {"ap": 1}, Ranking("ap"), [Ranking("ap")]):
        assert evaluate(PAIRS, second)["ap"] == wanted
    assert recommend_threshold(PAIRS, 0.3, "iou") == recommend_threshold(PAIRS, None, 0.3, "iou")
    assert mdm(PAIRS, 0.3) == mdm(SCORES, TARGET, 0.3)


def test_one_pair_is_one_frame():
    assert evaluate((SCORES[0], TARGET[0]), "ap") == evaluate([PAIRS[0]], "ap")
    assert evaluate(SCORES[0], TARGET[0], "ap") == evaluate([PAIRS[0]], "ap")


def test_scores_without_targets_are_told():
    with pytest.raises(InputError, match=r"target: expected one beside scores of shape \(2, 6"):
        evaluate(SCORES, "ap")


def test_folders_do_not_mix_with_arrays(tmp_path):
    with pytest.raises(InputError, match=r"expected a folder of masks for a=.*, found ndarray"):
        compare({"a": tmp_path}, TARGET)
    with pytest.raises(InputTypeError, match="a: expected a folder of score maps beside masks in"):
        compare({"a": SCORES}, tmp_path)


def test_metrics_of_all_kinds_in_any_mixture():
    found = evaluate(PAIRS, ["AP", MarginAt("f1", 0.3), MarginAt(FBeta(2), 0.3)])
    assert list(found)[:2] == ["ap", "mdm_f1@0.3"]
    with pytest.raises(InputTypeError, match=r"its margin, MarginAt\(FBeta\(beta=2\), 0.5\)"):
        evaluate(PAIRS, ["ap", FBeta(2)])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("f1", "as in mdm_f1@0.5, or which threshold, as in f1@z=0.5"),
        ("mdm_iou", "as in mdm_iou@0.5"),
        ("mdm@0.2", "as in mdm_f1@0.2"),
        ("auroch", "did you mean auroc?"),
        ("fpr_95", "did you mean fpr95?"),
    ],
)
def test_names_that_are_none_have_near_ones(name, hint):
    with pytest.raises(InputError) as error:
        evaluate(PAIRS, name)
    assert hint in str(error.value)


def test_results_are_gone_through_like_mappings():
    result = evaluate(PAIRS, "ap,auroc")
    assert list(result) == ["ap", "auroc"]
    assert dict(result) == {key: number.value for key, number in result.numbers.items()}
    assert list(result.values()) == [result["ap"], result["auroc"]]
    assert "ap" in result
    found = compare({"a": PAIRS}, metrics="ap")
    assert [name for name in found] == ["a"]  # noqa: C416  (iteration is what is tried)
    assert f"{mdm(SCORES, TARGET, 0.3):.3f}" == f"{mdm(SCORES, TARGET, 0.3).value:.3f}"


@pytest.mark.parametrize("memory", ["much", -1, float("nan"), None.__class__, b"2G", True])
def test_memory_that_is_none_is_refused(memory):
    with pytest.raises(InputError, match="memory: expected a size such as 500M or 2G, found"):
        evaluate(PAIRS, "ap", memory=memory)


@pytest.mark.parametrize(
    "option", [{"seed": "x"}, {"seed": -1}, {"seed": 1.5}, {"replicates": "x"}, {"bins": None}]
)
def test_numbers_of_the_bootstrap_are_judged(option):
    with pytest.raises(InputError, match=f"{next(iter(option))}: expected"):
        bootstrap({"a": PAIRS}, metrics="ap", **option)
