"""Engines: who goes through frames that lie in files, here or on a cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from mdmkit.errors import InputError
from mdmkit.passes import Frames
from mdmkit.threads import Load, Threads


def check_jobs(jobs: Any) -> int:
    """A number of threads."""
    if isinstance(jobs, bool) or not isinstance(jobs, (int, np.integer)) or jobs < 1:
        raise InputError(f"jobs: expected a number of threads >= 1, found {jobs!r}")
    return int(jobs)


@contextmanager
def engine_for(jobs: Any, scheduler: Any) -> Iterator[Callable[[Sequence[Load]], Frames]]:
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
            f"jobs: expected none beside a scheduler, whose workers have their own, found {jobs}"
        )
    from mdmkit.integrations.dask import connected, on_cluster

    with connected(scheduler) as client:
        yield partial(on_cluster, client=client)
