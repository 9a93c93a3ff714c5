"""bootstrap(): how sure a number is, given the frames that happened to be there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mdmkit.comparison import Load, loads_of, loads_of_arrays, normalizers
from mdmkit.component_grid import ComponentGrid
from mdmkit.components import ComponentSizes
from mdmkit.datasets import pair
from mdmkit.errors import InputError, NoTargetError
from mdmkit.frames import LabelCodes, Labels
from mdmkit.grid import Edges, GridSteps
from mdmkit.measures import Measure, parse_measures, recipes_of
from mdmkit.normalize import Normalizer, as_normalizer
from mdmkit.pixels import PixelGrid, PixelSweep
from mdmkit.pool import Pool
from mdmkit.recipes import MaskRecipe, PixelRecipe, Recipe
from mdmkit.sweeps import EarlyGrid, Grid, Sweeps

#: Thresholds at which the frames' statistics are kept; numbers between them carry a bracket.
CELLS = 4096


class Estimate(NamedTuple):
    """A number with its interval, as fractions; NaN where undefined."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Numbers of several methods on resampled frames.

    Attributes
    ----------
    keys : tuple of str
        The measures.
    values : dict of dict of float
        By method and measure: the number on all frames, once each.
    brackets : dict of dict of (float, float)
        By method and measure: where the exact number on all frames lies. The statistics are kept
        on a grid of thresholds, on which `values` and `replicates` are computed alike.
    replicates : dict of dict of ndarray of float64, shape (R,)
        By method and measure: the number on each resampled set, NaN where undefined there. The
        sets are the same for all methods, so that differences are paired.
    confidence : float

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

    def interval(self, method: str, key: str) -> Estimate:
        """A number with its percentile interval."""
        drawn = self._drawn(method, key)
        return Estimate(self.values[method][key], *self._percentiles(drawn))

    def difference(self, method: str, other: str, key: str) -> Estimate:
        """How far `method` lies above `other`, on the same resampled sets.

        An interval without 0 says that the lead is real, as far as these frames can tell.
        """
        drawn = self._drawn(method, key) - self._drawn(other, key)
        value = self.values[method][key] - self.values[other][key]
        return Estimate(value, *self._percentiles(drawn))

    def _drawn(self, method: str, key: str) -> NDArray[np.float64]:
        if method not in self.replicates:
            raise InputError(
                f"method: expected one of {', '.join(self.replicates)}, found {method!r}"
            )
        if key not in self.keys:
            raise InputError(f"key: expected one of {', '.join(self.keys)}, found {key!r}")
        return self.replicates[method][key]

    def _percentiles(self, drawn: NDArray[np.float64]) -> tuple[float, float]:
        defined = drawn[~np.isnan(drawn)]
        if defined.size == 0:
            return float("nan"), float("nan")
        outside = (1 - self.confidence) / 2
        low, high = np.quantile(defined, [outside, 1 - outside])
        return float(low), float(high)


class _FrameGrids:
    """Statistics of each frame on one grid: sums over any selection of frames, none read again."""

    def __init__(self, edges: Edges, normalizer: Normalizer, frames: Sequence[Sweeps]) -> None:
        self.edges = edges
        self.normalizer = normalizer
        self.frames = frames
        self._stacks = {
            recipe: [self._stack(parts) for parts in zip(*map(_parts, grids), strict=True)]
            for recipe, grids in self._by_recipe().items()
        }

    def _by_recipe(self) -> dict[Recipe, list[Any]]:
        recipes = self.frames[0].by_recipe
        return {recipe: [frame.by_recipe[recipe] for frame in self.frames] for recipe in recipes}

    @staticmethod
    def _stack(parts: Sequence[GridSteps]) -> NDArray[np.float64]:
        """Shape (frames, numbers). Their sums stay below 2^53, and are exact in float64."""
        flat = [np.hstack([p.totals.ravel(), p.low.ravel(), p.high.ravel()]) for p in parts]
        return np.stack(flat).astype(np.float64)

    def selected(self, times: NDArray[np.int64]) -> Sweeps:
        """The sweeps of a set that has each frame so many times."""
        used = [int(frame) for frame in np.flatnonzero(times)]
        by_recipe: dict[Recipe, Any] = {}
        for recipe, stacks in self._stacks.items():
            grids = [self.frames[frame].by_recipe[recipe] for frame in used]
            sums = [times[used].astype(np.float64) @ stack[used] for stack in stacks]
            by_recipe[recipe] = _weighted(grids, times[used], sums)
        refined = np.zeros(self.edges.size + 1, bool)
        exact = {recipe: grid.as_sweep(self.edges, None) for recipe, grid in by_recipe.items()}
        grid = Grid(self.edges, refined, by_recipe, self.edges)
        return Sweeps(int(times.sum()), exact, self.normalizer, grid)


