"""mdmkit's numbers as torchmetrics metrics: counted where the maps lie, summed over processes.

Needs torchmetrics: `pip install '.[torchmetrics]'`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, InputTypeError, NoTargetError, RangeError
from mdmkit.core.extras import needed_by
from mdmkit.core.frame import Frame, as_unit
from mdmkit.core.labels import LabelCodes, Labels
from mdmkit.core.margin import Margin
from mdmkit.metrics.base import Metric as SegmentMetric
from mdmkit.metrics.base import check_anomalous
from mdmkit.metrics.curve import ThresholdCurve
from mdmkit.metrics.measures import MarginAt, Measure, Values, statistics_of
from mdmkit.metrics.names import parse_measures
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.kinds import ComponentStatistic, PixelStatistic, Statistic
from mdmkit.statistics.totals import check_valid

with needed_by("mdmkit.integrations.torchmetrics"):
    import torch
    from torch import Tensor
    from torchmetrics import Metric

    from mdmkit.integrations.component_columns import ComponentColumns
    from mdmkit.integrations.device_counts import Tally, as_maps, scores_of_bits
    from mdmkit.integrations.histogram import Histogram


class CountedMetric(Metric):
    """What the metrics below share: pixels counted by score and class, as integers.

    Attributes
    ----------
    counts, lowest, highest, refused : Tensor of int64
        States, see `mdmkit.integrations.device_counts.Tally`; 3 MB, whatever the number of frames.
    frames : Tensor of int64
        Number of frames.
    components, targets, largest : Tensor of int64
        Further states, where component metrics are asked for; 2.6 MB.
    settings : Tensor of int64, shape (8,)
        A fingerprint of how pixels are counted: metrics with other labels or component sizes share
        no states in a `MetricCollection`, and do not merge.
    """

    is_differentiable = False
    full_state_update = False
    plot_lower_bound = 0.0
    plot_upper_bound = 1.0

    counts: Tensor
    lowest: Tensor
    highest: Tensor
    refused: Tensor
    frames: Tensor
    components: Tensor
    targets: Tensor
    largest: Tensor
    settings: Tensor
    _table: Tensor

    def __init__(
        self,
        measures: tuple[Measure, ...],
        codes: LabelCodes,
        validate: bool,
        no_target: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if no_target not in ("error", "nan"):
            raise InputError(f"expected error or nan, found {no_target!r}", argument="no_target")
        self.validate = bool(validate)
        self.no_target = no_target
        self._measures = measures
        self._codes = codes
        self._sizes = _component_sizes(statistics_of(measures))
        self._of_batch = False
        self.register_buffer("_table", torch.from_numpy(codes.table.copy()), persistent=False)
        empty = Tally.empty()
        for name, reduction in _REDUCTIONS.items():
            self.add_state(name, getattr(empty, name), dist_reduce_fx=reduction)
        self.add_state("frames", torch.tensor(0), dist_reduce_fx="sum")
        if self._sizes is not None:
            none = torch.from_numpy(ComponentColumns.none().columns)
            self.add_state("components", none, dist_reduce_fx="sum")
            self.add_state("targets", torch.tensor(0), dist_reduce_fx="sum")
            self.add_state("largest", torch.tensor(0), dist_reduce_fx="max")
        digest = sha256(repr((codes, self._sizes)).encode()).digest()[:8]
        self.add_state("settings", torch.tensor(list(digest)), dist_reduce_fx="max")

    def update(self, scores: Tensor, target: Tensor, ignore: Tensor | None = None) -> None:
        """Count frames.

        Parameters
        ----------
        scores : Tensor, shape (H, W), (N, H, W) or (N, 1, H, W)
            Anomaly scores in [0, 1], higher = more anomalous: float16, bfloat16, float32, float64;
            unsigned integers mean value / maximum, bool is 0 / 1.
        target : Tensor of int or bool, of that shape
        ignore : Tensor of bool, of that shape, optional
            Further pixels to ignore, whatever their label and score.

        Raises
        ------
        InputTypeError, InputError, RangeError
            Unfit dtypes and shapes, unknown labels, scores at valid pixels that are not finite or
            not in [0, 1]. Nothing of the batch is then counted.
        """
        try:
            self._update(*as_maps(scores, target, ignore))
        except InputError:
            self._update_count -= 1
            raise

    def _update(self, scores: Tensor, target: Tensor, ignore: Tensor | None) -> None:
        found = Tally.of(scores, target, ignore, self._table.to(scores.device), self._codes)
        if self.validate and bool(found.refused.any()):  # the one wait for the device
            for frame in self._judged(scores, target, ignore):
                _check_unit(frame)
        components = None
        if self._sizes is not None:
            components = ComponentColumns.of(self._judged(scores, target, ignore), self._sizes)
        device = self.counts.device
        self.counts = self.counts + found.counts.to(device)
        self.lowest = self.lowest.minimum(found.lowest.to(device))
        self.highest = self.highest.maximum(found.highest.to(device))
        self.refused = self.refused + found.refused.to(device)
        self.frames = self.frames + scores.shape[0]
        if components is not None:
            self.components = self.components + torch.from_numpy(components.columns).to(device)
            self.targets = self.targets + components.targets
            self.largest = self.largest.clamp(min=components.largest)

    def _judged(self, scores: Tensor, target: Tensor, ignore: Tensor | None) -> Iterator[Frame]:
        """The frames on the host, one after the other."""
        for i in range(scores.shape[0]):
            hidden = None if ignore is None else ignore[i]
            yield Frame.coded(scores[i], target[i], hidden, codes=self._codes, name=f"frame {i}")

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Count frames, and return the value of these alone.

        NaN stands for what is undefined for the batch, which need not hold an anomaly.
        """
        before = dict(self.__dict__)
        self._of_batch = True
        try:
            value = super().forward(*args, **kwargs)
        except Exception:
            self.__dict__.update(before)  # torchmetrics would have lost what was counted
            raise
        self._of_batch = False
        return value

    def merge_state(self, incoming_state: dict[str, Any] | Metric) -> None:
        """Add what another metric of this kind counted.

        Raises
        ------
        InputError
            If it counted by other labels or component sizes.
        """
        merged = isinstance(incoming_state, type(self))
        state: Any = incoming_state.metric_state if merged else incoming_state  # type: ignore[union-attr]
        if isinstance(state, dict):
            self._check_settings(state.get("settings", self.settings))
            state = {name: part.to(self.counts.device) for name, part in state.items()}
        super().merge_state(state)
        self._update_count += incoming_state._update_count if merged else 1  # type: ignore[union-attr]
        self._computed = None

    def set_dtype(self, dst_type: str | torch.dtype) -> Metric:
        """States are integers, and stay what they are."""
        return self

    def values(self) -> Values:
        """All that belongs to the numbers, as in `mdmkit.Result.values`; NaN where undefined.

        Margins come with `_interval`, `_threshold` and `_bracket`, others with `_bracket`. In
        distributed training a call for every process, as `compute` is.
        """
        with self._together():
            return self._values()

    def brackets(self) -> dict[str, tuple[float, float]]:
        """Rigorous bounds of each number; `(value, value)` where it is exact.

        (NaN, NaN) where it is undefined. In distributed training a call for every process.
        """
        values = self.values()
        nothing = float("nan"), float("nan")
        keys = (measure.key for measure in self._measures)
        return {key: values.get(f"{key}_bracket") or nothing for key in keys}

    def sweeps(self) -> NormalizedTotals:
        """The counts as mdmkit's own statistics, for any formula; every process is to call it."""
        with self._together():
            histogram = self._histogram()
            return self._sweeps(histogram, self._sizes is not None)

    @contextmanager
    def _together(self) -> Iterator[None]:
        """With the sums over all processes, if they are not in place already."""
        if self._is_synced:
            yield
            return
        self.sync(dist_sync_fn=self.dist_sync_fn, should_sync=self.sync_on_compute)
        try:
            yield
        finally:
            if self._is_synced:
                self.unsync()

    def _alone_again(self) -> None:
        """Undo the synchronisation of a `compute` that fails, which torchmetrics would keep."""
        if self._is_synced and self._to_sync and self._should_unsync:
            self.unsync()

    def _histogram(self) -> Histogram:
        self._check_settings(self.settings)
        labels, outside = self.refused.tolist()
        if labels or outside:
            raise InputError(
                f"scores, target: expected label values {self._codes} and scores in [0, 1] at "
                f"valid pixels, found {labels} pixels with other labels and {outside} with scores "
                "that are not finite or not in [0, 1] since the last reset"
            )
        lowest, highest = (
            scores_of_bits(bits.cpu()).numpy() for bits in (self.lowest, self.highest)
        )
        return Histogram(self.counts.cpu().numpy().T.copy(), lowest, highest)

    def _sweeps(self, histogram: Histogram, components: bool) -> NormalizedTotals:
        frames = int(self.frames)
        if not components or self._sizes is None:
            return histogram.sweeps(frames)
        columns = ComponentColumns(
            self.components.cpu().numpy(), int(self.targets), int(self.largest)
        )
        return histogram.sweeps_with(columns.as_grid(self._sizes, *histogram.extremes), frames)

    def _values(self) -> Values:
        histogram = self._histogram()
        known: dict[bool, NormalizedTotals] = {}
        values: Values = {}
        for measure in self._measures:
            components = _component_sizes(measure.statistics) is not None
            if components not in known:
                known[components] = self._sweeps(histogram, components)
            try:
                check_valid(known[components].pixels)
                values |= measure.compute(known[components])
            except NoTargetError:
                if self.no_target == "error" and not self._of_batch:
                    raise
                values |= {**measure.empty(), measure.key: float("nan")}
        return values

    def _tensor(self, value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64, device=self.counts.device)

    def _check_settings(self, settings: Tensor) -> None:
        own = self._defaults["settings"]
        assert isinstance(own, Tensor)
        if not torch.equal(settings.cpu(), own.cpu()):
            raise InputError(
                "expected counts by the labels and component sizes of this metric "
                f"({self._codes}; {self._sizes}), found those of another one",
                argument="state",
            )

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw one value or several; see torchmetrics."""
        return self._plot(val, ax)


class AnomalySegmentationMetrics(CountedMetric):
    """Numbers of anomaly segmentation by name, in torchmetrics.

    Parameters
    ----------
    metrics : str, or iterable of str or Measure
        Measure names, see `mdmkit.metrics.names`: `ap`, `auroc`, `fpr95`, `best_f1`,
        `mdm_METRIC@T`, `METRIC@z=Z`, `fpr@tpr=R`; with component metrics (`siou_gt`, `ppv`,
        `mean_f1`, margins of `siou`, `ppv`, `mean_f1`) **maps are copied to the
        host** and swept there, frame by frame.
    min_prediction, min_target : int
        Component sizes in pixels.
    normal_label, anomaly_label, ignore_index : int, collection of int, or None
        Label values of `target`, as in `mdmkit.Frame`.
    validate : bool
        Refuse bad batches in `update`, which waits for the device once each time. False: what is
        bad is counted apart, without waiting, and `compute` raises.
    no_target : {"error", "nan"}
        What `compute` does where a margin has nothing to detect: raise `NoTargetError`, or give
        NaN. Other numbers are NaN where they are undefined; so is every value of `forward`.
    **kwargs
        Those of `torchmetrics.Metric`.

    Notes
    -----
    A pixel is predicted where score > z, compared exactly. `compute` returns a dictionary of
    float64 scalars. Pixels are counted at 65,537 thresholds j / 65536 on the device of the maps:
    numbers are exact where no two different scores lie strictly between two thresholds (8-bit
    scores, float16 from 2^-6 on, multiples of 1 / 65536); else `brackets` bounds them. Components
    are known at the 4,097 thresholds j / 4096. States are integers that add up: any split of the
    frames over batches and processes gives the same numbers, to the last bit. O(P) for P pixels.

    Examples
    --------
    >>> import torch
    >>> metrics = AnomalySegmentationMetrics("ap,mdm_f1@0.5")
    >>> metrics.update(torch.tensor([[0.25, 0.5, 0.75]]), torch.tensor([[0, 1, 1]]))
    >>> {key: float(value) for key, value in metrics.compute().items()}
    {'ap': 1.0, 'mdm_f1@0.5': 0.75}
    >>> metrics.values()["mdm_f1@0.5_interval"]
    (0.0, 0.75)
    """

    def __init__(
        self,
        metrics: str | Iterable[str | Measure] = "ap,auroc,fpr95,best_f1,mdm_f1@0.5",
        *,
        min_prediction: int = 0,
        min_target: int = 0,
        normal_label: Labels = 0,
        anomaly_label: Labels = 1,
        ignore_index: Labels = 255,
        validate: bool = True,
        no_target: str = "error",
        **kwargs: Any,
    ) -> None:
        measures = parse_measures(metrics, ComponentSizes(min_prediction, min_target))
        codes = LabelCodes(normal_label, anomaly_label, ignore_index)
        super().__init__(measures, codes, validate, no_target, **kwargs)

    def compute(self) -> dict[str, Tensor]:
        """Each number by name, as a float64 scalar.

        Raises
        ------
        NoTargetError
            If a margin has nothing to detect, unless `no_target="nan"`.
        InputError
            If bad pixels were met and `validate=False`.
        """
        try:
            values = self._values()
        except InputError:
            self._alone_again()
            raise
        return {measure.key: self._tensor(values[measure.key]) for measure in self._measures}


class MaximalDetectionMargin(CountedMetric):
    """The Maximal Detection Margin of one metric at one required quality T, in torchmetrics.

    Parameters
    ----------
    t_margin : float
        T, in [0, 1); the metric must exceed it strictly.
    metric : str or mdmkit.Metric
        `f1`, `iou`, `precision`, `recall`, or a metric of counts such as `FBeta(2)`; component
        metrics too, for which maps are copied to the host.
    min_prediction, min_target, normal_label, anomaly_label, ignore_index, validate, no_target
        As for `AnomalySegmentationMetrics`.
    **kwargs
        Those of `torchmetrics.Metric`.

    Notes
    -----
    `compute` returns the value as a float64 scalar; `margin` the interval, the recommended
    threshold and the bracket, too. See `AnomalySegmentationMetrics`.

    References
    ----------
    Ackermann, Sakaridis, Yu: Maskomaly: Zero-Shot Mask Anomaly Segmentation, BMVC 2023.

    Examples
    --------
    >>> import torch
    >>> metric = MaximalDetectionMargin(t_margin=0.5)
    >>> metric.update(torch.tensor([[0.25, 0.5, 0.75]]), torch.tensor([[0, 0, 1]]))
    >>> float(metric.compute())
    0.5
    >>> metric.margin().interval
    (0.25, 0.75)
    """

    higher_is_better = True

    def __init__(
        self,
        t_margin: float,
        metric: str | SegmentMetric = "f1",
        *,
        min_prediction: int = 0,
        min_target: int = 0,
        normal_label: Labels = 0,
        anomaly_label: Labels = 1,
        ignore_index: Labels = 255,
        validate: bool = True,
        no_target: str = "error",
        **kwargs: Any,
    ) -> None:
        chosen = as_metric(metric, ComponentSizes(min_prediction, min_target))
        codes = LabelCodes(normal_label, anomaly_label, ignore_index)
        super().__init__((MarginAt(chosen, t_margin),), codes, validate, no_target, **kwargs)

    @property
    def _asked(self) -> MarginAt:
        (measure,) = self._measures
        assert isinstance(measure, MarginAt)
        return measure

    def compute(self) -> Tensor:
        """The margin, a float64 scalar.

        Raises
        ------
        NoTargetError
            If there is nothing to detect, unless `no_target="nan"`.
        InputError
            If bad pixels were met and `validate=False`.
        """
        try:
            return self._tensor(self._values()[self._asked.key])
        except InputError:
            self._alone_again()
            raise

    def curve(self) -> ThresholdCurve:
        """d(z) over all thresholds, with its bounds; every process is to call it."""
        sweeps = self.sweeps()
        check_anomalous(sweeps.pixels.anomalous)
        return sweeps.curve(self._asked.metric)

    def margin(self) -> Margin:
        """The margin with its interval, recommended threshold and bracket.

        Raises
        ------
        NoTargetError
            If there is nothing to detect.
        """
        return self.curve().margin(self._asked.t_margin)


_REDUCTIONS = {"counts": "sum", "lowest": "min", "highest": "max", "refused": "sum"}


def _component_sizes(statistics: Iterable[Statistic]) -> ComponentSizes | None:
    """Those for which components are counted, if they are."""
    found: set[ComponentSizes] = set()
    for statistic in statistics:
        if isinstance(statistic, ComponentStatistic):
            found.add(statistic.sizes)
        elif not isinstance(statistic, PixelStatistic):
            raise InputTypeError(
                "expected metrics of pixels or components of whole frames, which add up; "
                f"found one that needs {statistic}",
                argument="metrics",
            )
    if len(found) > 1:
        raise InputError(
            f"expected the same component sizes, found {' and '.join(map(str, found))}",
            argument="metrics",
        )
    return next(iter(found), None)


def _check_unit(frame: Frame) -> None:
    scores = as_unit(frame.scores[frame.valid])
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        raise RangeError(
            f"scores of {frame.name}: expected values in [0, 1] at valid pixels, found "
            f"{float(scores.min())!r} to {float(scores.max())!r}; map them there first, by a "
            "sigmoid, say"
        )
