"""CountsPlan: where the frame counts of several methods come from: memory, a file, frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from mdmkit.core.errors import InputError
from mdmkit.core.files import as_path, check_output, write_atomically
from mdmkit.core.progress import Bar, begin
from mdmkit.evaluation.frame_set import FrameSet
from mdmkit.evaluation.threads import Load
from mdmkit.metrics.measures import AtThreshold, FprAtThreshold, MarginAt, Measure, statistics_of
from mdmkit.statistics.kinds import Statistic, has_bins
from mdmkit.statistics.normalizers import Unchanged, as_normalizer
from mdmkit.uncertainty.counts_file import (
    CountsFile,
    Record,
    fits,
    opened,
    record_of,
    temporary_file,
    written,
)
from mdmkit.uncertainty.frame_counts import (
    FrameCounts,
    InMemory,
    Room,
    chosen_edges,
    count_frames,
    needed_bytes,
)

#: Thresholds at which frames are counted; numbers between them carry a bracket.
BINS = 4096
#: `progress(title, steps)` returns a function that is called after each step.
CountsOf = Callable[[str], FrameCounts]


def check_frames(counts: Mapping[str, int]) -> int:
    """The number of frames: the same for each method, and at least two."""
    count = next(iter(counts.values()))
    if count < 2 or any(other != count for other in counts.values()):
        raise InputError(
            f"expected the same frames of each method, at least 2, found "
            f"{', '.join(f'{name}: {number}' for name, number in counts.items())}",
            argument="frames",
        )
    return count


def record_of_frames(
    given: FrameSet,
    kinds: Mapping[str, str],
    metrics: Sequence[str],
    statistics: Mapping[Statistic, str],
    *,
    bins: int = BINS,
    protocol: str = "exact",
) -> Record | None:
    """What the counts of frames depend on; None of arrays, whose changes are not seen."""
    if given.files is None:
        return None
    settings: Record = {
        "bins": bins,
        "normalize": dict(kinds),
        "protocol": protocol,
        "sizes": str(given.choice.sizes),
        "labels": str(given.choice.codes),
        "key": given.key,
    }
    return record_of(given.files, metrics, statistics, settings)


@dataclass(frozen=True)
class CountsPlan:
    """Says what is counted, and of which frames.

    Attributes
    ----------
    measures : tuple of Measure
    loads : mapping of str to sequence of callable
        How to load each method's frames.
    kinds : mapping of str to str
        The normaliser of each method.
    bins : int
        About how many thresholds there are.
    memory : int
        Bytes that the counts of one method may take.
    jobs : int
        Threads over frames.
    regular : bool
        Divide the range of thresholds too, as for margins.
    """

    measures: tuple[Measure, ...]
    loads: Mapping[str, Sequence[Load]]
    kinds: Mapping[str, str]
    bins: int
    memory: int
    jobs: int
    regular: bool = False

    @cached_property
    def frames(self) -> int:
        """Number of frames of each method."""
        return check_frames({name: len(several) for name, several in self.loads.items()})

    @cached_property
    def statistics(self) -> tuple[Statistic, ...]:
        """The statistics that are counted."""
        statistics = statistics_of(self.measures)
        unfit = [m.key for m in self.measures if not all(map(has_bins, m.statistics))]
        if unfit:
            raise InputError(
                "expected metrics whose counts are known in bins of thresholds where frames are "
                f"drawn anew, found {', '.join(unfit)}; leave them out, or give no intervals",
                argument="metrics",
            )
        return statistics

    @contextmanager
    def counts(
        self, path: str | Path | None, record: Record | None, overwrite: bool, progress: Bar | None
    ) -> Iterator[CountsOf]:
        """Make a function that gets the counts of a method: from frames, or from a file."""
        statistics = self.statistics
        if path is None:
            edges = 2 * self.bins  # some more than `bins` at most
            if needed_bytes(statistics, self.frames, edges) <= self.memory:
                yield partial(self._count, progress, InMemory())
                return
            with temporary_file() as file:
                yield lambda method: self._count(progress, file.room(method, spreads=False), method)
            return
        if record is None:
            raise InputError(
                "expected folders of score maps, whose changes are seen, found arrays",
                argument="counts",
            )
        path = as_path(path, "counts")
        if not path.exists() or (overwrite and not fits(path, record)):
            output = check_output(path, overwrite, "counts")

            def fill(file: CountsFile) -> None:
                for method in self.loads:
                    room = file.room(method, spreads=True)
                    file.keep(method, self._count(progress, room, method))

            write_atomically(output, lambda temporary: written(temporary, record, fill))
        with opened(path, record) as file:
            yield lambda method: file.read(method, statistics)

    def _count(self, progress: Bar | None, room: Room, method: str) -> FrameCounts:
        raw = [m.z for m in self.measures if isinstance(m, (AtThreshold, FprAtThreshold))]
        kind = as_normalizer(self.kinds[method])
        margins = self.regular or any(isinstance(measure, MarginAt) for measure in self.measures)
        try:
            return count_frames(
                self.loads[method],
                self.statistics,
                kind,
                partial(
                    chosen_edges,
                    bins=self.bins,
                    margins=margins,
                    thresholds=raw if kind is Unchanged else (),
                    rates=[measure.rates for measure in self.measures if measure.rates],
                ),
                room=room,
                memory=self.memory,
                jobs=self.jobs,
                progress=begin(progress, method, 2 * self.frames),
            )
        except InputError as error:
            raise error.inside(method) from error
