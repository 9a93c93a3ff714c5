"""Evaluation: all of a method's numbers in one pass over frames."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_bytes
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.distribution import Distribution
from mdmkit.core.errors import InputError, NoTargetError, RangeError, listing
from mdmkit.core.files import check_output
from mdmkit.core.frame import Frame
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.core.margin import Margin
from mdmkit.evaluation.contributions import Contribution, Counts, Image
from mdmkit.evaluation.executors import frames_of
from mdmkit.evaluation.result import Result
from mdmkit.evaluation.sources import Frames, Progress, no_progress
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import (
    AtThreshold,
    FprAtThreshold,
    MarginAt,
    Measure,
    Values,
    computed,
    statistics_of,
)
from mdmkit.metrics.names import apart, parse_measures
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.protocols import as_protocol
from mdmkit.statistics.accumulator import DEFAULT_MEMORY, Accumulator
from mdmkit.statistics.components import count_targets
from mdmkit.statistics.kinds import (
    ComponentStatistic,
    MaskStatistic,
    PixelStatistic,
    Statistic,
    of_pixels,
)
from mdmkit.statistics.normalizers import Normalizer, Rank, Unchanged, as_normalizer
from mdmkit.statistics.packing import Packed, fingerprint, read_state, write_state
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.totals import EarlyGrid, Totals, check_valid

AGGREGATES = ("pooled", "per_image")
FIRST = "first"  # name of the first pass
SECOND = "second"  # names of second passes begin so
UNLIMITED = 2**62  # one frame is always known exactly
#: In smaller frames components are counted at every score: edges of bins would be as many.
FEW_PIXELS = 8192


def check_aggregate(aggregate: Any) -> str:
    """One of `AGGREGATES`."""
    if aggregate not in AGGREGATES:
        raise InputError(f"aggregate: expected one of {', '.join(AGGREGATES)}, found {aggregate!r}")
    return str(aggregate)


class Evaluation:
    """Gathers the statistics of a method's frames, and computes its numbers from them.

    Parameters
    ----------
    metrics : str, or iterable of str or Measure, optional
        Measure names (see `mdmkit.metrics.names`); by default every metric, MDM at 0.5 and 0.7.
    min_prediction, min_target : int
        Component sizes in pixels, for component metrics.
    normalize : {"none", "minmax", "sigmoid", "rank"}, or Normalizer
        One that is given keeps its constants, whatever these frames hold.
    aggregate : {"pooled", "per_image"}
        One set of all pixels and components; or the mean over images.
    anomaly_label, normal_label, ignore_index : int, collection of int, or None
        Label values of the targets that `update` is given.
    method : str
        Name of the method.
    protocol : {"exact", "smiyc", "maskomaly-release"}
        Whose conventions the numbers follow; see `mdmkit.metrics.protocols`.
    memory : int
        Bytes that the sweeps may take; beyond it they fall on a grid of thresholds, and numbers
        carry brackets.

    Raises
    ------
    InputError
        Unknown names, or numbers out of range.

    Notes
    -----
    What it holds depends neither on the order of the frames nor on how they were cut into
    evaluations that were merged, to the last bit. Its size is bounded: by `memory` and that of the
    grid (some 100 MB with component metrics); of per-image evaluation, by a few numbers an image.
    `contribution` may run in several threads; `add` takes what it returns.

    Examples
    --------
    >>> from mdmkit import Evaluation
    >>> night, day = Evaluation("ap"), Evaluation("ap")
    >>> night.update([[0.1, 0.9]], [[0, 1]])
    >>> day.update([[0.2, 0.4]], [[1, 0]])
    >>> night.merge(day)
    >>> night.result()["ap"]
    0.8333333333333333
    """

    def __init__(
        self,
        metrics: str | Iterable[str | Measure] | None = None,
        *,
        min_prediction: int = 0,
        min_target: int = 0,
        normalize: str | Normalizer | None = "none",
        aggregate: str = "pooled",
        anomaly_label: Labels = 1,
        normal_label: Labels = 0,
        ignore_index: Labels = 255,
        method: str = "",
        protocol: str = "exact",
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        self.sizes = ComponentSizes(min_prediction, min_target)
        self.protocol = as_protocol(protocol)
        self.asked = parse_measures(metrics, self.sizes)
        self.measures = self.protocol.adapt(self.asked)
        self.statistics = statistics_of(self.measures)
        kept = normalize if isinstance(normalize, Normalizer) else None
        self.kind = type(kept) if kept else as_normalizer(normalize)
        self.aggregate = check_aggregate(aggregate)
        self.codes = LabelCodes(normal_label, anomaly_label, ignore_index)
        self.method = method
        self._fitted: Normalizer | None = kept or (
            None if self.kind.needs_fit else self.kind.fitted(PixelCounts.none())
        )
        self.memory = memory = as_bytes(memory)
        self.purpose = FIRST
        self._accumulator = self._new_accumulator(memory)
        self._two_looks = False
        self.counts = Counts()
        self._images: list[Image] = []

    def _new_accumulator(self, memory: int) -> Accumulator:
        raw = [m.z for m in self.measures if isinstance(m, (AtThreshold, FprAtThreshold))]
        every_row = any(measure.every_row for measure in self.measures)
        return Accumulator(memory, raw if self.kind is Unchanged else (), every_row)

    def empty(self) -> Evaluation:
        """One with the same settings, constants and grid, in the same pass, without frames."""
        other = copy(self)
        other._accumulator, other.counts, other._images = self._accumulator.empty(), Counts(), []
        return other

    @property
    def over_budget(self) -> bool:
        """Whether the sum of its frames left for the grid."""
        return self._accumulator.over_budget

    @property
    def name_of_pass(self) -> str:
        """What frames are looked at for, now; differs between second passes into other cells."""
        looked_at = self._accumulator.looked_at
        return self.purpose if looked_at is None else f"{SECOND}-{fingerprint(looked_at)}"

    @property
    def needs_fit(self) -> bool:
        """Whether the normaliser's constants are needed before frames can contribute."""
        on_masks = any(isinstance(statistic, MaskStatistic) for statistic in self.statistics)
        return self._fitted is None and (self.aggregate == "per_image" or on_masks)

    def fit(self, frames: Frames) -> None:
        """Take the normaliser's constants from a first pass over the frames."""
        memory = UNLIMITED if self.kind is Rank else self.memory  # no bracket holds for ranks
        pixels = Evaluation("ap", normalize=self.kind.name, memory=memory)
        pixels.purpose = "constants"
        pixels.one_pass(frames)
        self._fitted = pixels.sweeps().normalizer

    def _in_bins(self, frame: Frame) -> EarlyGrid | None:
        """What of a frame need only be counted in bins, decided for this frame alone.

        Components at every one of many scores cost more than those at the edges of bins and, in a
        second pass, at the few scores where that leaves something open.
        """
        if not self._two_looks or frame.scores.dtype.itemsize <= 2 or frame.pixels <= FEW_PIXELS:
            return None
        statistics = {s for s in self.statistics if isinstance(s, ComponentStatistic)}
        for measure in self.measures:
            if not measure.refinable:
                statistics -= set(measure.statistics)
        return self._accumulator.early(frozenset(statistics)) if statistics else None

    def contribution(self, frame: Frame) -> Contribution:
        """Sweep one frame; changes nothing here."""
        if self._accumulator.looking_again:
            return Contribution(Counts(), inside=self._accumulator.inside(frame))
        if self.needs_fit:
            raise InputError(
                f"normalize: expected the constants of {self.kind.name!r} before the first frame "
                "is judged; call fit with all frames"
            )
        if self.aggregate == "pooled":
            totals = self._sweeps_of(frame)
            return Contribution(self._counts_of(frame, totals), totals)
        image = self._image(frame)
        return Contribution(self._counts_of(frame, image.totals), image=self._numbers_of(image))

    def _counts_of(self, frame: Frame, totals: Totals) -> Counts:
        own = totals.by_statistic.get(ComponentStatistic(self.sizes))
        components = own.targets if own else count_targets(frame, self.sizes.min_target)
        anomalous = frame.anomalous_pixels
        return Counts(1, frame.pixels, anomalous, components, int(anomalous == 0))

    def _sweeps_of(self, frame: Frame) -> Totals:
        return Totals.of(frame, self.statistics, self._fitted, self._in_bins(frame))

    def _image(self, frame: Frame) -> NormalizedTotals:
        """The sweeps of a frame as of a data set of its own, exact and normalised."""
        image = copy(self)
        image.aggregate, image._two_looks = "pooled", True
        image._accumulator = self._new_accumulator(UNLIMITED)
        image._accumulator.add(image._sweeps_of(frame))
        image.counts = Counts(1)
        if image.look_closer():
            image._accumulator.add_inside(image._accumulator.inside(frame))
        return image._normalized()

    def _numbers_of(self, sweeps: NormalizedTotals) -> Image:
        image = Image({}, {}, {})
        for measure in self.measures:
            try:
                image.values[measure.key] = computed(measure, sweeps)[measure.key]
            except RangeError as error:
                image.refused[measure.key] = str(error)
            except NoTargetError as error:
                image.values[measure.key] = float("nan")
                image.no_target[measure.key] = str(error)
        return image

    def add(self, contribution: Contribution) -> None:
        """Count what one frame contributes."""
        if contribution.inside is not None:
            self._accumulator.add_inside(contribution.inside)
        if contribution.sweeps is not None:
            self._accumulator.add(contribution.sweeps)
        if contribution.image is not None:
            self._images.append(contribution.image)
        self.counts += contribution.counts

    def update(self, scores: Any, target: Any = None, ignore: Any = None) -> None:
        """Sweep and count one frame.

        Parameters
        ----------
        scores : array_like of shape (H, W), or Frame
        target : array_like of shape (H, W)
            Labels; not with a `Frame`, which has its own.
        ignore : array_like of bool, shape (H, W), optional
            Further pixels to ignore.

        Raises
        ------
        InputError
            As `Frame`. Nothing is counted then.
        """
        frame = scores
        if not isinstance(frame, Frame):
            frame = Frame.coded(scores, target, ignore, codes=self.codes)
        self.add(self.contribution(frame))

    def merge(self, other: Evaluation) -> None:
        """Count the frames of another evaluation, as if all had been counted here.

        Numbers that a second pass made exact are brackets again, unless both looked into the
        same cells: that pass belongs to the frames over which it was made.

        Parameters
        ----------
        other : Evaluation
            Left as it is.

        Raises
        ------
        InputError
            If its settings differ; `method` may.
        """
        mine, theirs = self.settings(), other.settings()
        differing = [name for name in mine if mine[name] != theirs[name]]
        if differing:
            raise InputError(
                "evaluations: expected the same settings, found\n"
                + listing(f"{name}: {mine[name]} and {theirs[name]}" for name in differing)
            )
        self._accumulator.merge(other._accumulator)
        self._images += other._images
        self.counts += other.counts

    def settings(self) -> dict[str, Any]:
        """All that the numbers depend on but the frames, ready for JSON.

        Of long constants a fingerprint.
        """
        own = ("method", "normal_label", "anomaly_label", "ignore_index")  # of `update` alone
        return {name: value for name, value in self.options().items() if name not in own} | {
            "constants": fingerprint(self._fitted) if self.kind.needs_fit else None,
            "two_looks": self._two_looks,
        }

    def run(self, frames: Frames, again: bool, progress: Progress = no_progress) -> None:
        """Evaluate all frames, in two passes where that is shorter or makes numbers exact.

        Parameters
        ----------
        frames : Frames
        again : bool
            Whether they can be read more than once.
        progress : callable, optional
            Called after each frame of the first pass.

        Raises
        ------
        InputError
            If they must be read twice and cannot be.
        """
        if self.needs_fit:
            if not again:
                raise InputError(
                    f"frames: normalize={self.kind.name!r} looks at all scores before the first "
                    "frame is judged here; expected a list, found an iterator"
                )
            self.fit(frames)
        self._two_looks = again
        self.one_pass(frames, progress)
        if again:
            self.look_again(frames)

    def prepare(self) -> None:
        """Count in bins what a second pass will look at closer."""
        self._two_looks = True

    def one_pass(self, frames: Frames, progress: Progress = no_progress) -> None:
        """Count all frames, or see all of them once more."""
        for part in frames.parts(self.empty, progress):
            self.merge(part)

    def look_again(self, frames: Frames) -> None:
        """Make numbers exact by a second pass over the same frames, where it takes one."""
        if self.look_closer():
            self.one_pass(frames)

    def forget_second_pass(self) -> None:
        """Stay with what the first pass found, and its brackets."""
        self._accumulator.forget()

    def look_closer(self) -> bool:
        """Begin a second pass, if one over the same frames can make numbers exact."""
        if self.aggregate != "pooled" or not self.counts.frames:
            return False
        total = self._accumulator.total()
        pixels = total.pixels.anomalous + total.pixels.normal
        if pixels == 0 or all(map(total.is_exact, total.by_statistic)):
            return False
        sweeps = self.sweeps()
        found: dict[Statistic, list[NDArray[np.float64]]] = {}
        for measure in self.measures:
            for statistic, intervals in measure.unresolved(sweeps).items():
                found.setdefault(statistic, []).append(intervals)
                if self.kind is Rank:  # which knows no rank where pixels are not known
                    found.setdefault(PixelStatistic(), []).append(intervals)
        wanted = {}
        for statistic, several in found.items():
            intervals = np.concatenate(several)
            if of_pixels(statistic):  # one score is known as it is
                intervals = intervals[intervals[:, 0] < intervals[:, 1]]
            if len(intervals) and not sweeps.totals.is_exact(statistic):
                wanted[statistic] = intervals
        if wanted:
            self._accumulator.look_at(wanted)
        return bool(wanted)

    def save(self, path: str | Path, overwrite: bool = False) -> None:
        """Write everything to one file, whole or not at all.

        Parameters
        ----------
        path : path
            The same state gives the same bytes. A few bytes a distinct score, or a few a threshold
            of the grid.
        overwrite : bool

        Raises
        ------
        InputError
            If the file exists, or a metric has no name by which it can be found again.
        """
        self.write(check_output(path, overwrite, "path"))

    def write(self, path: Path, **header: Any) -> None:
        """As `save`, over a file if there is one, with more in its header."""
        keys = [measure.key for measure in self.asked]
        try:
            named = parse_measures(keys, self.sizes) == self.asked
        except InputError:
            named = False
        if not named:
            raise InputError(f"metrics: expected those that have a name, found {', '.join(keys)}")
        packed = Packed()
        packed.put("constants", self._fitted)
        header["pool"] = self._accumulator.pack(packed, self.statistics)
        header["images"] = sorted((image.to_dict() for image in self._images), key=_spelled)
        header["counts"] = asdict(self.counts)
        header["two_looks"] = self._two_looks
        header["options"] = self.options()
        write_state(path, {"kind": "evaluation", **header}, packed)

    def options(self) -> dict[str, Any]:
        """The arguments that make one like it, ready for JSON."""
        return {
            "metrics": [measure.key for measure in self.asked],
            "min_prediction": self.sizes.min_prediction,
            "min_target": self.sizes.min_target,
            "normalize": self.kind.name,
            "aggregate": self.aggregate,
            "normal_label": self.codes.normal_label,
            "anomaly_label": self.codes.anomaly_label,
            "ignore_index": self.codes.ignore_index,
            "method": self.method,
            "protocol": self.protocol.name,
            "memory": self.memory,
        }

    @classmethod
    def load(cls, path: str | Path) -> Evaluation:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If it is no such file, cut off, or of another version.
        """
        header, packed = read_state(Path(path))
        if header.get("kind") != "evaluation":
            raise InputError(f"{path}: expected an evaluation, found {header.get('kind')!r}")
        evaluation = cls(**header["options"])
        evaluation._fitted = packed.get("constants")
        evaluation._accumulator.unpack(header["pool"], packed, evaluation.statistics)
        evaluation._two_looks = header["two_looks"]
        evaluation.counts = Counts(**header["counts"])
        evaluation._images = [Image.from_dict(image) for image in header["images"]]
        return evaluation

    def curve(self, metric: Metric) -> ThresholdCurve:
        """d(z) of all frames so far, for a metric whose statistic was asked for (pooled only)."""
        with self._naming_method():
            return self.sweeps().curve(metric)

    def margin(self, metric: Metric, t_margin: float) -> Margin:
        """The margin at T of all frames so far, for a metric of which one was asked for."""
        with self._naming_method():
            return self.sweeps().margin(metric, t_margin)

    @contextmanager
    def _naming_method(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise type(error)(f"{self.method}: {error}" if self.method else str(error)) from error

    def sweeps(self) -> NormalizedTotals:
        """Everything counted so far, normalised (pooled only)."""
        if self.aggregate != "pooled":
            raise InputError("aggregate: curves of a whole data set exist only for 'pooled'")
        found = self._normalized()
        check_valid(found.pixels)
        return found

    def _normalized(self) -> NormalizedTotals:
        total = self._accumulator.total()
        required: dict[Metric, tuple[float, ...]] = {}
        for measure in self.measures:
            if type(measure) is MarginAt:
                before = required.get(measure.metric, ())
                required[measure.metric] = (*before, measure.t_margin)
        return replace(NormalizedTotals.of(total, self._fitted or self.kind), required=required)

    def of_images(self, key: str) -> NDArray[np.float64]:
        """A measure of each image, shape (F,), NaN where undefined (per image only)."""
        return np.array([image.values.get(key, np.nan) for image in self._images], np.float64)

    def result(self) -> Result:
        """All numbers of what was counted so far.

        Raises
        ------
        InputError
            Without valid pixels, or where nothing that was asked for can be computed.
        """
        if not self.counts.frames:
            raise InputError("frames: expected at least one frame, found none")
        if self.counts.pixels == 0:
            raise InputError("target: expected at least one valid pixel, found all pixels ignored")
        self._check_anomalies()
        compute = self._pooled_values if self.aggregate == "pooled" else self._image_values
        values, refused = compute()
        if len(refused) == len(self.measures):
            raise RangeError(next(iter(refused.values())))
        return Result(
            method=self.method,
            frames=self.counts.frames,
            pixels=self.counts.pixels,
            anomalous_pixels=self.counts.anomalous_pixels,
            components=self.counts.components,
            normalize=self.kind.name,
            values={key: _plain(value) for key, value in values.items()},
            refused=refused,
            settings={
                "aggregate": self.aggregate,
                "min_prediction": self.sizes.min_prediction,
                "min_target": self.sizes.min_target,
                "protocol": self.protocol.name,
            },
        )

    def _check_anomalies(self) -> None:
        """Refuse measures of anomalies where there is none in any frame."""
        needing = [measure.key for measure in self.measures if measure.needs_anomalies]
        if needing and self.counts.anomalous_pixels == 0:
            raise NoTargetError(
                "target: expected at least one anomalous pixel, found none (of "
                f"{self.counts.frames} frames, for {', '.join(needing[:4])}"
                f"{', ...' if len(needing) > 4 else ''}; does anomaly_label name the right value?)"
            )

    def _pooled_values(self) -> tuple[Values, dict[str, str]]:
        values: Values = {}
        refused: dict[str, str] = {}
        sweeps = self.sweeps()
        for measure in self.measures:
            try:
                values |= computed(measure, sweeps)
            except RangeError as error:
                values |= measure.empty()
                refused[measure.key] = str(error)
        return values, refused

    def _image_values(self) -> tuple[Values, dict[str, str]]:
        values: Values = {}
        refused: dict[str, str] = {}
        for measure in self.measures:
            key = measure.key
            values |= measure.empty()
            reasons = [image.refused[key] for image in self._images if key in image.refused]
            if reasons:
                refused[key] = min(reasons)
                continue
            if all(key in image.no_target for image in self._images):
                raise NoTargetError(min(image.no_target[key] for image in self._images))
            images = Distribution.of(image.values[key] for image in self._images)
            values[key] = images.mean
            values[f"{key}_images"] = images.to_dict()
        return values, refused


def _spelled(record: dict[str, Any]) -> str:
    return json.dumps(record, sort_keys=True)


def _plain(value: Any) -> Any:
    """Undefined numbers as None, in a bracket each for itself."""
    if isinstance(value, tuple):
        parts = tuple(map(_plain, value))
        return parts if any(part is not None for part in parts) else None
    return None if isinstance(value, float) and value != value else value


def evaluate(
    frames: Any,
    target: Any = None,
    metrics: Any = None,
    *,
    min_prediction: int = 0,
    min_target: int = 0,
    normalize: str | None = "none",
    aggregate: str = "pooled",
    anomaly_label: Labels = 1,
    normal_label: Labels = 0,
    ignore_index: Labels = 255,
    method: str = "",
    protocol: str = "exact",
    memory: int = DEFAULT_MEMORY,
) -> Result:
    """All numbers of one method.

    Parameters
    ----------
    frames : iterable of Frame, (scores, target) or (scores, target, ignore); or score maps
        See `Frame`. With `target`: one score map (H, W), a stack (N, H, W), a list or an iterator
        of these. An iterator is read once and never held; per-image evaluation with a
        normaliser that looks at all scores (`minmax`, `rank`) needs a list. A Dask bag of these,
        and a list of pairs of Dask arrays (H, W) or (N, H, W), is worked off by Dask, where it is.
    target : array_like or iterable of array_like, optional
        Ground truth of score maps, alike in structure. In its place `metrics` may stand.
    metrics : str, or iterable of str or Measure, optional
        Measure names (see `mdmkit.metrics.names`): `ap`, `auroc`, `fpr95`, `best_f1`, `siou_gt`,
        `ppv`, `mean_f1`, `mdm_METRIC@T`, `METRIC@z=Z`, `fpr@tpr=R`. Default: every metric, MDM
        at T = 0.5 and 0.7.
    min_prediction, min_target : int
        Component sizes in pixels; 0 drops nothing.
    normalize : {"none", "minmax", "sigmoid", "rank"}
        How raw scores become thresholds in [0, 1]; ranking metrics and best F1 use raw scores.
    aggregate : {"pooled", "per_image"}
        All pixels (components) of all frames as one set, or the mean over images where defined.
    anomaly_label, normal_label, ignore_index : int, collection of int, or None
        Label values of `target`.
    method : str
        Name in the result.
    protocol : {"exact", "smiyc", "maskomaly-release"}
        Whose conventions the numbers follow, so that a published one can be matched: see
        `mdmkit.metrics.protocols`. Measures that a protocol does not know stay exact.
    memory : int
        Bytes that the statistics may take. Beyond it thresholds fall on a grid: margins, best F1
        and what hangs on it are made exact by a second pass over a list; AP and AUROC, and all
        numbers of an iterator, carry a rigorous bracket under `key_bracket`.

    Returns
    -------
    Result
        Fractions; None where undefined. Where scores leave [0, 1] and no normaliser is named,
        what needs thresholds is refused, with the reason, and the rest is given.

    Raises
    ------
    InputError
        Bad frames, nothing to detect, or scores outside [0, 1] where everything asked for needs
        thresholds in [0, 1].

    Notes
    -----
    Anomaly is the positive class; a pixel is predicted where score > z. One sort and one
    union-find pass a frame, O(P log P) for P pixels.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> result = evaluate([([[0.1, 0.2, 0.9]], [[0, 0, 1]])], "ap,fpr95,mdm_f1@0.5")
    >>> result["ap"], result["fpr95"], result["mdm_f1@0.5_interval"]
    (1.0, 0.0, (0.1, 0.9))
    """
    codes = LabelCodes(normal_label, anomaly_label, ignore_index)
    target, metrics = apart(target, metrics)
    evaluation = Evaluation(
        metrics,
        min_prediction=min_prediction,
        min_target=min_target,
        normalize=normalize,
        aggregate=aggregate,
        method=method,
        protocol=protocol,
        memory=memory,
    )
    again = not isinstance(frames, Iterator) and not isinstance(target, Iterator)
    evaluation.run(frames_of(frames, codes, target), again)
    return evaluation.result()
