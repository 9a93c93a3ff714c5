"""bootstrap(): intervals of numbers, from the frames that happened to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.arguments import as_bytes, as_integer, check_options
from mdmkit.core.errors import InputError, NoTargetError, RangeError
from mdmkit.core.number import Number
from mdmkit.core.progress import Bar, Progress, begin
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.frame_set import FRAME_OPTIONS, FrameOptions, FrameSet, evaluate_methods
from mdmkit.evaluation.gathering import check_aggregate
from mdmkit.evaluation.methods import normalizers
from mdmkit.evaluation.remarks import Look, is_ranked, remarks_on
from mdmkit.metrics.measures import Measure, computed
from mdmkit.metrics.normalized_totals import NormalizedTotals
from mdmkit.metrics.protocols import as_protocol
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.uncertainty.counts_source import (
    BINS,
    CountsPlan,
    check_frames,
    record_of_frames,
)
from mdmkit.uncertainty.frame_counts import FrameCounts

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Estimate(NamedTuple):
    """A number with its interval, as fractions; NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Holds the numbers of several methods on resampled frames.

    Attributes
    ----------
    keys : tuple of str
        The measures.
    values : dict of dict of float
        By method and measure: the number on all frames, once each.
    brackets : dict of dict of (float, float)
        By method and measure: bounds of the exact number on all frames. The statistics are kept
        in bins of scores, from which `values` and `replicates` are computed alike.
    replicates : dict of dict of ndarray of float64, shape (R,)
        By method and measure: the number on each resampled set, NaN where undefined there. The
        sets are the same for all methods, so that differences are paired.
    confidence : float
    frames, seed : int
        Number of frames, and the seed of the random sets.
    bins : int or None
        About how many thresholds the statistics were kept at; None where each image has a value
        of its own.
    aggregate : {"pooled", "per_image"}
    refused : dict of dict of str
        By method and measure: the reason why there is no number.
    remarks : tuple of str
        Masks and scores that look like mistakes.
    normalize : dict of str
        By method: its normaliser.
    on_scale : frozenset of str
        Measures, as margins, that depend on the scale of the scores.

    References
    ----------
    Efron: Bootstrap Methods: Another Look at the Jackknife. 1979.

    Examples
    --------
    >>> from mdmkit import bootstrap
    >>> target = [[0, 0, 1]]
    >>> mine = [([[0.1, 0.2, 0.9]], target), ([[0.1, 0.2, 0.7]], target)]
    >>> other = [([[0.1, 0.9, 0.2]], target), ([[0.7, 0.1, 0.2]], target)]
    >>> found = bootstrap({"mine": mine, "other": other}, metrics="ap", replicates=50)
    >>> found.difference("mine", "other", "ap").low > 0
    True
    """

    keys: tuple[str, ...]
    values: dict[str, dict[str, float]]
    brackets: dict[str, dict[str, tuple[float, float]]]
    replicates: dict[str, dict[str, NDArray[np.float64]]]
    confidence: float
    frames: int = 0
    seed: int = 0
    bins: int | None = None
    aggregate: str = "pooled"
    refused: dict[str, dict[str, str]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    normalize: Mapping[str, str] = field(default_factory=dict)
    on_scale: frozenset[str] = frozenset()

    @property
    def sets(self) -> int:
        """Number R of resampled sets."""
        return len(next(iter(next(iter(self.replicates.values())).values())))

    def interval(self, method: str, key: str) -> Estimate:
        """A number with its percentile interval, over the sets where it is defined."""
        drawn = self._drawn(method, key)
        return Estimate(self.values[method][key], *self._percentiles(drawn))

    def difference(self, method: str, other: str, key: str) -> Estimate:
        """Estimate the difference `method` minus `other`, on the same resampled sets.

        If its interval excludes 0, the methods differ, as far as these frames can tell.

        Raises
        ------
        InputError
            For margins of methods that were normalised in different ways, which have none.
        """
        self._drawn(method, key)
        self._drawn(other, key, "other")
        if not self.on_one_scale(method, other, key):
            kinds = f"{method} by {self.normalize[method]}, {other} by {self.normalize[other]}"
            raise InputError(
                f"expected a method on the scale of {method}, found {other}: {key} depends on the "
                f"scale, and they were normalised in different ways ({kinds}), so that there is "
                "no difference; one normaliser for both makes one",
                argument="other",
            )
        drawn = self._drawn(method, key) - self._drawn(other, key)
        value = self.values[method][key] - self.values[other][key]
        return Estimate(value, *self._percentiles(drawn))

    def on_one_scale(self, method: str, other: str, key: str) -> bool:
        """Whether a difference means something: margins on different scales have none."""
        alike = self.normalize.get(method) == self.normalize.get(other)
        return alike or key not in self.on_scale

    def undefined(self, method: str, key: str) -> int:
        """The number of sets on which a measure is undefined."""
        return int(np.isnan(self._drawn(method, key)).sum())

    def _drawn(self, method: str, key: str, argument: str = "method") -> NDArray[np.float64]:
        if not isinstance(method, str) or method not in self.replicates:
            raise InputError(
                f"expected one of {', '.join(self.replicates)}, found {method!r}",
                argument=argument,
            )
        if not isinstance(key, str) or key not in self.keys:
            raise InputError(
                f"expected one of {', '.join(self.keys)}, found {key!r}", argument="key"
            )
        return self.replicates[method][key]

    def _percentiles(self, drawn: NDArray[np.float64]) -> tuple[float, float]:
        defined = drawn[~np.isnan(drawn)]
        if defined.size == 0:
            return float("nan"), float("nan")
        outside = (1 - self.confidence) / 2
        low, high = np.quantile(defined, [outside, 1 - outside])
        return float(low), float(high)


def bootstrap(
    methods: Mapping[str, object],
    target: object = None,
    metrics: str | Iterable[str | Measure] | None = "ap,auroc,fpr95",
    *,
    replicates: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    bins: int = BINS,
    counts: str | Path | None = None,
    overwrite: bool = False,
    normalize: str | Mapping[str, str] | None = "none",
    protocol: str = "exact",
    jobs: int = 1,
    memory: int = DEFAULT_MEMORY,
    progress: Bar | None = None,
    **frames: Unpack[FrameOptions],
) -> Bootstrap:
    """Compute numbers of several methods with intervals, by resampling frames with replacement.

    Parameters
    ----------
    methods, target, metrics, normalize, protocol, jobs, **frames
        As in `compare`. Iterators are held in memory. For
        `aggregate="per_image"` the images' values are resampled.
    replicates : int
        R, how many sets of frames are drawn; the same sets for every method.
    seed : int
        Seed of the random sets; the same seed gives the same sets.
    confidence : float in (0, 1)
        Confidence of the percentile intervals.
    bins : int
        About how many thresholds the statistics of each frame are kept at; the scores of a method
        decide which. Between them a number is known to its bracket.
    counts : path, optional
        An HDF5 file for the frames' statistics. If it exists, it is used instead of the frames,
        provided that it was made from the same files with the same options but `replicates`,
        `seed` and `confidence` (fewer methods and metrics will do); otherwise it is refused.
    overwrite : bool
        Make `counts` anew where they do not fit, instead of refusing them.
    memory : int
        Bytes that the statistics may take; beyond it they are kept in a temporary file.
    progress : callable, optional
        `progress(title, steps)` returns a function that is called after each frame of two passes
        and after each replicate.

    Returns
    -------
    Bootstrap

    Raises
    ------
    InputError
        As in `compare`; for fewer than two frames, or a file of counts that does not fit.

    Notes
    -----
    Frames are gone through twice, once to choose the thresholds, and read once where they fit into
    an eighth of `memory`; replicates touch statistics only: O(R F bins) for F frames. A normaliser
    keeps the constants of all frames. Frames are the unit of resampling (Efron, 1979), as pixels of
    one frame are anything but independent.

    Examples
    --------
    >>> from mdmkit import bootstrap
    >>> frames = [([[0.1, 0.9]], [[0, 1]]), ([[0.2, 0.6]], [[0, 1]])]
    >>> bootstrap({"mine": frames}, metrics="ap", replicates=100).interval("mine", "ap")
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    check_options(bootstrap, frames, FRAME_OPTIONS)
    check_resampling(replicates, seed, confidence, bins)
    memory = as_bytes(memory)
    given = FrameSet.of(methods, target, **frames)
    choice = given.choice
    measures = as_protocol(protocol).adapt(given.measures(metrics))
    found = Bootstrap(
        tuple(measure.key for measure in measures),
        {},
        {},
        {},
        confidence,
        0,
        seed,
        aggregate=check_aggregate(choice.aggregate),
        normalize=normalizers(normalize, methods),
        on_scale=frozenset(measure.key for measure in measures if measure.on_scale),
    )
    draw = partial(draws_of, replicates=replicates, seed=seed)
    if choice.aggregate == "per_image":
        if counts is not None:
            raise InputError(
                "expected aggregate 'pooled', found 'per_image', whose images have one "
                "value each: there is nothing to keep",
                argument="counts",
            )
        evaluations = evaluate_methods(
            given,
            normalize=normalize,
            jobs=jobs,
            progress=progress,
            metrics=measures,
            memory=memory,
        )
        return _of_images(found, measures, evaluations, draw, given.remarks)
    measures = tuple(measure.in_bins for measure in measures)
    kinds = dict(found.normalize)
    needed = {s: m.key for m in reversed(measures) for s in m.statistics}
    record = record_of_frames(given, kinds, found.keys, needed, bins=bins, protocol=protocol)
    plan = CountsPlan(measures, given.loads, kinds, bins, memory, check_jobs(jobs))
    found, draws = replace(found, frames=plan.frames, bins=bins), draw(plan.frames)
    remarks: list[str] = []
    with plan.counts(counts, record, overwrite, progress) as counts_of:
        for method in methods:
            counted = counts_of(method)
            advance = begin(progress, f"{method}: replicates", replicates)
            try:
                remarks += _resample(found, method, measures, counted, draws, advance)
            except InputError as error:
                raise error.inside(method) from error
    return replace(found, remarks=(*given.remarks, *remarks))


