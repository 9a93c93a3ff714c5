"""CountedMetric: pixels, components and regions counted in states that add up over processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import rank_zero_warn

from mdmkit.core.arguments import as_choice
from mdmkit.core.errors import InputError, NoTargetError, RangeError
from mdmkit.core.frame import Frame, as_unit
from mdmkit.core.labels import LabelCodes
from mdmkit.core.number import Number
from mdmkit.core.records import Json
from mdmkit.integrations.device_counts import Tally, as_maps, scores_of_bits
from mdmkit.integrations.histogram import Histogram
from mdmkit.integrations.on_host import OnHost
from mdmkit.metrics.measures import Measure, computed, statistics_of
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.statistics.kinds import Statistic
from mdmkit.statistics.totals import check_valid


class CountedMetric(Metric):
    """Counts pixels by score and class, as integers: the base of the metrics below.

    Attributes
    ----------
    counts, lowest, highest, refused : Tensor of int64
        States, see `mdmkit.integrations.device_counts.Tally`; 7 MB, whatever the number of frames.
    frames : Tensor of int64
        Number of frames.
    components, targets, largest : Tensor of int64
        Further states, where component metrics are asked for; 2.6 MB.
    covered, regions : Tensor of int64
        Further states, where PRO is asked for; 2.4 MB.
    settings : Tensor of int64, shape (8,)
        A fingerprint of labels and sizes: metrics with other labels or component sizes share
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
    covered: Tensor
    regions: Tensor
    settings: Tensor
    _table: Tensor

    def __init__(
        self,
        measures: tuple[Measure, ...],
        codes: LabelCodes,
        validate: bool,
        no_target: str,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.validate = bool(validate)
        self.no_target = as_choice(no_target, ("error", "nan"), "no_target")
        self._measures = measures
        self._codes = codes
        self._on_host = OnHost.of(statistics_of(measures))
        self._of_batch = self._warned = False
        self.register_buffer("_table", torch.from_numpy(codes.table.copy()), persistent=False)
        empty = Tally.empty()
        for name, reduction in _REDUCTIONS.items():
            self.add_state(name, getattr(empty, name), dist_reduce_fx=reduction)
        self.add_state("frames", torch.tensor(0), dist_reduce_fx="sum")
        for name, none in self._on_host.none().items():
            reduction = "max" if name == "largest" else "sum"
            self.add_state(name, torch.as_tensor(none), dist_reduce_fx=reduction)
        digest = sha256(repr((codes, self._on_host)).encode()).digest()[:8]
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
        swept = self._on_host.counted(self._judged(scores, target, ignore))
        device = self.counts.device
        self.counts = self.counts + found.counts.to(device)
        self.lowest = self.lowest.minimum(found.lowest.to(device))
        self.highest = self.highest.maximum(found.highest.to(device))
        self.refused = self.refused + found.refused.to(device)
        self.frames = self.frames + scores.shape[0]
        for name, part in swept.items():
            add = torch.maximum if name == "largest" else torch.add
            setattr(self, name, add(getattr(self, name), torch.as_tensor(part).to(device)))

    def _judged(self, scores: Tensor, target: Tensor, ignore: Tensor | None) -> Iterator[Frame]:
        """The frames on the host, one after the other."""
        for i in range(scores.shape[0]):
            hidden = None if ignore is None else ignore[i]
            yield Frame.coded(scores[i], target[i], hidden, codes=self._codes, name=f"frame {i}")

    def forward(self, *args: object, **kwargs: object) -> Any:
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

    def merge_state(self, incoming_state: Json | Metric) -> None:
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

    def numbers(self) -> dict[str, Number]:
        """Each number with bracket, interval and threshold, as in `mdmkit.Result.numbers`.

        In distributed training every process must call it, as `compute`.
        """
        with self._together():
            return self._numbers()

    def brackets(self) -> dict[str, tuple[float, float]]:
        """Rigorous bounds of each number; `(value, value)` where it is exact.

        (NaN, NaN) where it is undefined. In distributed training every process must call it.
        """
        nan = float("nan")
        brackets = {key: number.bracket or (nan, nan) for key, number in self.numbers().items()}
        return {k: (nan if low is None else low, high) for k, (low, high) in brackets.items()}

    def sweeps(self) -> NormalizedTotals:
        """The counts as mdmkit's own statistics, for any formula; every process is to call it."""
        with self._together():
            return self._sweeps(self._histogram(), statistics_of(self._measures))

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

    def _sweeps(self, histogram: Histogram, statistics: Sequence[Statistic]) -> NormalizedTotals:
        """The statistics of one measure, or of several that go together."""
        state = {name: getattr(self, name).cpu().numpy() for name in self._on_host.none()}
        return OnHost.of(statistics).sweeps(histogram, state, int(self.frames))

    def _numbers(self) -> dict[str, Number]:
        histogram = self._histogram()
        known: dict[OnHost, NormalizedTotals] = {}
        numbers: dict[str, Number] = {}
        for measure in self._measures:
            needed = OnHost.of(measure.statistics)
            if needed not in known:
                known[needed] = self._sweeps(histogram, measure.statistics)
            try:
                check_valid(known[needed].pixels)
                numbers[measure.key] = computed(measure, known[needed])
            except NoTargetError:
                if self.no_target == "error" and not self._of_batch:
                    raise
                numbers[measure.key] = measure.empty()
        return numbers

    def _warned_of(self) -> dict[str, Number]:
        """The numbers for `compute`, with a warning of those that are hardly known."""
        try:
            numbers = self._numbers()
        except InputError:
            self._alone_again()
            raise
        if not (self._warned or self._of_batch):
            self._warn(numbers)
        return numbers

    def _warn(self, numbers: Mapping[str, Number]) -> None:
        """Say once, in one process of several, which numbers have wide brackets."""
        wide = [
            f"{key} {number:.4g} in {number.spelled_bracket('.4g')}"
            for key, number in numbers.items()
            if number.value is not None and not number.is_known
        ]
        if wide:
            self._warned = True
            rank_zero_warn(
                f"{type(self).__name__}: known only to brackets: {', '.join(wide)}. Counts are "
                "kept at thresholds at most 1 / 65536 apart, of components at j / 4096: spread "
                "the scores over [0, 1] by one rising map before `update` (a sigmoid of logits; "
                "a stretch of the range that they fill), or give the frames to mdmkit.evaluate, "
                "which is exact",
                UserWarning,
            )

    def _tensor(self, number: Number) -> Tensor:
        return torch.tensor(float(number), dtype=torch.float64, device=self.counts.device)

    def _check_settings(self, settings: Tensor) -> None:
        own = self._defaults["settings"]
        assert isinstance(own, Tensor)
        if not torch.equal(settings.cpu(), own.cpu()):
            raise InputError(
                "expected counts by the labels and component sizes of this metric "
                f"({self._codes}; {self._on_host}), found those of another one",
                argument="state",
            )

    def plot(self, val: Any = None, ax: Any = None) -> Any:
        """Draw one value or several; see torchmetrics."""
        return self._plot(val, ax)


_REDUCTIONS = {"counts": "sum", "lowest": "min", "highest": "max", "refused": "sum"}


def _check_unit(frame: Frame) -> None:
    scores = as_unit(frame.scores[frame.valid])
    if scores.size and not (scores.min() >= 0 and scores.max() <= 1):
        raise RangeError(
            f"scores of {frame.name}: expected values in [0, 1] at valid pixels, found "
            f"{float(scores.min())!r} to {float(scores.max())!r}; map them there first, by a "
            "sigmoid, say"
        )
