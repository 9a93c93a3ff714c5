"""The frames of a report: counted, their objects measured, and drawn small in one reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.records import Json
from mdmkit.report.pictures import drawn_shape, every_so_often, jpeg, png
from mdmkit.report.slider import Counts, Thresholds
from mdmkit.statistics.frame_regions import FrameRegions

if TYPE_CHECKING:
    from mdmkit.comparison.study import Study
    from mdmkit.core.frame import Frame

Levels = NDArray[np.uint8]

#: An object counts as found where at least this share of its pixels is predicted.
FOUND = 0.5


@dataclass(frozen=True, eq=False)
class Objects:
    """The ground-truth components of a frame that are not too small.

    Attributes
    ----------
    sizes, rows : list of int
        Pixels of each, and the row of its lowest pixel.
    found : list of list of int
        By method: at how many of the offered thresholds each is found, from the lowest on.
    """

    sizes: list[int]
    rows: list[int]
    found: list[list[int]]

    @classmethod
    def of(cls, frame: Frame, levels: list[Levels], min_target: int) -> Objects:
        """Measure a frame and each method's map of levels."""
        regions = FrameRegions.of(frame)
        kept = regions.sizes >= max(min_target, 1)
        found = [
            _half_covered(regions, each.ravel()[regions.pixels])[kept].tolist() for each in levels
        ]
        return cls(regions.sizes[kept].tolist(), regions.rows[kept].tolist(), found)


def _half_covered(regions: FrameRegions, levels: Levels) -> NDArray[np.int64]:
    """The level that a share `FOUND` of each component's pixels reaches, shape (K,)."""
    ordered = np.sort(256 * regions.component.astype(np.int64) + (255 - levels))
    starts = np.cumsum(regions.sizes) - regions.sizes
    needed = np.ceil(FOUND * regions.sizes).astype(np.int64)
    return np.asarray(255 - ordered[starts + needed - 1] % 256)


@dataclass(frozen=True, eq=False)
class Shown:
    """A frame on the page: how hard it is, its counts, objects and pictures.

    Attributes
    ----------
    key : str
    difficulty : float or None
        Mean of the methods' pixel F1 in this frame, each at its best-F1 threshold of the data
        set; None where it has no anomaly.
    shape : (int, int)
        Height and width.
    counts : dict of Counts
        By method, of all pixels.
    objects : Objects
    truth : ndarray of uint8
        Classes, as drawn.
    levels : list of ndarray of uint8
        By method: how many of the offered thresholds each score exceeds, as drawn.
    """

    key: str
    difficulty: float | None
    shape: tuple[int, int]
    counts: dict[str, Counts]
    objects: Objects
    truth: Levels
    levels: list[Levels]

    @property
    def anomalous(self) -> int:
        """Anomalous pixels."""
        return next(iter(self.counts.values())).anomalous

    def payload(self, image: NDArray[np.uint8] | None) -> Json:
        """All that the page knows of the frame, ready for JSON."""
        drawn = self.truth.shape
        methods = [
            {
                "map": png(levels),
                "tp": counts.tp.tolist(),
                "fp": counts.fp.tolist(),
                "anomalous": counts.anomalous,
                "normal": counts.normal,
            }
            for levels, counts in zip(self.levels, self.counts.values(), strict=True)
        ]
        return {
            "name": self.key,
            "shape": self.shape,
            "drawn": drawn,
            "truth": png(self.truth),
            "image": None if image is None else jpeg(image, (drawn[0], drawn[1])),
            "methods": methods,
        }


def hardest_first(shown: Shown) -> tuple[bool, float, str]:
    """Order of frames; those without anomalies last."""
    return shown.difficulty is None, shown.difficulty or 0.0, shown.key


def count_frames(
    study: Study,
    thresholds: Thresholds,
    best: dict[str, float],
    map_width: int,
    done: Callable[[], None],
) -> Iterator[Shown]:
    """Read each frame of a study once."""
    n = thresholds.values.size
    min_target = next(iter(study.evaluations.values())).sizes.min_target
    for key in study.keys:
        frames = study.raw_frames(key)
        first = next(iter(frames.values()))
        levels = {
            name: thresholds.levels(
                frame, study.normalizer(name), study.totals[name].pixels.extremes
            )
            for name, frame in frames.items()
        }
        counts = {name: Counts.of(levels[name], frames[name].classes, n) for name in frames}
        drawn = drawn_shape(first.shape, map_width)
        yield Shown(
            key,
            _difficulty(counts, thresholds, best),
            first.shape,
            counts,
            Objects.of(first, list(levels.values()), min_target),
            every_so_often(first.classes, drawn),
            [every_so_often(each, drawn) for each in levels.values()],
        )
        done()


def _difficulty(
    counts: dict[str, Counts], thresholds: Thresholds, best: dict[str, float]
) -> float | None:
    if not next(iter(counts.values())).anomalous:
        return None
    scores = [c.f1(thresholds.at_or_below(best[name])) or 0.0 for name, c in counts.items()]
    return fsum(scores) / len(scores)
