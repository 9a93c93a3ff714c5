"""Dask: frames that are loaded and swept by the workers of a cluster, or lie in bags and arrays.

Frames are cut into chunks, each of which one task sweeps; the evaluations that result are merged
in a tree. As merging is exact, the result has the same bits as that of one process, wherever and in
whichever order tasks ran, and however often one was repeated because a worker was lost.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask
from dask.delayed import Delayed, delayed

from mdmkit.core.errors import InputError, InputTypeError, listing
from mdmkit.core.extras import needed_by
from mdmkit.core.frame_streams import as_frame
from mdmkit.core.given import one_pair
from mdmkit.core.labels import LabelCodes
from mdmkit.core.progress import Progress, no_progress
from mdmkit.evaluation.threads import FrameErrors, G, Gathering, Load

if TYPE_CHECKING:
    from distributed import Client

#: Evaluations that one task merges; each may be large, and all are in memory together.
FAN_IN = 4
#: Frames of one task, at most: what a lost worker costs.
MOST_FRAMES = 8
#: Chunks a thread of the cluster, if there are frames enough, so that none waits long at the end.
ROUNDS = 4
#: Seconds until a scheduler must have answered, and have a worker.
PATIENCE = 30


@dataclass(frozen=True)
class Chunk:
    """Frames of one task.

    Attributes
    ----------
    loads : callable
        `loads(*values)` gives how to load each frame, from the values of the tasks in `needs`.
    needs : tuple of Delayed
    frames : int
        How many there are, where that is known beforehand.
    """

    loads: Callable[..., Iterable[Load]]
    needs: tuple[Delayed, ...] = ()
    frames: int = 0


@dataclass(frozen=True)
class Part:
    """Holds the result of some frames: an evaluation, or errors of those that cannot be used."""

    evaluation: Any
    errors: tuple[InputError, ...] = ()


class DaskFrames:
    """Frames in chunks, swept by Dask.

    Parameters
    ----------
    chunks : sequence of Chunk
    client : distributed.Client, optional
        Whose cluster works; by default the scheduler that Dask is configured for.
    """

    def __init__(self, chunks: Sequence[Chunk], client: Client | None = None) -> None:
        self.chunks = chunks
        self.client = client

    def parts(self, blank: Callable[[], G], progress: Progress = no_progress) -> Iterator[G]:
        """All frames in one part, merged on the cluster.

        Raises
        ------
        InputError
            Listing every frame that cannot be used.
        """
        # a task of its own: it travels once to each worker, and is known again when one is lost
        given = delayed(blank(), name=_key("settings"), traverse=False)
        swept = [
            _task("sweep", partial(_sweep, chunk.loads), given, *chunk.needs)
            for chunk in self.chunks
        ]
        part = self._value(_tree(given, swept), swept, progress)
        errors = FrameErrors()
        errors.found += part.errors
        errors.raise_all()
        yield part.evaluation

    def _value(self, total: Delayed, swept: Sequence[Delayed], progress: Progress) -> Any:
        if self.client is None:
            return dask.compute(total)[0]
        from distributed import as_completed

        # evaluations are let go as soon as they are merged; what tells of them is nothing
        heralds = [_task("done", _nothing, part) for part in swept]
        with warnings.catch_warnings():
            # to scatter the data, as Dask advises, would lose it with a worker
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
            future, *told = self.client.compute([total, *heralds])
        frames = {
            herald.key: chunk.frames for herald, chunk in zip(told, self.chunks, strict=False)
        }
        try:
            for herald in as_completed(told, loop=self.client.loop, raise_errors=False):
                if herald.status != "finished":
                    break
                for _ in range(frames[herald.key]):
                    progress()
            return future.result()
        except BaseException:
            self.client.cancel([future, *told])
            raise


def _task(name: str, function: Callable[..., Any], *arguments: Delayed) -> Delayed:
    """A task by a name that Dask's dashboard shows, and no result that is known already."""
    return delayed(function)(*arguments, dask_key_name=_key(name))