def _parts(grid: PixelGrid | ComponentGrid) -> tuple[GridSteps, ...]:
    if isinstance(grid, ComponentGrid):
        return grid.siou, grid.ppv, grid.hits
    return (grid,)


def _weighted(
    grids: Sequence[Any], times: NDArray[np.int64], sums: Sequence[NDArray[np.float64]]
) -> PixelGrid | ComponentGrid:
    """A grid of the same kind from the sums of its parts' numbers."""
    parts = [_like([_parts(grid)[place] for grid in grids], row) for place, row in enumerate(sums)]
    if isinstance(grids[0], ComponentGrid):
        targets = int(sum(n * grid.targets for n, grid in zip(times, grids, strict=True)))
        largest = max(grid.largest for grid in grids)
        return ComponentGrid(grids[0].sizes, targets, largest, *parts)
    return parts[0]  # type: ignore[return-value]


def _like(parts: Sequence[GridSteps], row: NDArray[np.float64]) -> GridSteps:
    first = parts[0]
    shapes = (first.totals.shape, first.low.shape, first.high.shape)
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    totals, low, high = (
        piece.astype(np.int64).reshape(shape)
        for piece, shape in zip(np.split(row, ends[:-1]), shapes, strict=True)
    )
    smallest = min(part.smallest for part in parts)
    return type(first)(totals, low, high, smallest, max(part.largest for part in parts))


