"""Checkpoints know which frames of a method were counted, in chunks that no crash can spoil.

A chunk is one state file with its frames' names, files and contents in the header. It appears by a
rename, so that it is whole or not there; a frame that is in two chunks (a run was killed between
writing a joined chunk and removing its parts) counts in the larger one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mdmkit.core.errors import InputError, SpoiltError
from mdmkit.core.files import stamp
from mdmkit.core.frame import Frame
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.gathering import SECOND
from mdmkit.io import Target, source_files
from mdmkit.statistics.state_files import read_header

#: Frames of a chunk, and chunks of one size that are joined.
GROUP = 8
#: Chunks are joined so many times: a file that changed costs 512 frames at most.
JOINS = 2


def content_of(frame: Frame) -> str:
    """Fingerprint of a frame's scores and classes."""
    digest = blake2b(f"{frame.scores.dtype} {frame.shape}".encode(), digest_size=16)
    for array in (frame.scores, frame.classes):
        digest.update(array.tobytes() if not array.flags.c_contiguous else array.data)
    return digest.hexdigest()


def files_of(scores: Path, target: Target) -> tuple[tuple[int, int], ...]:
    """The `stamp` of each file that a frame comes from."""
    return tuple(stamp(path) for path in (scores, *source_files(target)))


@dataclass(frozen=True)
class Counted:
    """A frame that is in a chunk.

    Attributes
    ----------
    key : str
    files : tuple of (int, int)
        Of score map and mask; see `files_of`.
    content : str
        See `content_of`.
    """

    key: str
    files: tuple[tuple[int, int], ...]
    content: str

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Counted:
        """Read what `asdict` returned, by way of JSON."""
        return cls(record["key"], tuple(map(tuple, record["files"])), record["content"])


@dataclass(frozen=True)
class Chunk:
    """Some frames, counted together.

    Attributes
    ----------
    path : Path
    joins : int
        How many times smaller chunks were joined.
    in_bins : bool
        Whether its frames came after the memory was used up: they are known in bins alone.
    frames : tuple of Counted
    """

    path: Path
    joins: int
    in_bins: bool
    frames: tuple[Counted, ...]


class Checkpoint:
    """The chunks of one pass over the frames of one method.

    Parameters
    ----------
    folder : Path
        Made with the first chunk.
    spoilt : list of str, optional
        Damaged chunks are removed and told here, so that their frames are counted anew; without
        it they are an error.
    """

    def __init__(self, folder: Path, spoilt: list[str] | None = None) -> None:
        self.folder = folder
        self._spoilt = spoilt
        self._read: dict[Path, tuple[str, Chunk]] = {}  # a file never changes
        self._last = 0

    def chunks(self, files: Mapping[str, object] | None, of_pass: str) -> list[Chunk]:
        """Chunks of a pass that hold, largest first, no frame twice.

        Parameters
        ----------
        files : mapping, optional
            `files_of` every frame that is wanted. Chunks with others, or whose files changed, and
            those that a larger one replaced, are removed; so are those of other second passes.
            None: all frames, whatever became of their files; nothing is removed.
        of_pass : str
            See `Evaluation.name_of_pass`.
        """
        held: list[Chunk] = []
        seen: set[str] = set()
        for chunk in sorted(self._all(of_pass), key=lambda chunk: (-chunk.joins, chunk.path)):
            keys = {frame.key for frame in chunk.frames}
            fresh = files is None or all(files.get(f.key) == f.files for f in chunk.frames)
            if fresh and seen.isdisjoint(keys):
                held.append(chunk)
                seen |= keys
            elif files is not None:
                chunk.path.unlink()
        return held

    def _all(self, of_pass: str) -> Iterator[Chunk]:
        for path in sorted(self.folder.glob("chunk-*.npz")):
            try:
                found, chunk = self._header(path)
            except SpoiltError as error:
                self.drop(path, error)
                continue
            if found == of_pass:
                yield chunk
            elif of_pass.startswith(SECOND) and found.startswith(SECOND):
                path.unlink()  # it looked into other bins

    def _header(self, path: Path) -> tuple[str, Chunk]:
        if path not in self._read:
            header = read_header(path)
            frames = tuple(map(Counted.from_dict, header["frames"]))
            self._read[path] = (
                header["pass"],
                Chunk(path, header["level"], header["on_grid"], frames),
            )
        return self._read[path]

    def load(self, chunk: Chunk) -> Evaluation | None:
        """Statistics of a chunk; None of a damaged one, which is removed."""
        try:
            return Evaluation.load(chunk.path)
        except SpoiltError as error:
            self.drop(chunk.path, error)
            return None

    def drop(self, path: Path, error: SpoiltError) -> None:
        """Remove a damaged chunk, and tell it."""
        if self._spoilt is None:
            raise SpoiltError(
                f"{error}; `mdmkit compare --state` with its options counts those frames anew"
            ) from None
        path.unlink()
        self._spoilt.append(f"{error}; its frames are counted anew")

    def write(
        self, part: Evaluation, frames: Sequence[Counted], in_bins: bool, of_pass: str
    ) -> None:
        """Add a chunk, and join chunks where there are enough of one size."""
        self._put(part, tuple(frames), 0, in_bins, of_pass)
        for joins in range(JOINS):
            alike = [c for c in self._all(of_pass) if (c.joins, c.in_bins) == (joins, in_bins)]
            if len(alike) < GROUP:
                return
            parts = [one for chunk in alike if (one := self.load(chunk)) is not None]
            if len(parts) < len(alike):
                return
            joined = parts[0]
            for other in parts[1:]:
                joined.merge(other)
            together = tuple(frame for chunk in alike for frame in chunk.frames)
            self._put(joined, together, joins + 1, in_bins, of_pass)
            for chunk in alike:
                chunk.path.unlink()

    def _put(
        self, part: Evaluation, frames: tuple[Counted, ...], joins: int, in_bins: bool, of_pass: str
    ) -> None:
        self.folder.mkdir(exist_ok=True)
        numbers = [int(path.stem.partition("-")[2]) for path in self.folder.glob("chunk-*.npz")]
        self._last = max(self._last, *numbers, 0) + 1  # no name twice, even of a removed chunk
        path = self.folder / f"chunk-{self._last:08d}.npz"
        header = {"pass": of_pass, "level": joins, "on_grid": in_bins}
        part.write(path, frames=[asdict(frame) for frame in frames], **header)


def check_content(found: str, expected: str, key: str) -> None:
    """Refuse a frame that is another one than in an earlier pass."""
    if found != expected:
        raise InputError(
            f"{key}: expected the scores and labels of the first pass over the frames, found "
            "others; leave the files alone while they are counted, and run again"
        )