def _key(name: str) -> str:
    return f"mdmkit-{name}-{uuid4().hex}"


def _tree(given: Delayed, parts: list[Delayed]) -> Delayed:
    while len(parts) != 1:
        groups = [parts[i : i + FAN_IN] for i in range(0, max(len(parts), 1), FAN_IN)]
        parts = [_task("merge", _join, given, *group) for group in groups]
    return parts[0]


# ------------------------------------------------------------------------ what workers do


def _sweep(loads: Callable[..., Iterable[Load]], given: Gathering, *values: object) -> Part:
    """Count some frames. What is wrong with them is a result, not a failure to be tried again."""
    evaluation, errors = given.empty(), FrameErrors()
    for index, load in enumerate(loads(*values)):
        _, contribution = errors.attempt(index, load, evaluation.contribution)
        if contribution is not None:
            evaluation.add(contribution)
    if errors.found:
        return Part(None, tuple(map(_placed, errors.found)))
    return Part(evaluation)


def _join(given: Gathering, *parts: Part) -> Part:
    errors = tuple(error for part in parts for error in part.errors)
    if errors:
        return Part(None, errors)
    total = given.empty()  # tasks must not change what they are given
    for part in parts:
        assert part.evaluation is not None
        total.merge(part.evaluation)
    return Part(total)


def _nothing(part: Part) -> None:
    """Ignore a part that is done."""


def _placed(error: InputError) -> InputError:
    """Compose the error for a file that a worker does not see, naming the worker."""
    if not isinstance(error.__cause__, (FileNotFoundError, PermissionError)):
        return error
    from distributed import get_worker

    try:
        place = get_worker().address
    except ValueError:  # not on a cluster
        return error
    return type(error)(
        f"{error} (not seen by the worker {place}: workers need the same paths, from the root "
        "where they run in another folder)"
    )


# ------------------------------------------------------------------------ files on a cluster


