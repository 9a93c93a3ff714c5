"""What metrics of torchmetrics know: PRO by states that add up, and a warning of wide brackets."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given

from mdmkit import InputError, InputTypeError, evaluate
from tests.conftest import examples, small_frames

torch = pytest.importorskip("torch", reason="torch is not installed")
with warnings.catch_warnings():  # of libraries that torchmetrics looks for
    warnings.simplefilter("ignore")
    pytest.importorskip("torchmetrics", reason="torchmetrics is not installed")

from mdmkit.integrations.torchmetrics import (  # noqa: E402
    AnomalySegmentationMetrics,
    MaximalDetectionMargin,
)
from tests.integrations.test_torchmetrics import as_tensor, counted, drawn, same  # noqa: E402


def in_bins(scores, dtype):
    """Scores of a dtype of which no two share a cell of the grid."""
    if dtype == "uint8":
        return np.round(scores * 255).astype(dtype)
    if dtype == "float16":
        return (scores**8).astype(dtype)
    return (np.round(scores * 65536) / 65536).astype(dtype)


REGIONS = "aupro@fpr=0.3,aupro@fpr=0.05,aupro@fpr=1,pro@z=0.5,mdm_pro@0.3,ap"


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 2, 3))])
def test_pro_is_that_of_evaluate_where_no_two_scores_share_a_cell(seed, dtype):
    frames = [(in_bins(scores, dtype), target) for scores, target in drawn(seed)]
    exact = evaluate(frames, REGIONS)
    metric = counted(frames, REGIONS)
    for key, value in metric.compute().items():
        assert float(value) == pytest.approx(exact[key], rel=1e-12)
    for low, high in metric.brackets().values():
        assert high - low == 0


@examples(60)
@given(small_frames())
def test_brackets_hold_pro(frames):
    if not any((target == 1).any() for _, target in frames):
        return
    exact = evaluate(frames, REGIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        metric = counted(frames, REGIONS)
        values, brackets = metric.compute(), metric.brackets()
    for key, (low, high) in brackets.items():
        if exact[key] is None:
            assert np.isnan(float(values[key]))
            continue
        assert low - 1e-12 <= exact[key] <= high + 1e-12
        assert low - 1e-12 <= float(values[key]) <= high + 1e-12


def test_regions_add_up_over_metrics():
    frames = drawn(5, n=4)
    whole, first, second = (counted(f, "aupro@fpr=0.3") for f in (frames, frames[:1], frames[1:]))
    first.merge_state(second)
    assert torch.equal(first.covered, whole.covered)
    assert torch.equal(first.compute()["aupro@fpr=0.3"], whole.compute()["aupro@fpr=0.3"])
    assert int(whole.regions) == evaluate(frames, "ap").components


def test_min_target_and_two_kinds_of_regions():
    frames = drawn(6)
    asked = {"metrics": "aupro@fpr=0.3", "min_target": 3}
    assert same(
        pytest.approx(float(counted(frames, **asked).compute()["aupro@fpr=0.3"])),
        evaluate(frames, asked["metrics"], min_target=3)["aupro@fpr=0.3"],
    )
    with pytest.raises(InputError, match="expected the same component sizes"):
        AnomalySegmentationMetrics("pro@z=0.5,spro@z=0.5")
    with pytest.raises(InputTypeError, match="which add up; found one that needs"):
        AnomalySegmentationMetrics("aupimo@fpr=1e-5:1e-4")


def test_scores_in_one_cell_are_warned_of_once():
    rng = np.random.default_rng(0)
    target = (rng.random((2, 40, 40)) < 0.2).astype(np.uint8)
    scores = (0.4 + 1e-6 * (rng.random(target.shape) + target)).astype(np.float32)
    metric = AnomalySegmentationMetrics("auroc,fpr95")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric(as_tensor(scores), as_tensor(target))  # a batch: nothing is said
    with pytest.warns(UserWarning, match=r"auroc .* in \[.*mdmkit.evaluate, which is exact"):
        metric.compute()
    metric.update(as_tensor(scores), as_tensor(target))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.compute()
    margin = MaximalDetectionMargin(0.5)
    margin.update(as_tensor(scores), as_tensor(target))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        margin.compute()  # a margin of at most one cell: it is known well


def test_known_numbers_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        counted([(in_bins(s, "uint8"), t) for s, t in drawn(7)]).compute()


@pytest.mark.parametrize(
    ("near", "scale"), [(0, 1e-12), (0, 1e-6), (0, 1 / 16), (1, 1e-4), (1, 1 / 16)]
)
def test_scores_crowded_at_an_end_are_told_apart(near, scale):
    rng = np.random.default_rng(0)
    target = (rng.random((2, 60, 60)) < 0.2).astype(np.uint8)
    scores = scale * (rng.random(target.shape) + target) / 2
    scores = 1 - scale + scores if near else scores
    metric = AnomalySegmentationMetrics("ap,auroc,fpr95")
    metric.update(as_tensor(scores), as_tensor(target))
    exact = evaluate(list(zip(scores, target, strict=True)), "ap,auroc,fpr95")
    for key, (low, high) in metric.brackets().items():
        assert low - 1e-12 <= exact[key] <= high + 1e-12
        assert high - low < 1e-3
