"""Rates of single images at all thresholds, each image weighing the same (AUPIMO).

`ImageRates` keeps the scores of each image; `ImageCoverage` the sums over images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.labels import ANOMALOUS
from mdmkit.core.types import Array
from mdmkit.statistics.regions import covered_steps
from mdmkit.statistics.score_keys import Keys, key_source, keys_of
from mdmkit.statistics.stepped_counts import CountedStatistic, KeyRuns, SteppedCounts
from mdmkit.statistics.steps import Steps

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame


@dataclass(frozen=True, eq=False)
class ImageRates(KeyRuns):
    """Scores of the valid pixels of normal images, and of the anomalous pixels of the others.

    Attributes
    ----------
    normal, anomalous : tuple of ndarray
        One array of `keys_of` per image, in no order.
    source : str
        The dtype from whose scores keys are made.
    """

    normal: tuple[Keys, ...]
    anomalous: tuple[Keys, ...]
    source: str

    @classmethod
    def of(cls, frame: Frame) -> ImageRates:
        """Keep the scores of one frame that matter: 1 to 8 bytes per pixel."""
        source = key_source(frame.scores.dtype)
        keys = keys_of(_scores_of_interest(frame))
        if frame.anomalous_pixels:
            return cls((), (keys,), source)
        return cls((keys,) if keys.size else (), (), source)

    def recalls(self, most: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Recall of each anomalous image while the mean FPR of normal images is at most `most`.

        Returns
        -------
        rates : ndarray of float64, shape (n,)
            0 = F_0 < F_1 < ...: the mean over normal images of each one's false positive rate.
        recalls : ndarray of float64, shape (n, I)
            Row k: recall of each anomalous image at the lowest threshold whose rate is at most F_k.
        """
        thresholds, rates = self._false_alarms(most)
        counts = [
            image.size - np.searchsorted(np.sort(image), thresholds, side="right")
            for image in self.anomalous
        ]
        sizes = np.array([image.size for image in self.anomalous])
        return rates, np.array(counts).reshape(len(counts), rates.size).T / sizes

    def _false_alarms(self, most: float) -> tuple[Keys, NDArray[np.float64]]:
        """Scores of normal pixels, descending, and the rate of the pixels above each."""
        groups: dict[int, list[Keys]] = {}
        for image in self.normal:
            groups.setdefault(image.size, []).append(image)
        images = len(self.normal)
        tops, lowest = [], 0
        for size, several in groups.items():
            keys = np.concatenate(several)
            cut = keys.size - int(most * images * size) - 2  # so many are beyond the limit
            if cut > 0:
                keys = np.partition(keys, cut)[cut:]
            tops.append(np.sort(keys))
            lowest = max(lowest, int(tops[-1][0]) if cut > 0 else 0)
        thresholds = np.unique(np.concatenate([top[top >= lowest] for top in tops]))[::-1]
        above = [top.size - np.searchsorted(top, thresholds, side="right") for top in tops]
        rates = sum(count / size for count, size in zip(above, groups, strict=True)) / images
        return thresholds, np.asarray(rates)


def _scores_of_interest(frame: Frame) -> Array:
    """Scores of the anomalous pixels; of a frame without any, of all valid ones."""
    return frame.scores[frame.classes == ANOMALOUS if frame.anomalous_pixels else frame.valid]


@dataclass(frozen=True)
class ImageCoverage(CountedStatistic):
    """Sums over images of their false positive rate, and of their recall, at all thresholds.

    The rate is that of images without an anomalous pixel, the recall that of the others, both in
    units of 2^-40; the two sizes are the numbers of these images. O(P) for a frame of P pixels.
    """

    ends = 2
    sizes = 2

    def of(self, frame: Frame) -> SteppedCounts:
        """Count one frame."""
        some = frame.anomalous_pixels > 0
        scores = _scores_of_interest(frame)
        one = np.zeros(scores.size, np.int32)
        whole = covered_steps(scores, one, np.array([float(scores.size)]))
        columns = np.zeros((whole.scores.size, 2), np.int64)
        columns[:, int(some)] = whole.changes[:, 0]
        sizes = np.array([scores.size > 0 and not some, some], np.int64)
        return SteppedCounts(Steps(whole.scores, columns), sizes, frame.anomalous_pixels)
