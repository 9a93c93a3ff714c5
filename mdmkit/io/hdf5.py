"""HDF5 as SegmentMeIfYouCan's tools write it: one data set, named `value`.

A damaged file may end the process that reads it, in the HDF5 library itself: files are read by
processes of their own, so that such a file is named as any other that cannot be read.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Timer

import numpy as np

from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.extras import needed_by
from mdmkit.core.records import Json
from mdmkit.core.types import Array
from mdmkit.io.formats import Format

DEFAULT_KEY = "value"
_CHILD = Path(__file__).with_name("hdf5_child.py")
_PATIENCE = 300.0  # seconds for one file
_PIPE = 1 << 20  # bytes that a pipe may hold: a map goes through in few pieces


class _Reader:
    """A process that reads one file after the other."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  (our own file)
            [sys.executable, str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=_PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def read(self, path: Path, key: str) -> Array:
        """The data set of that key."""
        timer = Timer(_PATIENCE, self._process.kill)
        timer.daemon = True
        timer.start()
        where = str(path.absolute())  # our folder may have changed since that process began
        try:
            head, data = self._answer(json.dumps({"path": where, "key": key}))
        finally:
            timer.cancel()
        if "keys" in head:
            raise InputError(f"{path}: expected the data set {key!r}, found {head['keys']}")
        if "type" in head:
            raise InputTypeError(f"{path}: expected numbers in {key!r}, found {head['type']}")
        if "library" in head:
            raise ModuleNotFoundError(name=head["library"])
        if "error" in head:
            raise ValueError(head["error"])
        return data

    def _answer(self, request: str) -> tuple[Json, Array]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._ended(), np.empty(0)
        answer = self._process.stdout.readline()
        head = json.loads(answer) if answer.endswith(b"\n") else self._ended()
        data = np.empty(head.get("shape", 0), head.get("dtype", np.uint8))
        flat = memoryview(data.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        whole = self._process.stdout.readinto(flat) == data.nbytes  # type: ignore[attr-defined]
        return (head if whole else self._ended()), data

    @property
    def alive(self) -> bool:
        """Whether it may be asked again."""
        return self._process.poll() is None

    def _ended(self) -> Json:
        """Describe how a process ended without an answer."""
        code = self._process.wait()
        return {"error": f"a damaged one, on which the HDF5 library ended (exit code {code})"}

    def close(self) -> None:
        """Let it end, whatever it does."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # what it was asked and did not read any more
                    stream.close()
        self._process.wait()


#: Readers that wait for work.
_idle: list[_Reader] = []


@atexit.register
def _close() -> None:
    while _idle:
        _idle.pop().close()


if hasattr(os, "register_at_fork"):  # two processes must not share one reader
    os.register_at_fork(after_in_child=_idle.clear)


def read(path: Path, key: str | None) -> Array:
    """The data set of that key, `value` by default; it lies in this file, and is whole."""
    path.open("rb").close()  # what the system says of a file that cannot be opened
    try:
        reader = _idle.pop()
    except IndexError:
        reader = _Reader()
    try:
        with needed_by(str(path)):
            array = reader.read(path, key or DEFAULT_KEY)
    except (InputError, ValueError):
        if reader.alive:
            _idle.append(reader)
        else:
            reader.close()
        raise
    except BaseException:  # stopped in the middle of an answer
        reader.close()
        raise
    _idle.append(reader)
    return array


def write(path: Path, scores: Array, key: str | None) -> None:
    """Write a data set, `value` by default."""
    with needed_by("HDF5"):
        import h5py
    with h5py.File(path, "w") as file:
        file[key or DEFAULT_KEY] = scores


FORMAT = Format((".hdf5", ".h5"), read, write=write)
