"""Gathering: the statistics of a method's frames, counted and merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_bytes, as_choice, check_kind
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, NoTargetError, RangeError, listing
from mdmkit.core.frame import Frame
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.core.margin import Margin
from mdmkit.core.named_arrays import fingerprint
from mdmkit.core.records import Json
from mdmkit.evaluation.contributions import Contribution, Counts, Image
from mdmkit.evaluation.remarks import Look, is_ranked
from mdmkit.metrics import measures
from mdmkit.metrics.base import Metric
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.names import parse_measures
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.protocols import as_protocol
from mdmkit.statistics.accumulator import DEFAULT_MEMORY, Accumulator
from mdmkit.statistics.bounded import binned
from mdmkit.statistics.components import count_targets
from mdmkit.statistics.kinds import (
    ComponentStatistic,
    MaskStatistic,
    PixelStatistic,
    Statistic,
    of_pixels,
)
from mdmkit.statistics.normalizers import Normalizer, Rank, Unchanged, as_normalizer
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.totals import DirectBins, Totals, check_valid

G = TypeVar("G", bound="Gathered")

AGGREGATES = ("pooled", "per_image")
FIRST = "first"  # name of the first pass
SECOND = "second"  # names of second passes begin so
UNLIMITED = 2**62  # one frame is always known exactly
#: In smaller frames components are counted at every score: edges of bins would be as many.
FEW_PIXELS = 8192


def check_aggregate(aggregate: object) -> str:
    """Check that an aggregation is one of `AGGREGATES`."""
    return str(as_choice(aggregate, AGGREGATES, "aggregate"))


class Gathered:
    """Everything counted of a method's frames; see `Evaluation`."""

    def __init__(
        self,
        metrics: str | Iterable[str | measures.Measure] | None = None,
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
        self.statistics = measures.statistics_of(self.measures)
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
        self._two_looks = self._only_numbers = False
        self._accumulator = self._new_accumulator(memory)
        self.counts = Counts()
        self._images: list[Image] = []

    def _new_accumulator(self, memory: int) -> Accumulator:
        at_z = measures.AtThreshold, measures.FprAtThreshold
        raw = [measure.z for measure in self.measures if isinstance(measure, at_z)]
        every_score = any(measure.every_score for measure in self.measures)
        unchanged = self.kind is Unchanged
        return Accumulator(memory, raw if unchanged else (), every_score, self._pixels_in_bins)

    @property
    def _pixels_in_bins(self) -> bool:
        """Whether pixels are counted in bins, and only those looked at again that decide."""
        decided = self.kind is Unchanged and all(m.decided_by_bins for m in self.measures)
        return self._two_looks and self._only_numbers and decided

    def empty(self: G) -> G:
        """An empty copy that accepts frames of the same pass."""
        other = copy(self)
        other._accumulator, other.counts, other._images = self._accumulator.empty(), Counts(), []
        return other

    @property
    def over_budget(self) -> bool:
        """Whether the counts of its frames fell into bins, as memory did not hold them."""
        return self._accumulator.over_budget

    @property
    def needs_fit(self) -> bool:
        """Whether the normaliser's constants are needed before frames can contribute."""
        on_masks = any(isinstance(statistic, MaskStatistic) for statistic in self.statistics)
        return self._fitted is None and (self.aggregate == "per_image" or on_masks)

    def _in_bins(self, frame: Frame) -> DirectBins | None:
        """The statistics of a frame that are counted in bins, decided for this frame alone.

        Components at every one of many scores cost more than those at the edges of bins and, in a
        second pass, at the few scores that this leaves unresolved.
        """
        statistics = {s for s in self.statistics if isinstance(s, ComponentStatistic)}
        if not (self._two_looks and statistics) or frame.scores.dtype.itemsize <= 2:
            return None
        if frame.pixels <= FEW_PIXELS:
            return None
        for measure in self.measures:
            if not measure.resolvable:
                statistics -= set(measure.statistics)
        return self._accumulator.direct_bins(frozenset(statistics)) if statistics else None

    def contribution(self, frame: Frame) -> Contribution:
        """Count one frame; changes nothing here."""
        if self._accumulator.looked_at is not None:
            return Contribution(Counts(), inside=self._accumulator.inside(frame))
        if self.needs_fit:
            raise InputError(
                f"expected the constants of {self.kind.name!r} before the first frame "
                "is judged; call fit with all frames",
                argument="normalize",
            )
        if self.aggregate == "pooled":
            totals = self._sweeps_of(frame)
            return Contribution(self._counts_of(frame, totals), totals)
        image = self._image(frame)
        return Contribution(self._counts_of(frame, image.totals), image=self._numbers_of(image))

    def _counts_of(self, frame: Frame, totals: Totals) -> Counts:
        own = totals.by_statistic.get(ComponentStatistic(self.sizes))
        components = own.targets if own else count_targets(frame, self.sizes.min_target)
        pixels = totals.by_statistic[PixelStatistic()]
        anomalous = pixels.anomalous
        normal_frame = int(anomalous == 0)
        return Counts(1, anomalous + pixels.normal, anomalous, components, normal_frame)

    def _sweeps_of(self, frame: Frame) -> Totals:
        known = binned(frame) if self._pixels_in_bins else None
        binned_pixels: dict[Statistic, Any] = {} if known is None else {PixelStatistic(): known}
        others = [s for s in self.statistics if s not in binned_pixels]
        totals = Totals.of(frame, others, self._fitted, self._in_bins(frame))
        return replace(totals, by_statistic={**binned_pixels, **totals.by_statistic})

    def _image(self, frame: Frame) -> NormalizedTotals:
        """The sweeps of a frame as of a data set of its own, exact and normalised."""
        image = copy(self)
        image.aggregate, image._two_looks, image._only_numbers = "pooled", True, True
        image._accumulator = image._new_accumulator(UNLIMITED)
        image._accumulator.add(image._sweeps_of(frame))
        image.counts = Counts(1)
        if image.look_closer():
            image._accumulator.add_inside(image._accumulator.inside(frame))
        return image._normalized()

    def _numbers_of(self, sweeps: NormalizedTotals) -> Image:
        image = Image({}, {}, {})
        for measure in self.measures:
            try:
                number = measures.computed(measure, sweeps)
                image.values[measure.key] = float(number)
                if isinstance(number, Margin) and number.ends is not None:
                    image.ends[measure.key] = number.ends
            except RangeError as error:
                image.refused[measure.key] = str(error)
            except NoTargetError as error:
                image.values[measure.key] = float("nan")
                image.no_target[measure.key] = str(error)
        look = Look.at(sweeps, image.values.get("auroc"), is_ranked(self.measures))
        return replace(image, look=look)

    def add(self, contribution: Contribution) -> None:
        """Count what one frame contributes."""
        if contribution.inside is not None:
            self._accumulator.add_inside(contribution.inside)
        if contribution.sweeps is not None:
            self._accumulator.add(contribution.sweeps)
        if contribution.image is not None:
            self._images.append(contribution.image)
        self.counts += contribution.counts

    def update(self, scores: object, target: object = None, ignore: object = None) -> None:
        """Count one frame, and add it.

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

    def merge(self, other: Gathered) -> None:
        """Count the frames of another evaluation, as if all had been counted here.

        Numbers that a second pass made exact are brackets again, unless both looked into the
        same bins: that pass belongs to the frames over which it was made.

        Parameters
        ----------
        other : Evaluation
            Left as it is.

        Raises
        ------
        InputError
            If its settings differ; `method` may.
        """
        check_kind(other, (Gathered,), "evaluations")
        mine, theirs = self.settings(), other.settings()
        differing = [name for name in mine if mine[name] != theirs[name]]
        if differing:
            raise InputError(
                "expected the same settings, found\n"
                + listing(f"{name}: {mine[name]} and {theirs[name]}" for name in differing),
                argument="evaluations",
            )
        self._accumulator.merge(other._accumulator)
        self._images += other._images
        self.counts += other.counts

    def settings(self) -> Json:
        """All that the numbers depend on but the frames, ready for JSON.

        Of long constants a fingerprint.
        """
        own = ("method", "normal_label", "anomaly_label", "ignore_index")  # of `update` alone
        return {name: value for name, value in self.options().items() if name not in own} | {
            "constants": fingerprint(self._fitted) if self.kind.needs_fit else None,
            "two_looks": self._two_looks,
        }

    def options(self) -> Json:
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

    def look_closer(self) -> bool:
        """Begin a second pass, if one over the same frames can make numbers exact."""
        wanted = self.unresolved()
        if wanted:
            self._accumulator.look_at(wanted)
        return bool(wanted)

    def unresolved(self) -> measures.Unresolved:
        """The scores that a second pass would have to look at."""
        if self.aggregate != "pooled" or not self.counts.frames:
            return {}
        total = self._accumulator.total()
        pixels = total.pixels.anomalous + total.pixels.normal
        if pixels == 0 or all(map(total.is_exact, total.by_statistic)):
            return {}
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
        return wanted

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
            raise error.inside(self.method) from error

    def sweeps(self) -> NormalizedTotals:
        """Everything counted so far, normalised (pooled only)."""
        if self.aggregate != "pooled":
            raise InputError(
                "curves of a whole data set exist only for 'pooled'", argument="aggregate"
            )
        found = self._normalized()
        check_valid(found.pixels)
        return found

    def _normalized(self) -> NormalizedTotals:
        total = self._accumulator.total()
        required: dict[Metric, tuple[float, ...]] = {}
        for measure in self.measures:
            if type(measure) is measures.MarginAt:
                before = required.get(measure.metric, ())
                required[measure.metric] = (*before, measure.t_margin)
        return replace(NormalizedTotals.of(total, self._fitted or self.kind), required=required)

    def of_images(self, key: str) -> NDArray[np.float64]:
        """A measure of each image, shape (F,), NaN where undefined (per image only)."""
        return np.array([image.values.get(key, np.nan) for image in self._images], np.float64)
