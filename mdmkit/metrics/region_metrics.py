"""Metrics of regions: PRO, the area under it, and AUPIMO."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import check_share
from mdmkit.core.errors import InputError
from mdmkit.metrics.base import Ratio, check_targets, ratio
from mdmkit.metrics.counted_metric import Counted, CountedMetric, Integers
from mdmkit.statistics.image_rates import ImageRates
from mdmkit.statistics.pixel_scores import PixelScores
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.regions import WHOLE, RegionCoverage
from mdmkit.statistics.score_bins import AnyPixels, BracketedPixels
from mdmkit.statistics.score_keys import scores_of
from mdmkit.statistics.stepped_counts import SteppedCounts


@dataclass(frozen=True)
class PRO(CountedMetric):
    """Per-region overlap = mean over ground-truth components of their covered fraction, in [0, 1].

    Parameters
    ----------
    min_target : int
        Components with fewer pixels are no regions.

    Notes
    -----
    A recall in which components weigh the same, not pixels: predicting everything has a PRO of 1.

    References
    ----------
    Bergmann et al.: MVTec AD: A Comprehensive Real-World Dataset for Unsupervised Anomaly
    Detection. CVPR 2019.

    Examples
    --------
    >>> from mdmkit import threshold_curve
    >>> curve = threshold_curve([[0.9, 0.6, 0.3, 0.1]], [[1, 0, 1, 1]], PRO())
    >>> curve(0.7), curve(0.2), curve(0)
    (0.5, 0.75, 1.0)
    """

    min_target: int = 0
    name = "pro"
    saturated = False

    @property
    def statistic(self) -> RegionCoverage:
        return RegionCoverage(self.min_target, self.saturated)

    def check(self, counts: Counted) -> None:
        """Refuse frames without a region."""
        super().check(counts)
        check_targets(int(counts.sizes[0]), self.min_target)

    def values(self, totals: Integers, sizes: Integers) -> Ratio:
        """PRO for rows of covered units; `sizes` has the number of regions."""
        return ratio(totals[..., 0], int(sizes[0]) * WHOLE)


@dataclass(frozen=True)
class SPRO(PRO):
    """Saturated per-region overlap: a region counts as found once its saturation area is covered.

    Equal to `PRO` where frames name no regions with saturation areas.

    References
    ----------
    Bergmann et al.: Beyond Dents and Scratches: Logical Constraints in Unsupervised Anomaly
    Detection and Localization. IJCV 2022.
    """

    name = "spro"
    saturated = True


def area_under_pro(
    pixels: AnyPixels,
    coverage: SteppedCounts,
    limit: float,
    lows: NDArray[np.float64] | None = None,
) -> tuple[float, tuple[float, float]]:
    """Area under PRO over the false positive rate up to a limit, divided by the limit.

    Parameters
    ----------
    pixels : PixelScores, PixelCounts or BracketedPixels
        Normal pixels by score.
    coverage : SteppedCounts
        Covered units of regions.
    limit : float
        In (0, 1].
    lows : ndarray of float64, shape (n,), optional
        Least scores that the scores of `coverage` may stand for, the greatest being these.

    Returns
    -------
    value : float
        NaN without regions or without normal pixels; the middle of the bracket.
    bracket : tuple of float
        The least and the largest area, equal where all scores are known.

    Notes
    -----
    Trapezoids between distinct scores, with the points (0, 0) and (1, 1), linear interpolation at
    the limit. O(n) for n distinct scores of anomalous pixels, and one look at those of the normal
    ones: along runs of them PRO is level.
    """
    check_share(limit, "fpr")
    regions = int(coverage.sizes[0])
    if regions == 0 or pixels.normal == 0:
        return float("nan"), (float("nan"), float("nan"))
    scores = coverage.steps.scores[::-1]
    pro = coverage.steps.totals[::-1, 0] / (regions * WHOLE)
    if lows is None and not isinstance(pixels, BracketedPixels):
        points = np.stack(_false_positives(pixels, scores), axis=1) / pixels.normal
        area = _area(points, pro, limit)
        return area, (area, area)
    groups = pixels
    if not isinstance(groups, BracketedPixels):
        rows = pixels.rows()
        groups = BracketedPixels(rows.scores, rows.changes, rows.scores)
    bottoms = scores if lows is None else lows[::-1]
    false = groups.totals[:, 1]
    early = false[np.searchsorted(groups.least, scores, side="right")]  # regions come first
    late = false[np.searchsorted(groups.scores, bottoms, side="left")]
    last = false[np.searchsorted(groups.scores, scores, side="right")]
    sure = false[np.searchsorted(groups.least, scores, side="left")]
    known = (bottoms == scores) & (early == last) & (late == sure)  # above a score and at it
    low, high = (
        _area(np.stack(points, axis=1) / pixels.normal, pro, limit)
        for points in (
            (np.where(known, early, late), late),
            (early, np.where(known, late, early)),
        )
    )
    return (low + high) / 2, (low, high)


def _false_positives(
    pixels: PixelScores | PixelCounts, scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """FP of A > score and of A >= score, for scores of anomalous pixels, descending."""
    levels = list(pixels.levels())
    keys = np.concatenate([level.keys for level in levels])
    at = np.concatenate([level.false for level in levels])
    above = at - np.concatenate([level.normal for level in levels])
    known = keys if keys.dtype.kind == "f" else scores_of(keys)
    places = np.searchsorted(-known, -scores)
    return above[places], at[places]


def _area(points: NDArray[np.float64], pro: NDArray[np.float64], limit: float) -> float:
    """The curve goes level to the first column of a row, and straight to the second."""
    x = np.concatenate([[0.0], points.ravel(), [1.0]])
    y = np.concatenate([[0.0], np.stack([pro[:-1], pro[1:]], axis=1).ravel(), [1.0]])
    within = int(np.searchsorted(x, limit, side="right"))
    end = np.interp(limit, x[within - 1 : within + 1], y[within - 1 : within + 1])
    x, y = np.append(x[:within], limit), np.append(y[:within], end)
    return float(np.trapezoid(y, x) / limit)


def check_rates(least: float, most: float) -> None:
    """Refuse ends of a range of false positive rates that are none."""
    if not 0 < least < most <= 1:
        raise InputError(
            f"expected a range L:U with 0 < L < U <= 1, found {least!r}:{most!r}", argument="fpr"
        )


def aupimo_of_images(rates: ImageRates, least: float, most: float) -> NDArray[np.float64]:
    """Mean recall of each anomalous image over a logarithmic range of false positive rates.

    Parameters
    ----------
    rates : ImageRates
    least, most : float
        0 < L < U <= 1, of the mean over normal images of each one's false positive rate.

    Returns
    -------
    ndarray of float64, shape (I,)
        Ascending; NaN without normal images.

    References
    ----------
    Bertoldo et al.: AUPIMO: Redefining Anomaly Localization Benchmarks with High Speed and Low
    Tolerance. BMVC 2024.
    """
    check_rates(least, most)
    if not rates.normal:
        return np.full(len(rates.anomalous), np.nan)
    reached, recalls = rates.recalls(most)
    ends = np.clip(np.append(reached, most), least, most)
    along = np.log(ends / least) / log(most / least)  # from 0 to exactly 1
    return np.sort(np.diff(along) @ recalls)


def aupimo_of_sums(
    totals: Integers, images: Integers, least: float, most: float, inside: NDArray[np.bool_]
) -> tuple[float, tuple[float, float]]:
    """AUPIMO from sums over images that are known at some thresholds.

    Parameters
    ----------
    totals : ndarray of int64, shape (n, 2)
        Of `ImageCoverage`, at descending thresholds, the first being the empty prediction.
    images : ndarray of int64, shape (2,)
        Normal and anomalous ones.
    least, most : float
        0 < L < U <= 1.
    inside : ndarray of bool, shape (n - 1,)
        Whether scores of normal images lie between a threshold and the next lower one.

    Returns
    -------
    value : float
        As if rates changed at these thresholds only; NaN without normal or anomalous images.
    bracket : tuple of float
    """
    if not images.all():
        return float("nan"), (float("nan"), float("nan"))
    rates, recalls = (totals / (images * WHOLE)).T
    ends = np.clip(np.append(rates, most), least, most)
    along = np.diff(np.log(ends / least)) / log(most / least)
    value = float(along @ recalls)
    further = np.append(np.where(inside, recalls[1:], recalls[:-1]), recalls[-1])
    return value, (value, max(value, float(along @ further)))
