"""Intervals of AUPIMO and of objects found at a number of alarms: against evaluating drawn sets."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import bootstrap, evaluate
from mdmkit.metrics.selections import measures_by
from mdmkit.uncertainty.resampling import draws_of
from tests.uncertainty.test_resampling import frames

METRICS = "aupimo@fpr=0.05:0.5,found@alarms=0.5,found@alarms=2@siou=0.25@ppv=0.5,found@z=0.4"


def drawn(seed, **options):
    """Frames, two of them normal, each of its own size."""
    several = [frames(10 * seed + i, 1, (6 + i % 3, 8), **options)[0] for i in range(6)]
    return [
        (scores, np.where(target == 1, 0, target) if i in (1, 4) else target)
        for i, (scores, target) in enumerate(several)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_replicates_equal_evaluating_the_resampled_frames(seed):
    several = drawn(seed)
    options = {"min_target": 2, "min_prediction": 1}
    found = bootstrap({"m": several}, metrics=METRICS, replicates=16, seed=seed, **options)
    undefined = 0
    for place, times in enumerate(draws_of(len(several), 16, seed)):
        resampled = [several[frame] for frame in np.repeat(np.arange(len(several)), times)]
        expected = evaluate(resampled, METRICS, **options)
        for key in found.keys:
            value = expected[key]
            value = np.nan if value is None else value  # sums of shares in units of 2^-40
            drawn_anew = found.replicates["m"][key][place]
            assert drawn_anew == pytest.approx(value, nan_ok=True, abs=1e-10), (key, place)
            undefined += np.isnan(value)
    assert undefined < 16
    whole = evaluate(several, METRICS, **options)
    for key in found.keys:
        assert found.brackets["m"][key] == pytest.approx((whole[key], whole[key]), abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_brackets_of_few_thresholds_hold_the_exact_number(seed):
    several = drawn(seed, levels=10**6)
    found = bootstrap({"m": several}, metrics=METRICS, replicates=2, bins=24)
    expected, widths = evaluate(several, METRICS), []
    for key in found.keys:
        low, high = found.brackets["m"][key]
        assert low - 1e-10 <= expected[key] <= high + 1e-10, key
        assert low <= found.values["m"][key] <= high
        widths.append(high - low)
    assert max(widths) > 0


def test_thresholds_lie_close_at_small_rates():
    rng = np.random.default_rng(0)
    normal = [(rng.random((300, 300)), np.zeros((300, 300), np.uint8)) for _ in range(3)]
    target = np.zeros((300, 300), np.uint8)
    target[:60, :60] = 1
    others = [(np.clip(rng.random((300, 300)) + 0.5 * target, 0, 2), target) for _ in range(3)]
    several = [(scores / 2, mask) for scores, mask in normal + others]
    key = "aupimo@fpr=0.0001:0.001"
    found = bootstrap({"m": several}, metrics=key, replicates=2)
    ((low, high),) = found.brackets["m"].values()
    (exact,) = evaluate(several, key).values()
    assert low <= exact <= high
    assert high - low < 0.01


def test_groups_of_frames_and_their_mean_have_intervals(tmp_path):
    several = drawn(1)
    keys = [f"frame {i}" for i in range(len(several))]
    table = tmp_path / "frames.csv"
    table.write_text(
        "frame,weather\n" + "".join(f"{k},{'ab'[i > 2]}\n" for i, k in enumerate(keys))
    )
    measures = measures_by(METRICS, f"{table}:weather", keys=keys)
    found = bootstrap({"m": several}, metrics=measures, replicates=4)
    expected = evaluate(several, measures)
    assert any("aupimo" in key and key.endswith("weather=mean") for key in found.keys)
    for key in found.keys:
        value = np.nan if expected[key] is None else expected[key]
        assert found.values["m"][key] == pytest.approx(value, nan_ok=True, abs=1e-10), key
