"""StateFolder: what a comparison has counted so far, on disk, so that it can stop and go on."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mdmkit.comparison.checkpoints.chunks import Checkpoint
from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError, SpoiltError, listing
from mdmkit.core.files import (
    as_sealed_json,
    check_output_folder,
    check_regular,
    read_sealed_json,
    write_text,
)
from mdmkit.core.records import Json
from mdmkit.datasets import Pairing
from mdmkit.io import AllNormal, RegionMasks, Saturation, Target

VERSION = 3
_MANIFEST = "state.json"
_LOCK = "lock"


@dataclass(frozen=True)
class Shard:
    """A share of the frames: every `of`-th, from the `number`-th on; numbers start at 1."""

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(
                f"expected K/N with 1 <= K <= N, as in 3/8, found {self.number}/{self.of}",
                argument="shard",
            )

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read a shard such as "3/8"."""
        check_kind(text, (str,), "shard")
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal()):
            raise InputError(
                f"expected K/N with 1 <= K <= N, as in 3/8, found {text!r}", argument="shard"
            )
        return cls(int(number), int(of))

    def frames(self, count: int) -> range:
        """The numbers, from 0, of its frames among so many."""
        return range(self.number - 1, count, self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


@dataclass(frozen=True)
class Manifest:
    """The comparison whose counts a state folder holds.

    Attributes
    ----------
    request : dict
        All that the counts depend on but the files.
    settings : dict
        Of the comparison, as in `Comparison.settings`.
    shard : Shard
    pairing : Pairing
        All frames, those of other shares too.
    """

    request: Json
    settings: Json
    shard: Shard
    pairing: Pairing

    def to_json(self) -> str:
        """Return the text of the file."""
        pairing = self.pairing
        record = {
            "version": VERSION,
            "request": self.request,
            "settings": self.settings,
            "shard": str(self.shard),
            "targets": {key: _to_record(target) for key, target in pairing.targets.items()},
            "scores": {
                name: {key: str(path) for key, path in paths.items()}
                for name, paths in pairing.scores.items()
            },
            "left_out": list(pairing.left_out),
            "folders": {name: str(folder) for name, folder in pairing.folders.items()},
            "resize": pairing.resize,
            "invert": sorted(pairing.inverted),
        }
        return as_sealed_json(record)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Read the request of a folder.

        Raises
        ------
        InputError
            If it is not a state folder, or of another version.
        """
        path = folder / _MANIFEST
        try:
            record = read_sealed_json(path, version=VERSION)
        except InputError as error:
            raise type(error)(
                f"{folder}: expected a folder that `compare --state` wrote; {error}"
            ) from None
        pairing = Pairing(
            {key: _from_record(target) for key, target in record["targets"].items()},
            {
                name: {key: Path(path) for key, path in paths.items()}
                for name, paths in record["scores"].items()
            },
            tuple(record["left_out"]),
            {name: Path(folder) for name, folder in record["folders"].items()},
            record["resize"],
            inverted=frozenset(record.get("invert", ())),
        )
        shard = Shard.parse(record["shard"])
        return cls(record["request"], record["settings"], shard, pairing)


def _to_record(target: Target) -> Any:
    if isinstance(target, RegionMasks):
        areas = [[s.value, s.area, s.relative] for s in target.saturations]
        return {"masks": [str(p) for p in target.masks], "areas": areas, "label": target.label}
    if isinstance(target, AllNormal):
        return {"image": str(target.image), "label": target.label}
    return str(target)


def _from_record(record: Any) -> Target:
    if isinstance(record, dict) and "masks" in record:
        areas = tuple(Saturation(*area) for area in record["areas"])
        return RegionMasks(tuple(map(Path, record["masks"])), areas, record["label"])
    if isinstance(record, dict):
        return AllNormal(Path(record["image"]), record["label"])
    return Path(record)


def checkpoint_of(folder: Path, method: int, spoilt: list[str] | None = None) -> Checkpoint:
    """The checkpoint of a method, by its number: a name need not make a file name."""
    return Checkpoint(folder / f"method-{method + 1}", spoilt)


@contextmanager
def open_state(folder: Path, manifest: Manifest) -> Iterator[list[str]]:
    """Hold a state folder, new or of the same request, against other runs.

    A list is yielded, of what was found spoilt in it.

    Raises
    ------
    InputError
        If it belongs to another request, or a run is at work in it.
    """
    check_output_folder(folder, "counts")
    new = not folder.exists() or not any(folder.iterdir())
    if not new and not (folder / _MANIFEST).exists() and not (folder / _LOCK).exists():
        raise InputError(
            f"expected a new or empty folder, or one that `compare --state` wrote, found "
            f"other files in {folder}",
            argument="counts",
        )
    folder.mkdir(parents=True, exist_ok=True)
    spoilt: list[str] = []
    check_regular(folder / _LOCK)
    ours = (folder / _LOCK).exists()
    with open(folder / _LOCK, "a+b") as lock:
        _hold(lock.fileno(), folder)
        if (folder / _MANIFEST).exists():
            try:
                known = Manifest.read(folder)
            except SpoiltError as error:
                if not ours:
                    raise
                spoilt.append(f"{error}; all frames are counted anew")
                for chunk in folder.glob("method-*/chunk-*.npz"):  # of what, nobody knows
                    chunk.unlink()
            else:
                check_same(known, manifest, folder)
        for rest in folder.rglob(".mdmkit-*"):  # what a killed run was writing
            rest.unlink()
        write_text(folder / _MANIFEST, manifest.to_json())
        yield spoilt


def check_same(known: Manifest, asked: Manifest, folder: Path) -> None:
    """Refuse counts of something else."""
    mine = {**known.request, "shard": str(known.shard)}
    theirs = {**json.loads(json.dumps(asked.request)), "shard": str(asked.shard)}
    differing = [name for name in theirs if mine.get(name) != theirs[name]]
    if differing:
        raise InputError(
            f"{folder} holds counts of another comparison\n"
            + listing(f"{n}: expected {theirs[n]}, found {mine.get(n)}" for n in differing)
            + "\nchoose another folder for the state, or remove this one",
            argument="counts",
        )


@contextmanager
def reading(folders: Iterable[Path]) -> Iterator[None]:
    """Keep runs out of state folders, which are only read."""
    with ExitStack() as stack:
        for folder in folders:
            lock = stack.enter_context(open(folder / _LOCK, "rb"))
            _hold(lock.fileno(), folder)
        yield


def _hold(descriptor: int, folder: Path) -> None:
    """Lock a file until it is closed, or the process ends, however it does."""
    try:
        if os.name == "nt":  # pragma: no cover
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise InputError(
            f"expected a folder that no other run uses, found one at work in {folder}",
            argument="counts",
        ) from None


def same_frames(manifests: Mapping[Path, Manifest]) -> None:
    """Refuse states that were not made for the same methods, options and frames."""
    folders = list(manifests)
    first = manifests[folders[0]]
    for folder in folders[1:]:
        other = manifests[folder]
        names = [n for n in first.request if n not in ("methods", "target")]
        differing = [n for n in names if first.request[n] != other.request.get(n)]
        if list(first.request["methods"]) != list(other.request["methods"]):
            differing.append("methods")
        if list(first.pairing.targets) != list(other.pairing.targets):
            differing.append("frames")
        if differing:
            raise InputError(
                f"expected shares of one comparison, found that {folders[0]} and {folder} "
                f"differ in {', '.join(differing)}",
                argument="states",
            )
