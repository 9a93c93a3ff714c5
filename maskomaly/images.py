"""Images to be scored: a folder, one file, a list of files, the frames of a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from maskomaly.preprocess import as_rgb
from maskomaly.streaming import work_ahead
from mdmkit.core.errors import InputError, listing
from mdmkit.core.extras import needed_by
from mdmkit.core.files import check_regular, read_text
from mdmkit.datasets import find_images
from mdmkit.io.images import IMAGE_SUFFIXES, open_image

if TYPE_CHECKING:
    from collections.abc import Iterable

LIST_SUFFIXES = (".txt", ".lst")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")

Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True)
class VideoFrame:
    """A frame of a video file, counted from 0."""

    path: Path
    index: int


Source = Path | VideoFrame


def file_of(source: Source) -> Path:
    """The file that an image lies in."""
    return source.path if isinstance(source, VideoFrame) else source


def find_sources(images: Path) -> dict[str, Source]:
    """Images by key: of a folder, a single file, a list of files, or a video.

    Parameters
    ----------
    images : Path
        A folder; an image; a text file (`.txt`, `.lst`) with a path a line, relative to its own
        folder; or a video, whose frames get the keys `NAME/000000`, `NAME/000001`, ....

    Raises
    ------
    InputError
        Nothing there, files of other kinds, two images of one key.
    """
    suffix = images.suffix.lower()
    if images.is_dir() or not images.exists():
        return dict(find_images(images))
    if suffix in VIDEO_SUFFIXES:
        return {
            f"{images.stem}/{index:06d}": VideoFrame(images, index)
            for index in range(_count_frames(images))
        }
    if suffix in LIST_SUFFIXES:
        return _listed(images)
    if suffix in IMAGE_SUFFIXES:
        return {images.stem: images}
    raise InputError(
        f"expected a folder, an image, a list ({' or '.join(LIST_SUFFIXES)}) or a video "
        f"({', '.join(VIDEO_SUFFIXES)}), found the file {images}",
        argument="images",
    )


def _listed(file: Path) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for line in read_lines(file, "images"):
        path = file.parent / line
        written = PurePosixPath(line).with_suffix("")
        outside = written.is_absolute() or ".." in written.parts
        key = normalize("NFC", written.name if outside else written.as_posix())
        if key in found:
            raise InputError(
                f"expected images of different names in {file}, found {key} again",
                argument="images",
            )
        if not path.is_file():
            raise InputError(
                f"expected a file for each line of {file}, found no {path}", argument="images"
            )
        found[key] = path
    return found


def read_lines(file: Path, argument: str) -> list[str]:
    """Lines of a text file that say something; `#` begins a remark."""
    try:
        lines = [line.strip() for line in read_text(file).splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"expected a text file at {file}, found: {error}", argument=argument
        ) from error
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"expected a line for each frame in {file}, found none", argument=argument)
    return lines


def chosen_frames(found: Mapping[str, T], frames: Path | None) -> dict[str, T]:
    """Keep frames whose keys a text file lists, all without a file; in their old order."""
    if frames is None:
        return dict(found)
    wanted = {normalize("NFC", key) for key in read_lines(frames, "frames")}  # as all keys are
    unknown = sorted(wanted - found.keys())
    if unknown:
        raise InputError(
            f"expected keys of frames in {frames} (paths below their folder, without "
            f"suffix), found {len(unknown)} that no frame has:\n{listing(unknown)}",
            argument="frames",
        )
    return {key: value for key, value in found.items() if key in wanted}


def read_image(path: str | Path) -> Pixels:
    """Pixels of an image file, uint8 (H, W, 3), upright.

    Raises
    ------
    InputError
        Naming the file: not an image, damaged, or of a kind that is not plain RGB.
    """
    try:
        with open_image(path) as picture:
            picture.load()
            return as_rgb(picture)
    except InputError as error:
        raise error.inside(path) from error
    except Exception as error:  # on damaged files Pillow raises nearly anything
        reason = str(error) or type(error).__name__
        raise InputError(f"{path}: expected a readable image, found: {reason}") from error


@dataclass
class Broken:
    """Files that could not be used: the first is an error, or all are listed at the end.

    Parameters
    ----------
    keep_going : bool, optional
        Whether to leave broken files out and go on; None where nobody may ask for that.
    """

    keep_going: bool | None = None
    errors: list[InputError] = field(default_factory=list)

    def attempt(self, read: Callable[[T], Any], source: T) -> Any:
        """Read an image; None for a file that is left out."""
        try:
            return read(source)
        except InputError as error:
            if self.keep_going is None:
                raise
            if not self.keep_going:
                raise error.because("`keep_going=True` leaves such files out") from error
            self.errors.append(error)
            return None

    def raise_all(self) -> None:
        """List what was left out."""
        if self.errors:
            raise InputError(
                f"{len(self.errors)} files were left out:\n{listing(sorted(map(str, self.errors)))}"
            )


def read_images(
    sources: Mapping[str, Source], broken: Broken, ahead: int
) -> Iterator[tuple[str, Pixels]]:
    """Key and pixels of each image, in order, decoded in threads up to `ahead` before their turn.

    Images that cannot be read are left to `broken`.
    """
    files = {key: source for key, source in sources.items() if isinstance(source, Path)}

    def decode(item: tuple[str, Path]) -> tuple[str, Pixels | None]:
        return item[0], broken.attempt(read_image, item[1])

    yield from _usable(work_ahead(files.items(), decode, ahead))
    videos = {key: source for key, source in sources.items() if isinstance(source, VideoFrame)}
    for path in dict.fromkeys(source.path for source in videos.values()):
        wanted = {source.index: key for key, source in videos.items() if source.path == path}
        frames = _decoded(path, max(wanted) + 1)

        def read(index: int, frames: Iterator[Pixels | None] = frames) -> Pixels | None:
            return next(frames, None)

        # One thread, as the frames of a video are decoded one after the other.
        decoded = work_ahead(
            range(max(wanted) + 1), lambda n: (n, broken.attempt(read, n)), ahead, threads=1
        )
        yield from _usable((wanted[n], pixels) for n, pixels in decoded if n in wanted)


def _usable(read: Iterable[tuple[str, Pixels | None]]) -> Iterator[tuple[str, Pixels]]:
    return ((key, pixels) for key, pixels in read if pixels is not None)


def _count_frames(path: Path) -> int:
    """Frames of a video, from its packets, without decoding them."""
    with needed_by(str(path)):
        import av
    check_regular(path)
    try:
        with av.open(path) as video:
            return sum(1 for packet in video.demux(video=0) if packet.size)
    except (av.FFmpegError, IndexError) as error:
        raise InputError(f"{path}: expected a readable video, found: {error}") from error


def _decoded(path: Path, count: int) -> Iterator[Pixels | None]:
    """The first frames of a video, upright, in RGB."""
    import av

    found = 0
    try:
        with av.open(path) as video:
            for frame in video.decode(video=0):
                yield np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
                found += 1
                if found == count:
                    return
    except av.FFmpegError as error:
        raise InputError(f"{path}: frame {found}: expected to decode it, found: {error}") from error
    raise InputError(f"{path}: expected {count} frames, found {found}: the video is cut off")