def on_cluster(loads: Sequence[Load], client: Client, chunk: int | None = None) -> DaskFrames:
    """Frames to be loaded by the workers of a cluster, which must see files under the same paths.

    Parameters
    ----------
    loads : sequence of callable
        Each returns a frame, and can be pickled.
    client : distributed.Client
    chunk : int, optional
        Frames of one task; the default is by the size of the cluster, at most `MOST_FRAMES`.
    """
    if chunk is None:
        threads = max(sum(client.nthreads().values()), 1)
        chunk = min(max(len(loads) // (ROUNDS * threads), 1), MOST_FRAMES)
    cut = [tuple(loads[i : i + chunk]) for i in range(0, len(loads), chunk)]
    return DaskFrames([Chunk(partial(tuple, part), frames=len(part)) for part in cut], client)


@contextmanager
def connected(scheduler: object) -> Iterator[Client]:
    """A client of the scheduler at this address; or this client.

    Raises
    ------
    InputError
        If nobody answers there, no worker comes, or workers have another mdmkit.
    """
    with needed_by("scheduler"):
        from distributed import Client
    if isinstance(scheduler, Client):
        if scheduler.asynchronous:
            raise InputError(
                "expected a synchronous client, found an asynchronous one", argument="scheduler"
            )
        _check_workers(scheduler)
        yield scheduler
        return
    if not isinstance(scheduler, str):
        raise InputTypeError(
            f"expected an address or a distributed.Client, found {scheduler!r}",
            argument="scheduler",
        )
    try:
        client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"expected a Dask scheduler at {scheduler}, found: {error}", argument="scheduler"
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE)
        except (TimeoutError, asyncio.TimeoutError):  # two until Python 3.11
            raise InputError(
                f"expected workers at {scheduler}, found none in {PATIENCE} seconds",
                argument="scheduler",
            ) from None
        _check_workers(client)
        yield client


def _check_workers(client: Client) -> None:
    """Refuse workers of another version: bits are the same within one version only."""
    versions = client.run(_version, on_error="return")
    others = {worker: found for worker, found in versions.items() if found != _version()}
    if others:
        found = listing(f"{worker}: {other}" for worker, other in others.items())
        raise InputError(
            f"expected workers with mdmkit {_version()}, as here, found\n{found}",
            argument="scheduler",
        )


def _version() -> str:
    return version("mdmkit")


# ------------------------------------------------------------------------ bags and arrays


def in_collections(frames: Any, codes: LabelCodes) -> DaskFrames:
    """Frames of a bag, of arrays or of delayed pairs, which stay where they are.

    Parameters
    ----------
    frames : dask.bag.Bag, or sequence
        A bag of what `evaluate` takes; or a sequence of delayed ones, and of `(scores, target)` or
        `(scores, target, ignore)` with Dask arrays of shape (H, W) or (N, H, W); or one such pair.
    codes : LabelCodes

    Raises
    ------
    InputError
        Unequal or unknown shapes, or another collection.
    """
    if _is_bag(frames):
        chunks = [
            Chunk(partial(_of_items, codes, 0, f" of partition {number}"), (part,))
            for number, part in enumerate(frames.to_delayed())
        ]
        return DaskFrames(chunks)
    frames = one_pair(frames)
    if not isinstance(frames, (list, tuple)):
        raise InputTypeError(
            f"expected a bag, or a list of pairs of Dask arrays, found {type(frames).__name__}",
            argument="frames",
        )
    chunks, count = [], 0
    for index, item in enumerate(frames):
        if isinstance(item, Delayed):
            chunks.append(Chunk(partial(_of_one, codes, count), (item,), 1))
        elif isinstance(item, (list, tuple)) and len(item) in (2, 3):
            chunks += _stack_chunks(item, codes, index, count)
        else:
            raise InputTypeError(
                f"frames[{index}]: expected a delayed frame or a pair of Dask arrays, found "
                f"{type(item).__name__}"
            )
        count = sum(chunk.frames for chunk in chunks)
    return DaskFrames(chunks)


def _is_bag(value: object) -> bool:
    return type(value).__module__.startswith("dask.bag")


def _stack_chunks(item: Sequence[object], codes: LabelCodes, index: int, count: int) -> list[Chunk]:
    """Make a chunk of frames of each chunk of a stack along its first axis."""
    import dask.array as da

    names = ("scores", "target", "ignore")
    arrays = [da.asarray(array) for array in item]
    shape = arrays[0].shape
    for name, array in zip(names, arrays, strict=False):
        if array.ndim not in (2, 3) or array.size != array.size:  # NaN: chunks of unknown size
            raise InputError(
                f"{name} of frames[{index}]: expected a Dask array of known shape (H, W) or "
                f"(N, H, W), found {array.shape}"
            )
        if array.shape != shape:
            raise InputError(
                f"{name} of frames[{index}]: expected the shape of the scores {shape}, "
                f"found {array.shape}"
            )
    stacks = [array if array.ndim == 3 else array[None] for array in arrays]
    sizes = stacks[0].chunks[0]
    blocks = [
        stack.rechunk({0: sizes, 1: -1, 2: -1}).to_delayed().ravel().tolist() for stack in stacks
    ]
    starts = [count + sum(sizes[:number]) for number in range(len(sizes))]
    return [
        Chunk(partial(_of_stacks, codes, start), tuple(block), size)
        for start, size, block in zip(starts, sizes, zip(*blocks, strict=True), strict=True)
    ]


def _of_items(codes: LabelCodes, start: int, place: str, items: Iterable[object]) -> Iterator[Load]:
    for index, item in enumerate(items, start):
        name = f"frame {index}{place}"
        yield partial(as_frame, item, codes, name, name)


def _of_one(codes: LabelCodes, index: int, item: object) -> Iterator[Load]:
    return _of_items(codes, index, "", [item])


def _of_stacks(codes: LabelCodes, start: int, *stacks: Iterable[object]) -> Iterator[Load]:
    return _of_items(codes, start, "", zip(*stacks, strict=True))