def _resample(
    found: Bootstrap,
    method: str,
    measures: Sequence[Measure],
    counted: FrameCounts,
    draws: NDArray[np.int64],
    progress: Progress,
) -> list[str]:
    """Compute a method's numbers on all frames, and on each resampled set; returns remarks."""
    whole = counted.total()
    values, brackets, refused = {}, {}, {}
    for measure in measures:
        try:
            number = _compute(measure, whole)
        except RangeError as error:
            refused[measure.key] = str(error)
            number = measure.empty()
        value = values[measure.key] = float(number)
        low, high = number.bracket or (value, value)
        brackets[measure.key] = (float("nan") if low is None else low), high
    if len(refused) == len(measures):
        raise RangeError(next(iter(refused.values())))
    drawn: dict[str, list[float]] = {measure.key: [] for measure in measures}
    for sets in counted.resampled(draws):
        for measure in measures:
            known = measure.key not in refused
            drawn[measure.key] += (float(_compute(measure, s)) if known else nan for s in sets)
        for _ in sets:
            progress()
    found.values[method], found.brackets[method] = values, brackets
    found.replicates[method] = {key: np.array(numbers) for key, numbers in drawn.items()}
    found.refused[method] = refused
    look = Look.at(whole, values.get("auroc"), is_ranked(measures))
    return [f"{method}: {text}" for text in remarks_on(look, measures, values)]


