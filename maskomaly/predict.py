"""Folders of images, or of saved outputs, to folders of score maps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from maskomaly.outputs import DenseOutputs, MaskOutputs
from maskomaly.preprocess import as_rgb
from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import write_text
from mdmkit.core.frame import as_array
from mdmkit.io import write_scores

SCORE_DTYPES = ("float16", "float32")
#: Beside the score maps, hidden from readers of score maps: what they were computed with.
SETTINGS_NAME = ".maskomaly.json"

Outputs = MaskOutputs | DenseOutputs
Scorer = Callable[[Outputs], Tensor]
Progress = Callable[[], None]


class Predicts(Protocol):
    """A network, as far as a folder of images is concerned."""

    def predict(self, images: Iterable[NDArray[np.uint8]], *, batch_size: int) -> Sequence[Outputs]:
        """Outputs of each image."""
        ...


def read_image(path: Path) -> NDArray[np.uint8]:
    """Pixels of an image file, uint8 (H, W, 3), as they are stored.

    Raises
    ------
    InputError
        Naming the file: not an image, damaged, or of a kind that is not plain RGB.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            return as_rgb(picture)
    except InputError as error:
        raise type(error)(f"{path}: {error}") from error
    except Exception as error:  # on damaged files Pillow raises nearly anything
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: expected a readable image, found: {reason}") from error


@dataclass
class Broken:
    """Files that could not be used: the first is an error, or all are listed at the end.

    Parameters
    ----------
    keep_going : bool
        Whether to leave broken files out and go on.
    """

    keep_going: bool = False
    errors: list[InputError] = field(default_factory=list)

    def attempt(self, read: Callable[[Path], Any], path: Path) -> Any:
        """What `read` gives, or None for a file that is left out."""
        try:
            return read(path)
        except InputError as error:
            if not self.keep_going:
                raise type(error)(f"{error}\n--keep-going leaves such files out") from error
            self.errors.append(error)
            return None

    def raise_all(self) -> None:
        """List what was left out."""
        if self.errors:
            raise InputError(
                f"{len(self.errors)} files were left out:\n{listing(map(str, self.errors))}"
            )


@dataclass(frozen=True)
class Destination:
    """A folder of score maps in the making.

    Parameters
    ----------
    folder : Path
    scorer : callable
        From the outputs of a network to a score map, at image size.
    settings : dict
        What decides the scores; kept beside them, so that a run is resumed with the same only.
    suffix : {".hdf5", ".npy"}
        HDF5 holds a data set `value`, as SegmentMeIfYouCan's tools write it.
    dtype : {"float16", "float32"}
    """

    folder: Path
    scorer: Scorer
    settings: dict[str, Any]
    suffix: str = ".hdf5"
    dtype: str = "float16"

    def path(self, key: str) -> Path:
        """Where the score map of that frame goes."""
        return self.folder / f"{key}{self.suffix}"

    def prepare(self, keys: Iterable[str], resume: bool, overwrite: bool) -> None:
        """Make the folder; refuse one that holds score maps, unless that is meant."""
        found = [key for key in keys if self.path(key).exists()]
        if found and not (resume or overwrite):
            raise InputError(
                f"output: expected no score maps in {self.folder} yet, found {len(found)}, "
                f"{self.path(found[0]).name} for one; --resume keeps them, --overwrite replaces "
                "them"
            )
        settings = self.folder / SETTINGS_NAME
        if resume and found and _read_settings(settings) != self._all_settings():
            raise InputError(
                f"output: expected score maps in {self.folder} made with the same settings, found "
                f"others (see {settings}); --overwrite replaces them"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise InputError(f"output: expected a folder, found the file {self.folder}") from None
        write_text(settings, json.dumps(self._all_settings(), indent=1, sort_keys=True) + "\n")

    def _all_settings(self) -> dict[str, Any]:
        return {**self.settings, "dtype": self.dtype}

    def write(self, key: str, outputs: Outputs) -> None:
        """Score one frame and write its map, whole or not at all."""
        scores = as_array(self.scorer(outputs), "scores")
        with np.errstate(over="ignore"):
            rounded = scores.astype(self.dtype)
        if not np.isfinite(rounded).all():
            raise InputError(
                f"{key}: expected scores within float16's +-65504, found "
                f"{scores.min():.6g} to {scores.max():.6g}; choose --dtype float32"
            )
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_scores(path, rounded, overwrite=True)


def _read_settings(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def outputs_of_images(
    images: Mapping[str, Path], network: Predicts, *, batch: int = 1, broken: Broken
) -> Iterator[tuple[str, Outputs]]:
    """Run a network over image files, `batch` at a time; yields (key, outputs) in order."""
    if batch < 1:
        raise InputError(f"batch: expected a number >= 1, found {batch!r}")
    waiting = iter(images.items())
    while chunk := list(islice(waiting, batch)):
        read = [(key, broken.attempt(read_image, path)) for key, path in chunk]
        usable = [(key, image) for key, image in read if image is not None]
        if usable:
            found = network.predict([image for _, image in usable], batch_size=batch)
            yield from zip((key for key, _ in usable), found, strict=True)


def outputs_of_files(
    files: Mapping[str, Path], *, broken: Broken
) -> Iterator[tuple[str, MaskOutputs]]:
    """Outputs that were saved; yields (key, outputs) in order."""
    for key, path in files.items():
        outputs = broken.attempt(MaskOutputs.load, path)
        if outputs is not None:
            yield key, outputs


def unfinished(
    files: Mapping[str, Path],
    destinations: Sequence[Destination],
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> dict[str, Path]:
    """Prepare the folders; which files some of them still lacks, all unless `resume`.

    Score maps appear whole or not at all, so that one which exists is finished.
    """
    for destination in destinations:
        destination.prepare(files, resume, overwrite)
    if not resume:
        return dict(files)
    return {
        key: path
        for key, path in files.items()
        if not all(destination.path(key).exists() for destination in destinations)
    }


def write_score_maps(
    stream: Iterable[tuple[str, Outputs]],
    destinations: Sequence[Destination],
    *,
    outputs_folder: Path | None = None,
    progress: Progress = lambda: None,
) -> int:
    """Score each frame for every destination; returns how many frames there were.

    Parameters
    ----------
    stream : iterable of (str, MaskOutputs or DenseOutputs)
    destinations : sequence of Destination
    outputs_folder : Path, optional
        Where to keep the outputs too, one `.npz` a frame.
    progress : callable
        Called after each frame.
    """
    count = 0
    for key, outputs in stream:
        for destination in destinations:
            destination.write(key, outputs)
        if outputs_folder is not None:
            if isinstance(outputs, DenseOutputs):
                raise InputError(
                    "save-outputs: expected a network that proposes masks, found a dense one"
                )
            path = outputs_folder / f"{key}.npz"
            path.parent.mkdir(parents=True, exist_ok=True)
            outputs.save(path)
        count += 1
        progress()
    return count
