"""Executors: threads of this process, or the workers of a cluster, that go through frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from mdmkit.core.arguments import as_integer, check_kind
from mdmkit.core.errors import InputError
from mdmkit.core.given import given_frames
from mdmkit.core.labels import LabelCodes
from mdmkit.evaluation.threads import Frames, Load, OneByOne, Threads


def check_jobs(jobs: object) -> int:
    """A number of threads."""
    return as_integer(jobs, "jobs", 1, "a number of threads")


@contextmanager
def engine_for(jobs: object, scheduler: object) -> Iterator[Callable[[Sequence[Load]], Frames]]:
    """Threads, or the workers of a Dask cluster, for frames that are still to be loaded.

    Parameters
    ----------
    jobs : int
        Threads of this process.
    scheduler : str, distributed.Client or None
        Address of a Dask scheduler, to which the connection lasts as long as this context.
    """
    jobs = check_jobs(jobs)
    if scheduler is None:
        yield partial(Threads, jobs=jobs)
        return
    if jobs != 1:
        raise InputError(
            f"expected none beside a scheduler, whose workers have their own, found {jobs}",
            argument="jobs",
        )
    from mdmkit.evaluation.dask import connected, on_cluster

    with connected(scheduler) as client:
        yield partial(on_cluster, client=client)


def frames_of(
    frames: object, codes: LabelCodes, target: object = None, invert: bool = False
) -> Frames:
    """Frames in memory or of an iterator, see `given_frames`; or in collections of Dask."""
    check_kind(invert, (bool,), "invert")
    if _is_lazy(frames):
        if invert:
            raise InputError(
                "expected False of collections of Dask, found True; give 1 - scores",
                argument="invert",
            )
        from mdmkit.evaluation.dask import in_collections

        return in_collections(frames if target is None else [(frames, target)], codes)
    return OneByOne(lambda: given_frames(frames, target, codes=codes, invert=invert))


def _is_lazy(frames: object, depth: int = 2) -> bool:
    """Whether these are collections of Dask, or a list with some, or with pairs of some."""
    if isinstance(frames, (list, tuple)):
        return depth > 0 and any(_is_lazy(item, depth - 1) for item in frames)
    graph = getattr(frames, "__dask_graph__", None)  # Dask's own protocol, without Dask
    return callable(graph) and graph() is not None
