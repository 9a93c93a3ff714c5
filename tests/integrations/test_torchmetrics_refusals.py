"""Metrics of torchmetrics refuse what they cannot count, and lose nothing of what they have."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mdmkit import InputError, InputTypeError, NoTargetError, RangeError
from tests.integrations.test_torchmetrics import (
    AnomalySegmentationMetrics,
    MaximalDetectionMargin,
    states,
    torch,
)

GOOD = torch.tensor([[0.25, 0.75]]), torch.tensor([[0, 1]])
BAD = {
    "NaN": (torch.tensor([[torch.nan, 0.5]]), GOOD[1], InputError, "finite scores at valid pixels"),
    "inf": (torch.tensor([[torch.inf, 0.5]]), GOOD[1], InputError, "finite scores at valid pixels"),
    "above 1": (
        torch.tensor([[1.0000001, 0.5]]),
        GOOD[1],
        RangeError,
        r"\[0, 1\].*found 0.5 to 1.0",
    ),
    "below 0": (
        torch.tensor([[-1e-30, 0.5]]),
        GOOD[1],
        RangeError,
        r"\[0, 1\] .*found -1e-30|found -1",
    ),
    "half above 1": (torch.tensor([[2.0, 0.5]]).half(), GOOD[1], RangeError, "found 0.5 to 2.0"),
    "half NaN": (torch.tensor([[torch.nan, 0.5]]).half(), GOOD[1], InputError, "finite"),
    "label": (GOOD[0], torch.tensor([[0, 3]]), InputError, r"label values .* found 3 at 1 pixels"),
    "wide label": (GOOD[0], torch.tensor([[1, 257]]), InputError, "found 257 at 1 pixels"),
    "negative label": (GOOD[0], torch.tensor([[1, -1]]), InputError, "found -1 at 1 pixels"),
}
UNFIT = {
    "shape": (
        GOOD[0],
        torch.tensor([[0, 1, 1]]),
        InputError,
        r"target: expected shape \(1, 1, 2\)",
    ),
    "channels": (torch.zeros(2, 3, 4, 4), GOOD[1], InputError, r"\(N, 1, H, W\), not empty, found"),
    "empty": (torch.zeros(0, 4, 4), torch.zeros(0, 4, 4).int(), InputError, "not empty"),
    "signed": (torch.tensor([[0, 1]]), GOOD[1], InputTypeError, "found torch.int64"),
    "float labels": (GOOD[0], torch.tensor([[0.0, 1.0]]), InputTypeError, "integer or bool labels"),
    "array": (np.zeros((1, 2)), GOOD[1], InputTypeError, "expected a tensor, found ndarray"),
    "sparse": (GOOD[0].to_sparse(), GOOD[1], InputTypeError, "dense tensor"),
    "float8": (GOOD[0].to(torch.float8_e4m3fn), GOOD[1], InputTypeError, "float8"),
}


@pytest.mark.parametrize("case", [*BAD, *UNFIT])
@pytest.mark.parametrize("how", ["update", "forward"])
def test_a_bad_batch_is_refused_and_nothing_is_lost(case, how):
    scores, target, error, message = {**BAD, **UNFIT}[case]
    metric = AnomalySegmentationMetrics("ap,mdm_f1@0.5")
    metric.update(*GOOD)
    before, count = states(metric), metric.update_count
    with pytest.raises(error, match=message):
        getattr(metric, how)(scores, target)
    for name, part in before.items():
        assert torch.equal(part, getattr(metric, name)), name
    assert metric.update_count == count
    metric(*GOOD)
    assert float(metric.compute()["mdm_f1@0.5"]) == 0.75


@pytest.mark.parametrize("case", BAD)
def test_without_validation_compute_refuses(case):
    scores, target, _, _ = BAD[case]
    metric = AnomalySegmentationMetrics("ap", validate=False)
    metric.update(*GOOD)
    metric.update(scores, target)
    found = (
        "1 pixels with other labels and 0"
        if "label" in case
        else "0 pixels with other labels and 1"
    )
    with pytest.raises(InputError, match=found):
        metric.compute()
    metric.reset()
    metric.update(*GOOD)
    metric.compute()


def test_nothing_to_detect_is_an_error_or_nan():
    normal = torch.tensor([[0.25, 0.75]]), torch.tensor([[0, 0]])
    metric = AnomalySegmentationMetrics("ap,mdm_f1@0.5")
    metric.update(*normal)
    with pytest.raises(NoTargetError, match="at least one anomalous pixel"):
        metric.compute()
    for names in ("ap,mdm_f1@0.5", "siou_gt,mdm_siou@0.5"):
        metric = AnomalySegmentationMetrics(names, no_target="nan")
        metric.update(*normal)
        assert all(math.isnan(value) for value in metric.compute().values())
        assert all(math.isnan(low) for low, _ in metric.brackets().values())
    metric = AnomalySegmentationMetrics("ap,auroc,best_f1")
    metric.update(*normal)
    assert all(math.isnan(value) for value in metric.compute().values())


@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric:UserWarning")
def test_before_any_frame_there_is_nothing_to_detect():
    with pytest.raises(NoTargetError, match="at least one valid pixel"):
        MaximalDetectionMargin(0.5).compute()
    assert torch.isnan(MaximalDetectionMargin(0.5, no_target="nan").compute())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metrics": "ap@band=5"}, "metrics: expected metrics of pixels, components or regions"),
        ({"metrics": "nonsense"}, "metrics: expected one of"),
        ({"no_target": "zero"}, "no_target: expected one of error, nan, found 'zero'"),
        ({"anomaly_label": 0}, "already means `normal_label`"),
    ],
)
def test_bad_settings_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        AnomalySegmentationMetrics(**arguments)


def test_margins_need_a_threshold_of_quality():
    with pytest.raises(InputError, match="t_margin"):
        MaximalDetectionMargin(1.0)
    with pytest.raises(InputTypeError, match="metrics of pixels, components or regions"):
        MaximalDetectionMargin(0.5, lambda prediction, target: 0.5)
