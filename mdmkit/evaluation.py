"""Evaluation: all of a method's numbers in one pass over frames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mdmkit import grid
from mdmkit.components import ComponentSizes, count_targets
from mdmkit.curves import ThresholdCurve
from mdmkit.distribution import Distribution
from mdmkit.errors import InputError, NoTargetError, RangeError
from mdmkit.frames import Frame, LabelCodes, Labels, as_frames
from mdmkit.measures import (
    AtThreshold,
    FprAtThreshold,
    Measure,
    Values,
    parse_measures,
    recipes_of,
)
from mdmkit.metrics import Metric
from mdmkit.normalize import Normalizer, Unchanged, as_normalizer
from mdmkit.pixels import PixelSweep
from mdmkit.pool import DEFAULT_MEMORY, Pool, sweep_frames
from mdmkit.protocols import as_protocol
from mdmkit.recipes import ComponentRecipe, MaskRecipe, PixelRecipe
from mdmkit.results import Result
from mdmkit.sweeps import EarlyGrid, Sweeps, check_valid
from mdmkit.through import with_bands

AGGREGATES = ("pooled", "per_image")
UNLIMITED = 2**62  # one frame is always known exactly
Each = Callable[[Callable[[Frame], Any], Callable[[Frame], None]], Iterator[Any]]


def check_aggregate(aggregate: Any) -> str:
    """One of `AGGREGATES`."""
    if aggregate not in AGGREGATES:
        raise InputError(f"aggregate: expected one of {', '.join(AGGREGATES)}, found {aggregate!r}")
    return str(aggregate)


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one frame adds to an evaluation."""

    pixels: int
    anomalous_pixels: int
    components: int
    sweeps: Sweeps | None = None  # pooled
    values: Values = field(default_factory=dict)  # per image
    refused: dict[str, str] = field(default_factory=dict)
    no_target: dict[str, NoTargetError] = field(default_factory=dict)


