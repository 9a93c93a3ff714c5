"""Folders of score maps, or of saved outputs, in the making, which know how each map was made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor

from maskomaly.images import Source, file_of
from maskomaly.instances import Refine
from maskomaly.outputs import DenseOutputs, MaskOutputs
from mdmkit.core.errors import InputError
from mdmkit.core.files import (
    append_text,
    as_sealed_json,
    check_output_folder,
    checksum,
    is_spoilt,
    read_sealed_json,
    read_text,
    stamp,
    write_text,
)
from mdmkit.core.frame import as_array
from mdmkit.io import write_scores

SCORE_DTYPES = ("float16", "float32")
#: Beside the score maps, hidden from readers of score maps: what they were computed with, ...
SETTINGS_NAME = ".maskomaly.json"
#: ... and a line for each map: its key, the settings (by digest) and the image it was made of.
JOURNAL_NAME = ".maskomaly-frames.jsonl"
#: What the last run was asked for.
REQUEST_NAME = ".maskomaly-request.json"

Outputs = MaskOutputs | DenseOutputs
Scorer = Callable[[Outputs], Tensor]
Settings = Mapping[str, object]
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Made:
    """Records how a map was made: by settings of this digest, of an image with this stamp."""

    settings: str
    image: Stamp


@dataclass
class Folder:
    """A folder that gets a file for each frame, made by the same settings.

    Parameters
    ----------
    folder : Path
    settings : mapping
        What decides the files; a run is resumed with the same only.
    suffix : str
    """

    folder: Path
    settings: Settings
    suffix: str
    _stamps: dict[str, Stamp] = field(default_factory=dict, init=False)
    #: Frames whose image is another one than when the file was made.
    changed: list[str] = field(default_factory=list, init=False)

    def path(self, key: str) -> Path:
        """Path of the file of that frame."""
        return self.folder / f"{key}{self.suffix}"

    @property
    def digest(self) -> str:
        """Digest of the settings."""
        return hashlib.sha256(_as_json(self.settings).encode()).hexdigest()[:16]

    def check(self, keys: Iterable[str], resume: bool | None, overwrite: bool) -> None:
        """Refuse a folder that holds files, unless that is meant; changes nothing.

        `resume` is None where no run can be resumed.

        Raises
        ------
        InputError
            Files of these frames where none are expected, or any of other settings.
        """
        check_output_folder(self.folder)
        wanted = set(keys)
        found = [key for key in wanted if self.path(key).exists()]
        if found and not (resume or overwrite):
            raise InputError(
                f"expected no score maps in {self.folder} yet, found {len(found)}, "
                f"{self.path(min(found)).name} for one; "
                + ("" if resume is None else "`resume=True` keeps them, ")
                + "`overwrite=True` replaces them",
                argument="output",
            )
        foreign = self._foreign(found)
        if overwrite:
            foreign -= wanted
        if foreign:
            replaced = foreign <= wanted
            raise InputError(
                f"expected score maps in {self.folder} made with the same settings, found "
                f"{len(foreign)} made with others, {min(foreign)} for one (see "
                f"{self.folder / SETTINGS_NAME}); "
                + ("`overwrite=True` replaces them" if replaced else "choose another folder"),
                argument="output",
            )

    def prepare(
        self, sources: Mapping[str, Source], resume: bool | None, overwrite: bool
    ) -> set[str]:
        """Make the folder; returns the keys of files that are there and need not be made anew."""
        self.check(sources, resume, overwrite)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stamps = {key: stamp(file_of(source)) for key, source in sources.items()}
        if overwrite:  # nothing of other settings may be left if this run is stopped
            for key in self._foreign(key for key in sources if self.path(key).exists()):
                self.path(key).unlink(missing_ok=True)
        write_text(self.folder / SETTINGS_NAME, as_sealed_json(self.settings))
        made = {key: how for key, how in self._made().items() if self.path(key).exists()}
        # a line of a file that is gone must not stand for one that is made from now on
        lines = (_line(key, how) for key, how in made.items())
        write_text(self.folder / JOURNAL_NAME, "\n".join(lines))
        if not resume:
            return set()
        there = {
            key for key in sources if self.path(key).exists() and not is_spoilt(self.path(key))
        }
        self.changed = sorted(key for key in there if made[key].image != self._stamps[key])
        return there - set(self.changed)

    def _foreign(self, found: Iterable[str]) -> set[str]:
        """Frames with a file that was not made by these settings, or that says nothing of it."""
        made = self._made()
        there = {*found, *(key for key in made if self.path(key).exists())}
        return {key for key in there if key not in made or made[key].settings != self.digest}

    def _made(self) -> dict[str, Made]:
        """How each file was made; the last line of a frame counts, torn and damaged ones do not."""
        made = {}
        try:
            lines = read_text(self.folder / JOURNAL_NAME).splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        for line in lines:
            try:
                key, settings, (size, time), _ = json.loads(line)
                how = Made(str(settings), (size, time))
            except (ValueError, TypeError, RecursionError):
                continue
            if line == _line(key, how):
                made[str(key)] = how
        return made

    def write(self, key: str, outputs: Outputs) -> None:
        """Make the file of a frame, whole or not at all."""
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        # In this order a file that exists is always the one that its last line describes,
        # wherever the run is stopped.
        path.unlink(missing_ok=True)
        line = _line(key, Made(self.digest, self._stamps.get(key, (0, 0))))
        append_text(self.folder / JOURNAL_NAME, f"\n{line}")
        self._write(path, key, outputs)

    def _write(self, path: Path, key: str, outputs: Outputs) -> None:
        raise NotImplementedError


@dataclass
class Destination(Folder):
    """A folder of score maps.

    Parameters
    ----------
    folder : Path
    settings : mapping
        What decides the scores.
    suffix : {".hdf5", ".npy"}
        HDF5 holds a data set `value`, as SegmentMeIfYouCan's tools write it.
    scorer : callable
        From the outputs of a network to a score map, at image size.
    dtype : {"float16", "float32"}
    refine : callable, optional
        From key and scores of a frame to the scores that are written.
    """

    suffix: str = ".hdf5"
    scorer: Scorer = field(kw_only=True)
    dtype: str = "float16"
    refine: Refine | None = None

    def __post_init__(self) -> None:
        self.settings = {**self.settings, "dtype": self.dtype}

    def _write(self, path: Path, key: str, outputs: Outputs) -> None:
        scores = as_array(self.scorer(outputs), "scores")
        if self.refine is not None:
            scores = self.refine(key, scores)
        with np.errstate(over="ignore"):
            rounded = scores.astype(self.dtype)
        if not np.isfinite(rounded).all():
            raise InputError(
                f"{key}: expected scores within float16's +-65504, found "
                f"{scores.min():.6g} to {scores.max():.6g}; `dtype='float32'` holds them"
            )
        write_scores(path, rounded, overwrite=True)


@dataclass
class SavedOutputs(Folder):
    """A folder of a network's outputs, masks in float16, for scores without the network.

    Parameters
    ----------
    folder : Path
    settings : mapping
    acting : callable, optional
        From outputs to the queries whose masks are kept; by default all.
    """

    suffix: str = ".npz"
    acting: Callable[[MaskOutputs], Sequence[int]] | None = None

    def _write(self, path: Path, key: str, outputs: Outputs) -> None:
        self._compact(outputs).save(path)

    def size_of(self, outputs: Outputs) -> int:
        """Bytes that these take before they are compressed."""
        return 2 * self._compact(outputs).mask_logits.numel()

    def _compact(self, outputs: Outputs) -> MaskOutputs:
        if isinstance(outputs, DenseOutputs):
            raise InputError(
                "expected a network that proposes masks, found a dense one", argument="save_outputs"
            )
        return outputs.compact(None if self.acting is None else self.acting(outputs))


@dataclass(frozen=True)
class Request:
    """Compares a run with earlier ones, so that its network is loaded only if there is work left.

    Parameters
    ----------
    asked : mapping
        Options, and the stamps of the files that they name.
    """

    asked: Settings

    def nothing_left(self, folders: Mapping[Path, str], sources: Mapping[str, Source]) -> bool:
        """Whether folders, with the suffix of each, have a file of every frame by this request."""
        return all(self._is_done(folder, suffix, sources) for folder, suffix in folders.items())

    def _is_done(self, folder: Path, suffix: str, sources: Mapping[str, Source]) -> bool:
        try:
            kept, settings = (
                read_sealed_json(folder / name) for name in (REQUEST_NAME, SETTINGS_NAME)
            )
        except InputError:
            return False
        if kept != json.loads(_as_json(self.asked)):
            return False
        here = Folder(folder, settings, suffix)
        here.check(sources, resume=True, overwrite=False)
        return here.prepare(sources, resume=True, overwrite=False) == sources.keys()

    def keep(self, folders: Iterable[Path]) -> None:
        """Write it into each folder, once the folders are prepared."""
        for folder in folders:
            write_text(folder / REQUEST_NAME, as_sealed_json(self.asked))


def _line(key: str, made: Made) -> str:
    """A line of the journal, which ends with a checksum of what it says."""
    fields = {"key": key, "settings": made.settings, "image": list(made.image)}
    return json.dumps([*fields.values(), checksum(fields)[:16]])


def _as_json(settings: Settings) -> str:
    return json.dumps(dict(settings), indent=1, sort_keys=True)
