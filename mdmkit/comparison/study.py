"""Study: methods on a data set whose single frames can be looked at again, for pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mdmkit.comparison.planning import comparison_of, results_of
from mdmkit.comparison.result import Comparison
from mdmkit.core.errors import InputError, listing
from mdmkit.core.frame import Frame
from mdmkit.core.progress import Bar
from mdmkit.core.records import Json
from mdmkit.core.types import Array
from mdmkit.datasets import Pairing
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.frame_set import FrameOptions, FrameSet, evaluate_methods
from mdmkit.evaluation.gathering import check_aggregate
from mdmkit.evaluation.methods import load_frame
from mdmkit.io import read_mask
from mdmkit.io.images import read_image
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import BestF1Measure, Measure
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import F1
from mdmkit.statistics.normalizers import Normalizer, Unchanged
from mdmkit.statistics.ranking import best_f1

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class Study:
    """Methods on a data set: what was counted, and the way to each frame.

    Attributes
    ----------
    frames : FrameSet
    measures : tuple of Measure
        What was asked for.
    evaluations : dict of Evaluation
        All frames pooled: curves and thresholds come from these.
    pairing : Pairing
    per_image : dict of Evaluation
        The same methods image by image, whose means are then the numbers of the comparison; empty
        where frames are pooled.
    """

    frames: FrameSet
    measures: tuple[Measure, ...]
    evaluations: Mapping[str, Evaluation]
    pairing: Pairing
    per_image: Mapping[str, Evaluation] = field(default_factory=dict)

    @property
    def methods(self) -> dict[str, str]:
        """Folder of each method."""
        return self.frames.folders

    @property
    def keys(self) -> list[str]:
        """Frames that every method has."""
        return list(self.pairing.targets)

    @cached_property
    def images(self) -> dict[str, Path]:
        """The frames' images, by frame; empty where there are none."""
        known = self.frames.dataset.images if self.frames.dataset else {}
        return {key: path for key, path in known.items() if key in self.pairing.targets}

    @cached_property
    def totals(self) -> dict[str, NormalizedTotals]:
        """The counts of each method, normalised; curves are cached."""
        return {name: evaluation.sweeps() for name, evaluation in self.evaluations.items()}

    def raw_frames(self, key: str) -> dict[str, Frame]:
        """Load one frame of each method with the scores in its files; its mask is read once."""
        mask = read_mask(self.pairing.targets[key])
        return {method: self._raw_frame(method, key, mask) for method in self.methods}

    def _raw_frame(self, method: str, key: str, mask: Array | None = None) -> Frame:
        return load_frame(
            self.pairing.scores[method][key],
            self.pairing.targets[key],
            self.frames.choice.codes,
            key,
            self.frames.key,
            self.pairing.resize,
            method in self.pairing.inverted,
            mask=mask,
        )

    def normalizer(self, method: str) -> Normalizer:
        """The map to [0, 1] of all frames of a method.

        Raises
        ------
        RangeError
            If the method's scores leave [0, 1] and no normaliser is named.
        """
        self.curve(method, F1())  # of all frames: one of them alone might lie in [0, 1]
        return self.totals[method].normalizer

    def frame(self, method: str, key: str) -> Frame:
        """Load one frame with scores in [0, 1], normalised as all frames of the method are.

        Raises
        ------
        RangeError
            As `normalizer`.
        """
        normalizer, frame = self.normalizer(method), self._raw_frame(method, key)
        return frame if isinstance(normalizer, Unchanged) else frame.rescaled(normalizer)

    def image(self, key: str, shape: tuple[int, int]) -> NDArray[np.uint8] | None:
        """The image of a frame, RGB (H, W, 3); None where there is none.

        Raises
        ------
        InputError
            If it cannot be read, or is not of that shape.
        """
        path = self.images.get(key)
        if path is None:
            return None
        image = read_image(path)
        if image.shape[:2] != shape:
            raise InputError(
                f"{path}: expected an image of the frame's {shape[0]} x {shape[1]} pixels, "
                f"found {image.shape[0]} x {image.shape[1]}"
            )
        return image

    def curve(self, method: str, metric: Metric) -> ThresholdCurve:
        """d(z) of a method on the whole data set; errors name the method."""
        try:
            return self.totals[method].curve(metric)
        except InputError as error:
            raise error.inside(method) from error

    def best_threshold(self, method: str) -> float:
        """The threshold in [0, 1] of the largest pixel F1; of several the highest.

        0 where everything must be predicted, which no threshold in [0, 1] does better.
        """
        totals = self.totals[method]
        self.curve(method, F1())  # refuses scores outside [0, 1]
        found = best_f1(totals.pixels)
        if found.threshold is None:
            return 0.0
        return float(np.clip(totals.normalizer(np.array([found.threshold]))[0], 0.0, 1.0))

    def threshold(self, method: str, metric: Metric, t_margin: float | None) -> float:
        """The recommended threshold at T; the best-F1 one without T, or without a margin."""
        if t_margin is not None:
            recommended = self.curve(method, metric).margin(t_margin).threshold
            if recommended is not None:
                return recommended
        return self.best_threshold(method)

    @cached_property
    def comparison(self) -> Comparison:
        """The numbers of all methods."""
        sizes = self.frames.choice.sizes
        settings = {
            "methods": self.methods,
            "target": self.frames.where,
            "dataset": (self.frames.dataset and self.frames.dataset.name) or None,
            "metrics": [measure.key for measure in self.measures],
            "normalize": {name: e.kind.name for name, e in self.evaluations.items()},
            "aggregate": self.frames.choice.aggregate,
            "min_prediction": sizes.min_prediction,
            "min_target": sizes.min_target,
            "invert": sorted(self.pairing.inverted),
            "resize": self.pairing.resize,
            "left_out": len(self.pairing.left_out),
            "set_aside": len(self.frames.dataset.aside) if self.frames.dataset else 0,
        }
        results = results_of(self.per_image or self.evaluations)
        return comparison_of(results, self.measures, settings).remarked(self.frames.remarks)

    def chosen_keys(self, wanted: Iterable[str], most: int) -> list[str]:
        """The frames of these names; without names, those with most anomalous pixels.

        Raises
        ------
        InputError
            Listing names that are no frames.
        """
        names = list(wanted)
        unknown = [name for name in names if name not in self.pairing.targets]
        if unknown:
            raise InputError(
                f"expected frames among\n{listing(self.keys, most=5)}\n"
                f"found {', '.join(map(repr, unknown))}",
                argument="frame",
            )
        if names:
            return names
        method = next(iter(self.methods))
        sizes = {key: self.frame(method, key).anomalous_pixels for key in self.keys}
        return sorted(self.keys, key=lambda key: (-sizes[key], key))[:most]


def study_methods(
    methods: Mapping[str, str],
    metrics: str | Iterable[str | Measure] | None = None,
    *,
    normalize: Mapping[str, str],
    memory: int,
    jobs: int,
    progress: Bar | None,
    **options: Unpack[FrameOptions],
) -> Study:
    """Count everything that the measures need, best F1 always; options as in `compare`.

    With `aggregate="per_image"` the files are read twice: image by image for the measures, and
    pooled for the best F1 alone, as a threshold of all frames.
    """
    frames = FrameSet.of(methods, **options)
    measures = frames.measures(metrics)
    how: Json = {"normalize": normalize, "jobs": jobs, "memory": memory, "progress": progress}
    per_image: dict[str, Evaluation] = {}
    counted = list(measures)
    if check_aggregate(frames.choice.aggregate) == "per_image":
        per_image = evaluate_methods(frames, metrics=measures, **how)
        counted = []
    if not any(isinstance(measure, BestF1Measure) for measure in counted):
        counted.append(BestF1Measure())
    evaluations = evaluate_methods(frames, metrics=counted, **{**how, "aggregate": "pooled"})
    assert frames.pairing is not None  # methods are folders
    return Study(frames, measures, evaluations, frames.pairing, per_image)