class Evaluation:
    """Gathers the statistics of a method's frames, and computes its numbers from them.

    Parameters
    ----------
    metrics : str, or iterable of str or Measure, optional
        Measure names (see `mdmkit.measures`); the default is every metric, MDM at 0.5 and 0.7.
    min_prediction, min_target : int
        Component sizes in pixels, for component metrics.
    normalize : {"none", "minmax", "sigmoid", "rank"}
    aggregate : {"pooled", "per_image"}
        One set of all pixels and components; or the mean over images.
    method : str
        Name of the method.
    protocol : {"exact", "smiyc", "maskomaly-release"}
        Whose conventions the numbers follow; see `mdmkit.protocols`.
    band : float or sequence of float, optional
        Widths in pixels: adds AP, FPR95 and best F1 near ground-truth borders.
    memory : int
        Bytes that the sweeps may take; beyond it they fall on a grid of thresholds, and numbers
        carry brackets.

    Raises
    ------
    InputError
        Unknown names, or numbers out of range.

    Notes
    -----
    `contribution` may run in several threads; `add` takes what it returns, in any order with the
    same result to the last bit.

    Examples
    --------
    >>> from mdmkit import Evaluation, Frame
    >>> evaluation = Evaluation("ap,mdm_f1@0.5")
    >>> evaluation.update(Frame([[0.1, 0.9]], [[0, 1]]))
    >>> evaluation.add(evaluation.contribution(Frame([[0.3, 0.7]], [[0, 1]])))
    >>> result = evaluation.result()
    >>> result.frames, result["ap"], result["mdm_f1@0.5_interval"]
    (2, 1.0, (0.0, 0.9))
    """

    def __init__(
        self,
        metrics: str | Iterable[str | Measure] | None = None,
        *,
        min_prediction: int = 0,
        min_target: int = 0,
        normalize: str | None = "none",
        aggregate: str = "pooled",
        method: str = "",
        protocol: str = "exact",
        band: float | Sequence[float] | None = None,
        memory: int = DEFAULT_MEMORY,
    ) -> None:
        self.sizes = ComponentSizes(min_prediction, min_target)
        self.protocol = as_protocol(protocol)
        asked = self.protocol.adapt(parse_measures(metrics, self.sizes))
        self.measures = with_bands(asked, band)
        self.recipes = recipes_of(self.measures)
        self.kind = as_normalizer(normalize)
        self.aggregate = check_aggregate(aggregate)
        self.method = method
        self._fitted: Normalizer | None = (
            None if self.kind.needs_fit else self.kind.fitted(PixelSweep.none())
        )
        self.memory = memory
        self._pool = self._empty_pool(memory)
        self._early: EarlyGrid | None = None
        self._frames: list[Contribution] = []  # without their sweeps

    def _empty_pool(self, memory: int) -> Pool:
        raw = [m.z for m in self.measures if isinstance(m, (AtThreshold, FprAtThreshold))]
        return Pool(memory, raw if self.kind is Unchanged else ())

    @property
    def needs_fit(self) -> bool:
        """Whether the normaliser's constants are needed before frames can contribute."""
        on_masks = any(isinstance(recipe, MaskRecipe) for recipe in self.recipes)
        return self._fitted is None and (self.aggregate == "per_image" or on_masks)

    def fit(self, frames: Iterable[Frame]) -> None:
        """Take the normaliser's constants from a first pass over the frames."""
        self._fitted = sweep_frames(frames, [PixelRecipe()], self.kind).normalizer

    def plan(self, frame: Frame) -> None:
        """See by a first frame, where all can be read twice, whether a grid is the shorter way.

        Statistics at every one of many scores cost more than those at the thresholds of a grid
        and, in a second pass, at the few scores where that leaves something open. Changed frames
        have few scores or few pixels, and are swept at every score.
        """
        recipes = {r for r in self.recipes if isinstance(r, (PixelRecipe, ComponentRecipe))}
        for measure in self.measures:
            if not measure.refinable:
                recipes -= set(measure.recipes)
        if self.kind.needs_fit:
            recipes.discard(PixelRecipe())
        if self.aggregate != "pooled" or not recipes or frame.scores.dtype.itemsize <= 2:
            return
        pixels = PixelSweep.of(frame)
        if pixels.scores.size > grid.CELLS:
            self._early = EarlyGrid(
                *self._pool.choose_edges(pixels, grid.COARSER), frozenset(recipes)
            )

    def _grid_from_the_start(self) -> EarlyGrid | None:
        """What of a frame need only be known on a grid; pixels, too, once memory is used up."""
        pool, early = self._pool, self._early
        if not pool.over_budget or pool.edges is None or pool.rows is None:
            return early
        recipes = early.recipes if early else frozenset()
        return EarlyGrid(pool.edges, pool.rows, recipes | {PixelRecipe()})

    def contribution(self, frame: Frame) -> Contribution:
        """Sweep one frame; changes nothing here."""
        sweeps = self._sweeps_of(frame) if self.aggregate == "pooled" else self._image(frame)
        own = sweeps.by_recipe.get(ComponentRecipe(self.sizes))
        components = own.targets if own else count_targets(frame, self.sizes.min_target)
        counts = (frame.pixels, frame.anomalous_pixels, components)
        if self.aggregate == "pooled":
            return Contribution(*counts, sweeps)
        values: Values = {}
        refused: dict[str, str] = {}
        no_target: dict[str, NoTargetError] = {}
        for measure in self.measures:
            try:
                values[measure.key] = measure.compute(sweeps)[measure.key]
            except RangeError as error:
                refused[measure.key] = str(error)
            except NoTargetError as error:
                values[measure.key] = float("nan")
                no_target[measure.key] = error
        return Contribution(*counts, None, values, refused, no_target)

    def _sweeps_of(self, frame: Frame) -> Sweeps:
        return Sweeps.of(frame, self.recipes, self._fitted, self._grid_from_the_start())

    def _image(self, frame: Frame) -> Sweeps:
        """The sweeps of a frame as of a data set of its own, exact and normalised."""
        image = copy(self)
        image.aggregate = "pooled"
        image._pool, image._early = self._empty_pool(UNLIMITED), None
        image.plan(frame)
        image._pool.add(image._sweeps_of(frame))
        image._frames = [Contribution(0, 0, 0)]
        if image.undecided():
            image.add_second_look(image.second_look(frame))
        return image._pool.total().with_normalizer(self._fitted or self.kind)

    def add(self, contribution: Contribution) -> None:
        """Count what one frame contributes."""
        if contribution.sweeps is not None:
            self._pool.add(contribution.sweeps)
        self._frames.append(replace(contribution, sweeps=None))

    def update(self, frame: Frame) -> None:
        """Sweep and count one frame."""
        self.add(self.contribution(frame))

    def run(self, each: Each, again: bool, tick: Callable[[], None] = lambda: None) -> None:
        """Evaluate all frames, in two passes where that is shorter or makes numbers exact.

        Parameters
        ----------
        each : callable
            `each(function, prepare)` yields `function(frame)` of every frame in their order, in as
            many threads as it likes, after `prepare(frame)` of the first.
        again : bool
            Whether the frames can be read more than once.
        tick : callable, optional
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
            self.fit(each(_itself, _nothing))
        for contribution in each(self.contribution, self.plan if again else _nothing):
            self.add(contribution)
            tick()
        if again and self.undecided():
            for part in each(self.second_look, _nothing):
                self.add_second_look(part)

    def undecided(self) -> bool:
        """Begin a second pass, if one over the same frames can make numbers exact."""
        if self.aggregate != "pooled" or not self._frames or self._pool.edges is None:
            return False
        sweeps = self.sweeps()
        wanted = [measure.undecided(sweeps) for measure in self.measures]
        cells = [cell for cell in wanted if cell is not None]
        if not cells:
            return False
        self._pool.refine(np.logical_or.reduce(cells))
        return True

    def second_look(self, frame: Frame) -> Sweeps:
        """What one frame adds to a second pass; changes nothing here."""
        return self._pool.inside(frame, self.recipes)

    def add_second_look(self, part: Sweeps) -> None:
        """Count what one frame adds to a second pass."""
        self._pool.add_inside(part)

    def curve(self, metric: Metric) -> ThresholdCurve:
        """d(z) of all frames so far, for a metric whose sweep was asked for (pooled only)."""
        try:
            return self.sweeps().curve(metric)
        except InputError as error:
            raise type(error)(f"{self.method}: {error}" if self.method else str(error)) from error

    def sweeps(self) -> Sweeps:
        """Everything counted so far, normalised (pooled only)."""
        if self.aggregate != "pooled":
            raise InputError("aggregate: curves of a whole data set exist only for 'pooled'")
        total = self._pool.total()
        check_valid(total.pixels)
        return total.with_normalizer(self._fitted or self.kind)

    def result(self) -> Result:
        """All numbers of what was counted so far.

        Raises
        ------
        InputError
            Without valid pixels, or where nothing that was asked for can be computed.
        """
        if not self._frames:
            raise InputError("frames: expected at least one frame, found none")
        pixels = sum(frame.pixels for frame in self._frames)
        if pixels == 0:
            raise InputError("target: expected at least one valid pixel, found all pixels ignored")
        compute = self._pooled_values if self.aggregate == "pooled" else self._image_values
        values, refused = compute()
        if len(refused) == len(self.measures):
            raise RangeError(next(iter(refused.values())))
        return Result(
            method=self.method,
            frames=len(self._frames),
            pixels=pixels,
            anomalous_pixels=sum(frame.anomalous_pixels for frame in self._frames),
            components=sum(frame.components for frame in self._frames),
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

    def _pooled_values(self) -> tuple[Values, dict[str, str]]:
        values: Values = {}
        refused: dict[str, str] = {}
        sweeps = self.sweeps()
        for measure in self.measures:
            try:
                values |= measure.compute(sweeps)
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
            reasons = [f.refused[key] for f in self._frames if key in f.refused]
            if reasons:
                refused[key] = reasons[0]
                continue
            if all(key in frame.no_target for frame in self._frames):
                raise self._frames[0].no_target[key]
            images = Distribution.of(frame.values[key] for frame in self._frames)
            values[key] = images.mean
            values[f"{key}_images"] = images.to_dict()
        return values, refused


def _itself(frame: Frame) -> Frame:
    return frame


def _nothing(frame: Frame) -> None:
    pass


def one_by_one(frames: Callable[[], Iterable[Frame]]) -> Each:
    """How to go through frames in this thread; `frames` is called for each pass."""

    def each(function: Callable[[Frame], Any], prepare: Callable[[Frame], None]) -> Iterator[Any]:
        for index, frame in enumerate(frames()):
            if index == 0:
                prepare(frame)
            yield function(frame)

    return each


def _plain(value: Any) -> Any:
    """Undefined numbers as None, and so are brackets of them."""
    numbers = value if isinstance(value, tuple) else (value,)
    undefined = any(isinstance(number, float) and number != number for number in numbers)
    return None if undefined else value


def evaluate(
    frames: Iterable[Any],
    metrics: str | Iterable[str | Measure] | None = None,
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
    band: float | Sequence[float] | None = None,
    memory: int = DEFAULT_MEMORY,
) -> Result:
    """All numbers of one method.

    Parameters
    ----------
    frames : iterable of Frame, (scores, target) or (scores, target, ignore)
        See `Frame`. An iterator is read once and never held; per-image evaluation with a
        normaliser that looks at all scores (`minmax`, `rank`) needs a list.
    metrics : str, or iterable of str, optional
        Measure names (see `mdmkit.measures`): `ap`, `auroc`, `fpr95`, `best_f1`, `siou_gt`,
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
        `mdmkit.protocols`. Measures that a protocol does not know stay exact.
    band : float or sequence of float, optional
        Widths W in pixels, at least 1. Adds `ap@band=W`, `fpr95@band=W`, `best_f1@band=W`: only
        pixels whose Euclidean distance to the nearest pixel of the other class (anomalous or
        normal) is at most W count; see `mdmkit.changes.Band`. Exact under every protocol.
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
    evaluation = Evaluation(
        metrics,
        min_prediction=min_prediction,
        min_target=min_target,
        normalize=normalize,
        aggregate=aggregate,
        method=method,
        protocol=protocol,
        band=band,
        memory=memory,
    )
    again = not isinstance(frames, Iterator)
    evaluation.run(one_by_one(lambda: as_frames(frames, codes)), again)
    return evaluation.result()
