"""PixelScores: the scores of pixels, split by class and sorted, 4 or 8 bytes each.

Ranking metrics and margins need the normal pixels only as counts between the scores of anomalous
ones: AP and TPR change at these alone, the ROC is horizontal between two of them, and a metric that
rises with TP and falls with FP only falls there, so that it crosses a given T at most once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.named_arrays import AsArrays
from mdmkit.statistics.levels import Counts, Levels
from mdmkit.statistics.pixels import PixelCounts
from mdmkit.statistics.score_keys import (
    Keys,
    floor_keys,
    scores_of,
    sorted_keys,
    split_keys,
    split_keys_between,
    widened,
)

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame

#: d of TP and FP, elementwise.
OfCounts = Callable[[Counts, Counts], NDArray[np.float64]]

#: Anomalous pixels whose levels are looked at together.
BLOCK = 2**18
#: Anomalous pixels whose levels are kept, some 50 bytes each.
FEW = 2**21
#: Keys in one array at most, when there are many arrays of them.
CHUNK = 2**24
#: Keys that are sorted at a time, about.
STRETCH = 2**21


@dataclass(frozen=True, eq=False)
class PixelScores(AsArrays):
    """Scores of the pixels of one or more frames by class; exact, and merged by joining tuples.

    Attributes
    ----------
    normal_keys, anomalous_keys : tuple of ndarray of uint32 or uint64
        Sorted, all of one type; see `mdmkit.statistics.score_keys`. Fewer and longer arrays may
        take the place of many, holding the same pixels.

    Notes
    -----
    Costs one sort by digits a frame, O(P) for P pixels, and for each number one look at the scores
    in order. Memory: 4 bytes per pixel (8 for float64), and less than one more while numbers are
    computed.
    """

    normal_keys: tuple[Keys, ...]
    anomalous_keys: tuple[Keys, ...]

    @classmethod
    def of(cls, frame: Frame) -> PixelScores:
        """Sort the float32 or float64 scores of one frame, validating a deferred one."""
        normal, anomalous = split_keys(frame)
        return cls((normal,), (anomalous,))

    @classmethod
    def between(cls, frame: Frame, intervals: NDArray[np.float64]) -> PixelScores:
        """Take the pixels of one frame in any of the closed intervals of scores, shape (k, 2)."""
        normal, anomalous = split_keys_between(frame, intervals)
        return cls((normal,), (anomalous,))

    @classmethod
    def merged(cls, parts: Iterable[PixelScores]) -> PixelScores:
        """Pixels of all parts; of keys of both widths, the narrow ones are widened."""
        several = list(parts)
        normal = tuple(keys for part in several for keys in part.normal_keys)
        anomalous = tuple(keys for part in several for keys in part.anomalous_keys)
        if len({keys.itemsize for keys in anomalous}) > 1:
            normal, anomalous = tuple(map(widened, normal)), tuple(map(widened, anomalous))
        return cls(normal, anomalous)

    @property
    def anomalous(self) -> int:
        """Number of anomalous pixels."""
        return sum(keys.size for keys in self.anomalous_keys)

    @property
    def normal(self) -> int:
        """Number of normal pixels."""
        return sum(keys.size for keys in self.normal_keys)

    @property
    def extremes(self) -> tuple[float, float]:
        """Least and greatest score of all pixels; infinite where there are none."""
        some = [keys for keys in (*self.normal_keys, *self.anomalous_keys) if keys.size]
        least = min((float(scores_of(keys[:1])[0]) for keys in some), default=np.inf)
        return least, max((float(scores_of(keys[-1:])[0]) for keys in some), default=-np.inf)

    def joined(self) -> PixelScores:
        """Join the pixels into one sorted array per class."""
        self._join()
        return PixelScores((_sorted_together(list(self.normal_keys)),), self.anomalous_keys)

    def _join(self) -> None:
        """Put fewer and longer arrays in the place of many: all arrays are compared to all levels.

        In place, so that no pixel is held twice for long.
        """
        if len(self.anomalous_keys) > 1:
            together = _sorted_together(list(self.anomalous_keys))
            object.__setattr__(self, "anomalous_keys", (together,))
        arrays = list(self.normal_keys)
        if len(arrays) > 1 and len(arrays) * self.anomalous > 4 * self.normal:
            object.__setattr__(self, "normal_keys", ())
            object.__setattr__(self, "normal_keys", tuple(_in_chunks(arrays)))

    def levels(self) -> Iterator[Levels]:
        """All scores of anomalous pixels in descending order, in stretches of bounded size.

        Of few they are kept: several numbers are computed from them.
        """
        return iter(self._few_levels if self.anomalous <= FEW else self._all_levels())

    @cached_property
    def _few_levels(self) -> list[Levels]:
        return list(self._all_levels())

    def _all_levels(self) -> Iterator[Levels]:
        from mdmkit.statistics.kernels.split_scores import count_between, distinct

        self._join()
        (anomalous,) = self.anomalous_keys
        stops = [keys.size for keys in self.normal_keys]
        stop, before = anomalous.size, (0, 0)
        while stop > 0:
            start = int(np.searchsorted(anomalous, anomalous[max(stop - BLOCK, 0)]))
            levels, counts = anomalous[start:stop].copy(), np.empty(stop - start, np.int64)
            n = distinct(anomalous[start:stop], levels, counts)
            levels, between, at = levels[:n], np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
            for i, keys in enumerate(self.normal_keys):
                first = int(np.searchsorted(keys[: stops[i]], levels[0]))
                count_between(keys[first : stops[i]], levels, between, at)
                stops[i] = first
            found = Levels(levels[::-1], counts[n - 1 :: -1], at[::-1], between[:0:-1], before)
            yield found
            stop, before = start, (int(found.true[-1]), int(found.false[-1]))

    def score_of(self, key: object) -> float:
        """The score of a key."""
        return float(scores_of(np.asarray(key)[None])[0])

    def below(self, key: Any) -> float | None:
        """The greatest score below that of a key; None where there is none."""
        found = [
            keys[place - 1]
            for keys in (*self.normal_keys, *self.anomalous_keys)
            if (place := int(np.searchsorted(keys, key))) > 0
        ]
        return self.score_of(max(found)) if found else None

    def above(self, z: float) -> NDArray[np.int64]:
        """(TP, FP) of the prediction A > z, shape (2,)."""
        return np.array(
            [
                sum(_number_above(keys, z) for keys in arrays)
                for arrays in (self.anomalous_keys, self.normal_keys)
            ]
        )

    def rows(self) -> PixelCounts:
        """Counts at every distinct score: some 70 bytes each."""
        together = self.joined()
        return PixelCounts.of_classes(together.normal_keys[0], together.anomalous_keys[0])

    def deciding(self, d: OfCounts, t_margins: Sequence[float]) -> PixelCounts:
        """Counts at the scores at which d > T begins or ends to hold, for any of several T.

        Parameters
        ----------
        d : callable
            Of TP and FP; rises with TP, falls with FP. NaN: undefined, which passes no T.
        t_margins : sequence of float

        Returns
        -------
        PixelCounts
            Whether d > T at a threshold is told by the row above it, as by the rows of all scores.

        Notes
        -----
        Between two scores of anomalous pixels d falls: where it passes at the upper and fails at
        the lower end, the score at which it first fails is found by bisecting the keys. Where it
        is undefined at an end, every normal score between has a row.
        """
        required = np.asarray(t_margins, np.float64)[:, None]
        found: list[tuple[Keys, Counts, Counts]] = []
        top = _highest(self._dtype)
        last = np.zeros((2, 1), np.int64)
        for levels in self.levels():
            found += self._changes(levels, d, required, top)
            top, last = levels.keys[-1], np.array([[levels.true[-1]], [levels.false[-1]]])
        none = np.zeros(0, self._dtype), np.zeros(0, np.int64), np.zeros(0, np.int64)
        rest = np.array([self.normal - int(last[1, 0])])
        end = Levels(*none, none[1], (int(last[0, 0]), int(last[1, 0])))
        found += self._changes(end, d, required, top, rest)
        everything = floor_keys([self.extremes[0]], self._dtype)  # the totals of both classes
        found.append((everything, np.array([self.anomalous]), np.array([self.normal])))
        keys, true, false = (np.concatenate(part) for part in zip(none, *found, strict=True))
        keys, first = np.unique(keys, return_index=True)
        totals = np.stack([true[first], false[first]], axis=1)[::-1]
        return PixelCounts.from_totals(scores_of(keys[::-1]), totals)

    @property
    def _dtype(self) -> np.dtype[Any]:
        return self.anomalous_keys[0].dtype

    def _changes(
        self, levels: Levels, d: OfCounts, required: Any, top: Any, rest: Counts | None = None
    ) -> list[tuple[Keys, Counts, Counts]]:
        """Keys, TP and FP of the rows of one stretch; `rest`: normal pixels below its last level.

        Its states: the last one before, then in turn the lower end of the run of normal scores
        above a level, and the level.
        """
        runs = levels.between if rest is None else np.append(levels.between, rest)
        true, false = (
            np.append(start, np.repeat(counts, 2))
            for start, counts in zip(levels.before, (levels.true, levels.false), strict=True)
        )
        if rest is not None:
            true, false = np.append(true, true[-1]), np.append(false, false[-1])
        false[1::2] = false[:-1:2] + runs
        true[1::2] = true[:-1:2]
        values = d(true, false)
        passes = values > required
        changed = (passes[:, 1:] != passes[:, :-1]).any(axis=0)
        rows = []
        at = np.flatnonzero(changed[1::2])
        rows.append((levels.keys[at], true[2 * at + 2], false[2 * at + 2]))
        undefined = np.isnan(values)
        unknown = (undefined[:-1:2] | undefined[1::2])[: runs.size] & (runs > 0)
        upper, lower = np.append(top, levels.keys), np.append(levels.keys, _lowest(self._dtype))
        rows += [
            self._every_normal(lower[run], upper[run], true[2 * run])
            for run in np.flatnonzero(unknown)
        ]
        for verdicts, t in zip(passes, required, strict=True):
            ends = verdicts[:-1:2][: runs.size] & ~verdicts[1::2] & ~unknown
            run = np.flatnonzero(ends)
            if run.size:
                rows.append(self._first_failing(d, t, lower[run], upper[run], true[2 * run]))
        return rows

    def _first_failing(
        self, d: OfCounts, t: Any, low: Keys, high: Keys, true: Counts
    ) -> tuple[Keys, Counts, Counts]:
        """The greatest keys between `low` and `high` down to which d does not exceed T any more.

        Together: 32 or 64 looks at every array, whatever the number of keys.
        """
        one = low.dtype.type(1)
        failing, passing = low + one, high  # A >= failing fails, A >= passing passes
        while (passing - failing > one).any():
            middle = failing + (passing - failing) // low.dtype.type(2)
            passes = d(true, self._false(middle)) > t
            failing, passing = np.where(passes, failing, middle), np.where(passes, middle, passing)
        return failing, true, self._false(failing)

    def _false(self, keys: Keys) -> Counts:
        """FP of the predictions down to these keys."""
        counts = np.zeros(keys.size, np.int64)
        for array in self.normal_keys:
            counts += array.size - np.searchsorted(array, keys)
        return counts

    def _every_normal(self, low: Any, high: Any, true: int) -> tuple[Keys, Counts, Counts]:
        """All different keys of normal pixels between two."""
        slices = [
            keys[np.searchsorted(keys, low, side="right") : np.searchsorted(keys, high)]
            for keys in self.normal_keys
        ]
        keys = np.unique(np.concatenate(slices))
        return keys, np.full(keys.size, true), self._false(keys)


def _highest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(np.iinfo(dtype).max)


def _lowest(dtype: np.dtype[Any]) -> Any:
    return dtype.type(0)  # a NaN's: no finite score has it


def _number_above(keys: Keys, z: float) -> int:
    return int(keys.size - np.searchsorted(keys, floor_keys(z, keys.dtype), side="right"))


def _sorted_together(arrays: list[Keys]) -> Keys:
    """One sorted array of the keys of several sorted ones, a stretch of scores at a time.

    Beside the keys it takes as much as they do, and not twice that: sorting needs a spare array.
    """
    if len(arrays) == 1:
        return arrays[0]
    whole = np.empty(sum(keys.size for keys in arrays), arrays[0].dtype)
    filled, starts = 0, [0] * len(arrays)
    for stops in _stretches(arrays):
        pieces = [keys[i:j] for keys, i, j in zip(arrays, starts, stops, strict=True)]
        stretch = sorted_keys(np.concatenate(pieces))
        whole[filled : filled + stretch.size] = stretch
        filled, starts = filled + stretch.size, stops
    return whole


def _stretches(arrays: list[Keys]) -> Iterator[list[int]]:
    """Where stretches of about `STRETCH` keys end in each of several sorted arrays."""
    count = sum(keys.size for keys in arrays) // STRETCH
    if count:
        drawn = np.sort(np.concatenate([keys[:: 1 + keys.size // (8 * count)] for keys in arrays]))
        for cut in np.unique(drawn[np.arange(1, count + 1) * drawn.size // (count + 1)]):
            yield [int(np.searchsorted(keys, cut)) for keys in arrays]
    yield [keys.size for keys in arrays]


def _in_chunks(arrays: list[Keys]) -> Iterator[Keys]:
    """Sorted arrays in the place of several, which are taken off the list."""
    while arrays:
        group = [arrays.pop()]
        while arrays and sum(keys.size for keys in group) + arrays[-1].size <= CHUNK:
            group.append(arrays.pop())
        yield _sorted_together(group)
