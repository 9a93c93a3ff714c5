"""LoadedFrames: frames that several passes look at, read once as long as they fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from mdmkit.core.arguments import as_bytes
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.progress import Progress, no_progress
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.shelf import shelved
from mdmkit.evaluation.threads import Load, Threads, in_order
from mdmkit.metrics.measures import Measure
from mdmkit.statistics.normalizers import Normalizer
from mdmkit.thresholds.counted_frame import ReadFrame

T = TypeVar("T")
F = TypeVar("F", bound="LoadedFrames")


@dataclass(frozen=True)
class LoadedFrames:
    """Frames of one method that are loaded, as often as it takes.

    Attributes
    ----------
    loads : sequence of callable
    memory : int
        Bytes that statistics may take.
    jobs : int
        Threads over frames.
    progress : callable
        Called after each frame of a pass.
    """

    loads: Sequence[Load]
    memory: int
    jobs: int = 1
    progress: Progress = no_progress

    @classmethod
    def kept(
        cls: type[F],
        loads: Sequence[Load],
        memory: int,
        jobs: int = 1,
        progress: Progress = no_progress,
    ) -> F:
        """The same, of which those that were read stay in a half of this memory."""
        return cls(shelved(loads, as_bytes(memory) // 2), memory, check_jobs(jobs), progress)

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.loads)

    def each(self, function: Callable[[ReadFrame], T], silently: bool = False) -> Iterator[T]:
        """Read them, and yield a function of each, in their order."""
        tasks = (partial(_of_read, load, function) for load in self.loads)
        for found in in_order(tasks, self.jobs):
            yield found
            if not silently:
                self.progress()

    def evaluated(
        self,
        measures: Sequence[Measure],
        normalize: str | Normalizer,
        sizes: ComponentSizes = ComponentSizes(),  # noqa: B008  (immutable)
    ) -> Evaluation:
        """Their evaluation, which looks closely where that makes numbers exact."""
        evaluation = Evaluation(
            measures,
            normalize=normalize,
            memory=self.memory,
            min_prediction=sizes.min_prediction,
            min_target=sizes.min_target,
        )
        evaluation.run(Threads(self.loads, self.jobs), again=True, progress=self.progress)
        return evaluation


def _of_read(load: Load, function: Callable[[ReadFrame], T]) -> T:
    return function(ReadFrame(load()))
