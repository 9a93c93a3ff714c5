"""Bars of certified ranges in the report: of a small one by hand, and of a real certificate."""

from __future__ import annotations

import numpy as np
import pytest

from mdmkit import recommend_threshold
from mdmkit.report import charts


def test_certified_ranges_lie_within_the_bars():
    class Found:
        threshold = 0.4
        bars = (("recall >= 0.9", [(0.0, 0.5)], (0.1, 0.2)), ("all", [(0.25, 0.5)], None))

    first, last = charts.draw_bars({"mine": Found()})["mine"]
    x = [charts.LEFT + charts.PLOT_WIDTH * z for z in (0, 0.5, 0.1, 0.2, 0.4)]
    assert first.runs == ((x[0], x[1] - x[0]),)
    assert first.certified == pytest.approx((x[2], x[3] - x[2]))
    assert first.text == "0.000 to 0.500; certified 0.100 to 0.200"
    assert (first.dot, last.certified) == (None, None)
    assert last.dot == pytest.approx(x[4])


def test_a_real_certificate_is_drawn_within_its_range_and_says_how_sure_it_is():
    rng = np.random.default_rng(5)
    target = np.zeros((10, 20), int)
    target[:, :8] = 1
    frames = [(0.6 * target + 0.4 * rng.random(target.shape), target) for _ in range(40)]
    found = recommend_threshold(
        frames, require="recall>=0.8, fpr<=0.2", aggregate="per_image", certify=0.9
    )
    bars = charts.draw_bars({"mine": found})["mine"]
    for bar, (_, runs, certified) in zip(bars, found.bars, strict=True):
        start, width = bar.certified
        low, high = certified
        assert any(x <= start and start + width <= x + across for x, across in bar.runs)
        assert runs[0][0] <= low < high <= runs[-1][1]
        assert f"certified {low:.3f} to {high:.3f}" in bar.text
    assert charts.said_confidence([found]) == " with 90 %"
    assert "--confidence asks" in charts.said_confidence([])