def _compute(measure: Measure, sweeps: NormalizedTotals) -> Number:
    try:
        return computed(measure, sweeps)
    except NoTargetError:
        return measure.empty()


def _of_images(
    found: Bootstrap,
    measures: Sequence[Measure],
    evaluations: Mapping[str, Evaluation],
    draw: Callable[[int], NDArray[np.int64]],
    remarks: tuple[str, ...],
) -> Bootstrap:
    """Means over resampled images, of those where a measure is defined."""
    for method, evaluation in evaluations.items():
        try:
            result = evaluation.result()
        except InputError as error:
            raise error.inside(method) from error
        check_frames({name: len(e.of_images(found.keys[0])) for name, e in evaluations.items()})
        draws = draw(result.frames)
        found.refused[method] = dict(result.refused)
        found.values[method] = {m.key: float(result.numbers[m.key]) for m in measures}
        found.brackets[method] = {k: (v, v) for k, v in found.values[method].items()}
        found.replicates[method] = {
            m.key: _means(draws, evaluation.of_images(m.key))
            if m.key not in result.refused
            else np.full(len(draws), np.nan)
            for m in measures
        }
        remarks += tuple(f"{method}: {text}" for text in result.remarks)
    return replace(found, frames=draws.shape[1], remarks=remarks)


def _means(draws: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over images, of each set, where a value is defined; NaN without any."""
    defined = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(draws @ np.where(defined, values, 0) / (draws @ defined.astype(float)))


def check_resampling(
    replicates: int, seed: int, confidence: float = 0.95, bins: int = 4096
) -> None:
    """Refuse numbers that are none, before anything is counted."""
    as_integer(replicates, "replicates", 1, "a number")
    as_integer(seed, "seed", 0)
    as_integer(bins, "bins", 2, "a number")
    if not (isinstance(confidence, (int, float)) and 0 < confidence < 1):
        raise InputError(
            f"expected a number in (0, 1), found {confidence!r}", argument="confidence"
        )


def draws_of(frames: int, replicates: int, seed: int) -> NDArray[np.int64]:
    """Number of times that each set has each frame, shape (replicates, frames)."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(frames, size=(replicates, frames))
    rows = np.arange(replicates)[:, None]
    draws = np.zeros((replicates, frames), np.int64)
    np.add.at(draws, (rows, chosen), 1)
    return draws
