"""Images, or saved outputs, through a network and scores to folders of score maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from maskomaly.images import Broken, Source, file_of, read_images
from maskomaly.networks import ImageError
from maskomaly.outputs import DenseOutputs, MaskOutputs
from maskomaly.score_maps import Folder
from maskomaly.streaming import work_ahead
from mdmkit.core.errors import InputError, printable
from mdmkit.core.progress import Progress

if TYPE_CHECKING:
    import torch

Outputs = MaskOutputs | DenseOutputs


class Predicts(Protocol):
    """A network, as far as a folder of images is concerned."""

    def stream(
        self,
        images: Iterable[NDArray[np.uint8]],
        *,
        batch_size: int,
        autocast: torch.dtype | None = None,
    ) -> Iterator[Outputs]:
        """Outputs of each image, in order."""
        ...


def outputs_of_images(
    images: Mapping[str, Source],
    network: Predicts,
    *,
    batch: int = 1,
    autocast: torch.dtype | None = None,
    broken: Broken | None = None,
) -> Iterator[tuple[str, Outputs]]:
    """Run a network over images, `batch` at a time; yields (key, outputs) in order.

    Images are decoded in threads while the network runs.
    """
    if batch < 1:
        raise InputError(f"expected a number >= 1, found {batch!r}", argument="batch")
    keys: list[str] = []

    def pixels() -> Iterator[NDArray[np.uint8]]:
        for key, image in read_images(images, broken or Broken(), ahead=batch + 2):
            keys.append(key)
            yield image

    try:
        stream = network.stream(pixels(), batch_size=batch, autocast=autocast)
        for number, outputs in enumerate(stream):
            yield keys[number], outputs
    except ImageError as error:
        key = keys[error.place]
        raise InputError(f"{printable(str(file_of(images[key])))}: {error.reason}") from error


def outputs_of_files(
    files: Mapping[str, Path], *, broken: Broken
) -> Iterator[tuple[str, MaskOutputs]]:
    """Outputs that were saved; yields (key, outputs) in order."""

    def load(item: tuple[str, Path]) -> tuple[str, MaskOutputs | None]:
        return item[0], broken.attempt(MaskOutputs.load, item[1])

    for key, outputs in work_ahead(files.items(), load, ahead=3):
        if outputs is not None:
            yield key, outputs


def unfinished(
    sources: Mapping[str, Source],
    folders: Sequence[Folder],
    *,
    resume: bool | None = None,
    overwrite: bool = False,
) -> dict[str, Source]:
    """Prepare the folders; which images some of them still lacks, all unless `resume`.

    `resume` is None for those who cannot resume a run.

    Nothing is changed in any folder if one of them is refused.
    """
    for folder in folders:
        folder.check(sources, resume, overwrite)
    finished = [folder.prepare(sources, resume, overwrite) for folder in folders]
    return {
        key: source
        for key, source in sources.items()
        if not all(key in there for there in finished)
    }


def write_score_maps(
    stream: Iterable[tuple[str, Outputs]],
    folders: Sequence[Folder],
    *,
    progress: Progress = lambda: None,
) -> int:
    """Make the files of each frame, while the network runs on the next; returns their number.

    Parameters
    ----------
    stream : iterable of (str, MaskOutputs or DenseOutputs)
    folders : sequence of Destination or SavedOutputs
    progress : callable
        Called after each frame.
    """

    def write(item: tuple[str, Outputs]) -> None:
        for folder in folders:
            folder.write(*item)

    count = 0
    for _ in work_ahead(stream, write, ahead=2, threads=1):
        count += 1
        progress()
    return count
