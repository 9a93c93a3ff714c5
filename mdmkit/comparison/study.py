"""Study: methods on a data set whose single frames can be looked at again, for pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mdmkit.comparison.result import Comparison
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, listing
from mdmkit.core.frame import Frame
from mdmkit.core.labels import LabelCodes
from mdmkit.core.progress import Bar
from mdmkit.core.records import Json
from mdmkit.datasets import DataSet, Pairing
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.frame_set import FrameSet, evaluate_methods
from mdmkit.evaluation.gathering import check_aggregate
from mdmkit.evaluation.methods import load_frame
from mdmkit.io.images import read_image
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import BestF1Measure, Measure
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.pixel_metrics import F1
from mdmkit.statistics.normalizers import Normalizer, Unchanged
from mdmkit.statistics.ranking import best_f1


@dataclass(frozen=True)
class Study:
    """Methods on a data set: what was counted, and the way to each frame.

    Attributes
    ----------
    methods : dict of str
        Folder of each method.
    target : str
    measures : tuple of Measure
        What was asked for.
    evaluations : dict of Evaluation
        All frames pooled: curves and thresholds come from these.
    pairing : Pairing
    codes : LabelCodes
    key : str or None
        Array of `.npz` archives, or data set of HDF5 files.
    images : dict of Path
        The frames' images, by frame; empty where there are none.
    dataset : str
        Name of the data set's layout; empty where it has none.
    per_image : dict of Evaluation
        The same methods image by image, whose means are then the numbers of the comparison; empty
        where frames are pooled.
    remarks : tuple of str
        Masks that look like mistakes.
    """

    methods: Mapping[str, str]
    target: str
    measures: tuple[Measure, ...]
    evaluations: Mapping[str, Evaluation]
    pairing: Pairing
    codes: LabelCodes
    key: str | None
    images: Mapping[str, Path]
    dataset: str = ""
    per_image: Mapping[str, Evaluation] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def keys(self) -> list[str]:
        """Frames that every method has."""
        return list(self.pairing.targets)

    @cached_property
    def sweeps(self) -> dict[str, NormalizedTotals]:
        """The counts of each method, normalised; curves are cached."""
        return {name: evaluation.sweeps() for name, evaluation in self.evaluations.items()}

    @cached_property
    def normalizers(self) -> dict[str, Normalizer]:
        """Each method's normaliser, with the constants of all its frames."""
        return {name: sweeps.normalizer for name, sweeps in self.sweeps.items()}

    def frame(self, method: str, key: str) -> Frame:
        """Load one frame with scores in [0, 1], normalised as all frames of the method are.

        Raises
        ------
        RangeError
            If the method's scores leave [0, 1] and no normaliser is named.
        """
        self.curve(method, F1())  # of all frames: one of them alone might lie in [0, 1]
        path, mask = self.pairing.scores[method][key], self.pairing.targets[key]
        frame = load_frame(
            path,
            mask,
            self.codes,
            key,
            self.key,
            self.pairing.resize,
            method in self.pairing.inverted,
        )
        normalizer = self.normalizers[method]
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
            return self.sweeps[method].curve(metric)
        except InputError as error:
            raise error.inside(method) from error

    def best_threshold(self, method: str) -> float:
        """The threshold in [0, 1] of the largest pixel F1; of several the highest.

        0 where everything must be predicted, which no threshold in [0, 1] does better.
        """
        sweeps = self.sweeps[method]
        self.curve(method, F1())  # refuses scores outside [0, 1]
        found = best_f1(sweeps.pixels)
        if found.threshold is None:
            return 0.0
        return float(np.clip(sweeps.normalizer(np.array([found.threshold]))[0], 0.0, 1.0))

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
        results = []
        for name, evaluation in (self.per_image or self.evaluations).items():
            try:
                results.append(evaluation.result())
            except InputError as error:
                raise error.inside(name) from error
        first = next(iter(self.evaluations.values()))
        settings = {
            "methods": dict(self.methods),
            "target": self.target,
            "dataset": self.dataset or None,
            "metrics": [measure.key for measure in self.measures],
            "normalize": {name: e.kind.name for name, e in self.evaluations.items()},
            "aggregate": "per_image" if self.per_image else "pooled",
            "min_prediction": first.sizes.min_prediction,
            "min_target": first.sizes.min_target,
            "invert": sorted(self.pairing.inverted),
            "left_out": len(self.pairing.left_out),
        }
        return Comparison(tuple(results), self.measures, settings).remarked(self.remarks)

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
    dataset: DataSet,
    metrics: str | Iterable[str | Measure] | None = None,
    *,
    codes: LabelCodes,
    sizes: ComponentSizes,
    normalize: Mapping[str, str],
    missing: str,
    key: str | None,
    memory: int,
    jobs: int,
    progress: Bar | None,
    aggregate: str = "pooled",
) -> Study:
    """Count everything that the measures need, best F1 always; options as in `compare`.

    With `aggregate="per_image"` the files are read twice: image by image for the measures, and
    pooled for the best F1 alone, as a threshold of all frames.
    """
    check_aggregate(aggregate)
    frames = FrameSet.of(
        methods,
        dataset=dataset,
        missing=missing,
        key=key,
        min_prediction=sizes.min_prediction,
        min_target=sizes.min_target,
        aggregate=aggregate,
        **codes.arguments,
    )
    measures = frames.measures(metrics)
    options: Json = {"normalize": normalize, "jobs": jobs, "memory": memory, "progress": progress}
    per_image: dict[str, Evaluation] = {}
    counted = list(measures)
    if aggregate == "per_image":
        per_image = evaluate_methods(frames, metrics=measures, **options)
        counted = []
    if not any(isinstance(measure, BestF1Measure) for measure in counted):
        counted.append(BestF1Measure())
    evaluations = evaluate_methods(frames, metrics=counted, **{**options, "aggregate": "pooled"})
    pairing = frames.pairing
    assert pairing is not None
    return Study(
        methods,
        str(dataset),
        measures,
        evaluations,
        pairing,
        codes,
        key,
        {name: path for name, path in dataset.images.items() if name in pairing.targets},
        dataset.name,
        per_image,
        frames.remarks,
    )
