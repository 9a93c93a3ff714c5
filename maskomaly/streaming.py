"""Work ahead of what consumes it, in bounded memory: images are read while the network runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

#: Decoding and resizing release Python's lock; more threads would only take the network's cores.
THREADS = 2


def work_ahead(
    items: Iterable[T], work: Callable[[T], R], ahead: int, threads: int = THREADS
) -> Iterator[R]:
    """Results of `work` on each item, in order, at most `ahead` of them before they are asked for.

    An error, of the work or of the items themselves, is raised in its turn, after the results of
    all items before it.
    """
    source: Iterator[T | Future[R]] = _kept_errors(items)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[R]] = deque()
        try:
            while True:
                for item in islice(source, ahead - len(waiting)):
                    waiting.append(item if isinstance(item, Future) else pool.submit(work, item))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _kept_errors(items: Iterable[T]) -> Iterator[T | Future[R]]:
    """The items; an error that getting one raises becomes a failed future, the last."""
    try:
        yield from items
    except Exception as error:
        failed: Future[R] = Future()
        failed.set_exception(error)
        yield failed


def in_like_batches(
    items: Iterable[T],
    like: Callable[[T], object],
    run: Callable[[Sequence[T]], Iterable[R]],
    batch: int,
    window: int,
) -> Iterator[R]:
    """Results of each item, in order, where only like items may run together.

    Parameters
    ----------
    items : iterable
    like : callable
        Items of equal `like` may share a batch.
    run : callable
        From a batch to its results, one an item.
    batch : int
        Items of a batch at most.
    window : int
        Items and results held at once, at most: how far ahead partners of a batch are sought.
    """
    kept: Iterator[T | Future[R]] = _kept_errors(items)
    numbered = enumerate(kept)
    waiting: dict[int, T | Future[R]] = {}
    done: dict[int, R] = {}
    wanted = 0
    while True:
        waiting.update(islice(numbered, max(0, window - len(waiting) - len(done))))
        if wanted not in done:
            if wanted not in waiting:
                return
            first = waiting[wanted]
            if isinstance(first, Future):
                first.result()  # raises
                return
            alike = {
                place: item
                for place, item in waiting.items()
                if not isinstance(item, Future) and like(item) == like(first)
            }
            places = list(alike)[:batch]
            results = run([alike[place] for place in places])
            for place in places:
                del waiting[place]
            done.update(zip(places, results, strict=True))
        yield done.pop(wanted)
        wanted += 1
