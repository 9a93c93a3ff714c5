"""Other libraries' borders and areas, where they are installed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from mdmkit.core.frame import Frame
from mdmkit.metrics.boundary_metrics import NSD
from mdmkit.metrics.region_metrics import area_under_pro
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.regions import RegionCoverage
from mdmkit.statistics.stepped_counts import SteppedCounts


def smooth(seed, shape=(40, 60)):
    rng = np.random.default_rng(seed)
    scores, target = (gaussian_filter(rng.random(shape), 3) for _ in range(2))
    scores = (scores + target) / 2
    scores = (scores - scores.min()) / np.ptp(scores)
    return scores, target > np.quantile(target, 0.8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore:monai:FutureWarning")
@pytest.mark.parametrize("px", [0, 1, 2.5])
def test_nsd_is_that_of_monai(seed, px):
    pytest.importorskip("monai", reason="monai is not installed")
    import torch
    from monai.metrics import compute_surface_dice

    scores, target = smooth(seed)
    metric = NSD(px)
    counts = metric.statistic.of(Frame(scores, target.astype(np.uint8)))
    for z in (0.2, 0.4, 0.6):
        pair = (torch.tensor(mask)[None, None] for mask in (scores > z, target))
        theirs = compute_surface_dice(*pair, class_thresholds=[px], include_background=True)
        assert metric.above(counts, z) == pytest.approx(float(theirs), abs=1e-6)


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_is_that_of_pyaupro(limit):
    pytest.importorskip("pyaupro", reason="pyaupro is not installed")
    import torch
    from pyaupro import PerRegionOverlap, auc_compute

    maps = [smooth(seed) for seed in range(4)]
    theirs = PerRegionOverlap(thresholds=None)
    for scores, target in maps:
        theirs.update(torch.tensor(scores)[None], torch.tensor(target)[None])
    area = float(auc_compute(*theirs.compute(), limit=limit, reorder=True))
    frames = [Frame(scores, target.astype(np.uint8)) for scores, target in maps]
    coverage = SteppedCounts.merged([RegionCoverage().of(frame) for frame in frames])
    pixels = PixelCounts.merged([PixelCounts.of(frame) for frame in frames])
    assert area_under_pro(pixels, coverage, limit)[0] == pytest.approx(area, abs=1e-5)