def balanced_edges(pixels: PixelSweep, cells: int) -> Edges:
    """At most `cells` scores with about as many anomalous, and as many normal, pixels between.

    Half of them divide each class: ranking metrics depend on the few anomalous pixels as much as
    on the many normal ones.
    """
    edges = [np.empty(0)]
    for column in (0, 1):
        counts = np.cumsum(pixels.changes[:, column])
        if counts[-1] > 0:
            wanted = np.linspace(1, counts[-1], cells // 2)
            places = np.searchsorted(counts, wanted).clip(0, counts.size - 1)
            edges.append(pixels.scores[places])
    return np.unique(np.concatenate(edges))


def _frame_grids(
    loads: Sequence[Load], recipes: Sequence[Recipe], kind: str, cells: int,
    tick: Callable[[], None],
) -> _FrameGrids:  # fmt: skip
    pool = Pool()
    for load in loads:
        pool.add(Sweeps.of(load(), [PixelRecipe()]))
        tick()
    total = pool.total().with_normalizer(as_normalizer(kind))
    edges = balanced_edges(total.pixels, cells)
    early = EarlyGrid(edges, edges, frozenset(recipes))
    frames = []
    for load in loads:
        frames.append(Sweeps.of(load(), recipes, early=early))
        tick()
    return _FrameGrids(edges, total.normalizer, frames)


def _compute(measure: Measure, sweeps: Sweeps) -> dict[str, Any]:
    try:
        return measure.compute(sweeps)
    except NoTargetError:
        return {measure.key: float("nan")}


def bootstrap(
    methods: Mapping[str, Any],
    target: str | Path | None = None,
    metrics: str | Iterable[str | Measure] = "ap,auroc,fpr95",
    *,
    replicates: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    cells: int = CELLS,
    min_prediction: int = 0,
    min_target: int = 0,
    normalize: str | Mapping[str, str] | None = "none",
    anomaly_label: Labels = 1,
    normal_label: Labels = 0,
    ignore_index: Labels = 255,
    missing: str = "error",
    key: str | None = None,
    tick: Callable[[str, int], Callable[[], None]] | None = None,
) -> Bootstrap:
    """Numbers of several methods with intervals, by resampling frames with replacement.

    Parameters
    ----------
    methods, target, metrics, min_prediction, min_target, normalize, anomaly_label, normal_label, \
ignore_index, missing, key
        As in `compare`; pooled metrics only. Iterators cannot be read twice and are refused.
    replicates : int
        R, how many sets of frames are drawn; the same sets for every method.
    seed : int
        Of the drawing: a seed always gives the same sets.
    confidence : float in (0, 1)
        Of the percentile intervals.
    cells : int
        How many thresholds the statistics of each frame are kept at; the scores of a method
        decide which. Between them a number is known to its bracket.
    tick : callable, optional
        `tick(method, frames)` returns a function that is called after each frame of two passes.

    Returns
    -------
    Bootstrap

    Raises
    ------
    InputError
        As `compare`; fewer than two frames.

    Notes
    -----
    Pixels are read twice, once to choose the thresholds; replicates touch statistics only:
    O(R F cells) for F frames. A normaliser keeps the constants of all frames. Frames are the unit
    of resampling (Efron, 1979), as pixels of one frame are anything but independent.

    Examples
    --------
    >>> from mdmkit import bootstrap
    >>> frames = [([[0.1, 0.9]], [[0, 1]]), ([[0.2, 0.6]], [[0, 1]])]
    >>> bootstrap({"mine": frames}, metrics="ap", replicates=100).interval("mine", "ap")
    Estimate(value=1.0, low=1.0, high=1.0)
    """
    _check(replicates, confidence, cells)
    codes = LabelCodes(normal_label, anomaly_label, ignore_index)
    measures = parse_measures(metrics, ComponentSizes(min_prediction, min_target))
    kinds = normalizers(normalize, methods)
    loads = _loads(methods, target, codes, missing, key)
    count = len(next(iter(loads.values())))
    if count < 2 or any(len(several) != count for several in loads.values()):
        raise InputError(
            f"frames: expected the same frames of each method, at least 2, found "
            f"{', '.join(f'{n}: {len(several)}' for n, several in loads.items())}"
        )
    recipes = recipes_of(measures)
    if any(isinstance(recipe, MaskRecipe) for recipe in recipes):
        raise InputError("metrics: expected metrics of counts or components, found a callable")
    draws = _draws(count, replicates, seed)
    found = Bootstrap(tuple(m.key for m in measures), {}, {}, {}, confidence)
    for method, several in loads.items():
        ticks = tick(method, 2 * count) if tick else (lambda: None)
        try:
            grids = _frame_grids(several, recipes, kinds[method], cells, ticks)
            _resample(found, method, measures, grids, draws)
        except InputError as error:
            raise type(error)(f"{method}: {error}") from error
    return found


def _resample(
    found: Bootstrap, method: str, measures: Sequence[Measure], grids: _FrameGrids,
    draws: NDArray[np.int64],
) -> None:  # fmt: skip
    whole = grids.selected(np.ones(draws.shape[1], np.int64))
    drawn = {measure.key: np.empty(len(draws)) for measure in measures}
    found.values[method], found.brackets[method] = {}, {}
    for measure in measures:
        values = _compute(measure, whole)
        value = values[measure.key]
        found.values[method][measure.key] = value
        bracket = values.get(f"{measure.key}_bracket")
        found.brackets[method][measure.key] = bracket or (value, value)
    for place, times in enumerate(draws):
        sweeps = grids.selected(times)
        for measure in measures:
            value = _compute(measure, sweeps)[measure.key]
            drawn[measure.key][place] = float("nan") if value is None or isnan(value) else value
    found.replicates[method] = drawn


def _check(replicates: int, confidence: float, cells: int) -> None:
    if replicates < 1:
        raise InputError(f"replicates: expected a number >= 1, found {replicates!r}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence: expected a number in (0, 1), found {confidence!r}")
    if cells < 2:
        raise InputError(f"cells: expected a number >= 2, found {cells!r}")


def _loads(
    methods: Mapping[str, Any], target: str | Path | None, codes: LabelCodes, missing: str,
    key: str | None,
) -> dict[str, list[Load]]:  # fmt: skip
    if target is not None:
        return loads_of(pair(methods, target, missing), codes, key)
    for name, frames in methods.items():
        if isinstance(frames, Iterator):
            raise InputError(f"{name}: expected frames that can be read twice, found an iterator")
    return loads_of_arrays(methods, codes)


def _draws(frames: int, replicates: int, seed: int) -> NDArray[np.int64]:
    """How often each frame is in each set, shape (replicates, frames); rows sum to `frames`."""
    rng = np.random.default_rng(seed)
    chosen = rng.integers(frames, size=(replicates, frames))
    rows = np.arange(replicates)[:, None]
    draws = np.zeros((replicates, frames), np.int64)
    np.add.at(draws, (rows, chosen), 1)
    return draws
