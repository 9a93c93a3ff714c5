"""Frame counts in an HDF5 file, so that frames are resampled again without reading pixels."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mdmkit.core.errors import InputError, listing
from mdmkit.core.extras import needed_by
from mdmkit.core.files import is_whole, seal, stamp
from mdmkit.core.named_arrays import Arrays, arrays_of, value_of
from mdmkit.datasets import Pairing
from mdmkit.io import source_files
from mdmkit.statistics.kinds import Statistic
from mdmkit.uncertainty.frame_counts import FrameCounts, Room

MARK, VERSION = "mdmkit_frame_states", 4
AGAIN = "choose another file or pass `overwrite=True` to make them anew"
Record = dict[str, Any]


def record_of(
    pairing: Pairing,
    metrics: Sequence[str],
    statistics: Mapping[Statistic, str],
    settings: Record,
) -> Record:
    """Make the record of what frame counts depend on: options, and size and time of every file.

    `statistics` are saved or wanted, each with the name of the measure that needs it.
    """
    record = {
        "settings": {
            **settings,
            "resize": pairing.resize,
            "invert": sorted(pairing.inverted),
        },
        "metrics": list(metrics),
        "statistics": {repr(statistic): name for statistic, name in statistics.items()},
        "masks": {
            key: [stamp(path) for path in source_files(target)]
            for key, target in pairing.targets.items()
        },
        "methods": {
            name: {key: stamp(path) for key, path in paths.items()}
            for name, paths in pairing.scores.items()
        },
    }
    found: Record = json.loads(json.dumps(record))  # as it will be read: tuples become lists
    return found


def check_unchanged(path: Path, stored: Record, wanted: Record) -> None:
    """Refuse frame counts of other options or files.

    Fewer methods and fewer metrics may be asked for than were kept.
    """
    found = [
        f"{name}: kept with {stored['settings'].get(name)!r}, now {value!r}"
        for name, value in wanted["settings"].items()
        if stored["settings"].get(name) != value
        and not (name == "normalize" and _among(value, stored["settings"].get(name)))
    ]
    missing = [key for key in wanted["metrics"] if key not in stored["metrics"]]
    if missing:
        found.append(f"metrics: not kept for {', '.join(missing)}")
    others = {
        name: None for key, name in wanted["statistics"].items() if key not in stored["statistics"]
    }
    if others and not missing:
        found.append(f"counts: not kept for {', '.join(others)}")
    found += _differences("masks", stored["masks"], wanted["masks"])
    for name, frames in wanted["methods"].items():
        if name in stored["methods"]:
            found += _differences(name, stored["methods"][name], frames)
        else:
            found.append(f"{name}: not kept, only {', '.join(stored['methods'])}")
    if found:
        raise InputError(
            f"expected in {path} what was kept of the same files and options, found\n"
            f"{listing(found, most=8)}\n{AGAIN}",
            argument="counts",
        )


def _among(wanted: Mapping[str, object], stored: object) -> bool:
    return isinstance(stored, dict) and all(stored.get(k) == v for k, v in wanted.items())


def _differences(
    what: str, stored: Mapping[str, object], wanted: Mapping[str, object]
) -> Iterator[str]:
    if stored.keys() != wanted.keys():
        others = len(stored.keys() ^ wanted.keys())
        yield f"{what}: {len(stored)} frames were kept, now {len(wanted)} ({others} differ)"
        return
    changed = [key for key in wanted if stored[key] != wanted[key]]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield f"{what}: the file of {changed[0]!r}{more} changed since (its size or its time)"


class CountsFile:
    """An open file of frame counts; `read(method)` reads no counts before they are used."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def room(self, method: str, *, spreads: bool) -> Room:
        """Make room for the counts of a method; without spreads they are enough to resample."""
        return _RoomInFile(self._group(method), spreads)

    def _group(self, method: str) -> Any:
        return self._file.require_group("methods").require_group(_quoted(method))

    def keep(self, method: str, counted: FrameCounts) -> None:
        """Write what belongs to the counts of a method; the counts themselves are there."""
        group = self._group(method)
        group["edges"] = counted.edges
        _put(group, "normalizer", counted.normalizer)
        for statistic, facts in counted.facts.items():
            group[f"facts/{statistic!r}"] = facts
            _put(group, f"whole/{statistic!r}", counted.whole[statistic])

    def read(self, method: str, statistics: Iterable[Statistic]) -> FrameCounts:
        """Read the counts of a method that some statistics need."""
        group = self._group(method)
        wanted = list(statistics)
        spreads = {s: group.get(f"spreads/{s!r}") for s in wanted}
        return FrameCounts(
            group["edges"][:],
            _value(group, "normalizer"),
            {statistic: group[f"counts/{statistic!r}"] for statistic in wanted},
            {statistic: group[f"facts/{statistic!r}"][:] for statistic in wanted},
            {statistic: _value(group, f"whole/{statistic!r}") for statistic in wanted},
            {statistic: kept for statistic, kept in spreads.items() if kept is not None},
        )


class _RoomInFile:
    """Room in a group of an HDF5 file; spreads, which are 0 in most bins, are packed."""

    def __init__(self, group: Any, keeps_spreads: bool) -> None:
        self._group = group
        self._keeps_spreads = keeps_spreads

    def counts(self, statistic: Statistic, shape: tuple[int, int]) -> Any:
        """Room for uint32 of so many frames."""
        return self._group.create_dataset(f"counts/{statistic!r}", shape, np.uint32)

    def spreads(self, statistic: Statistic, shape: tuple[int, int]) -> Any | None:
        """Room for the int64 of how far they move within bins."""
        if not self._keeps_spreads:
            return None
        return self._group.create_dataset(
            f"spreads/{statistic!r}",
            shape,
            np.int64,
            chunks=(1, shape[1]),
            shuffle=True,
            compression="gzip",
            compression_opts=1,
        )


def _quoted(method: str) -> str:
    """Spell a name as a group: a slash would make two groups of it."""
    from urllib.parse import quote

    return quote(method, safe="") or "%"


def _put(group: Any, name: str, value: object) -> None:
    for path, array in arrays_of(value).items():
        group[f"{name}/{path}"] = array


def _value(group: Any, name: str) -> Any:
    arrays: Arrays = {}

    def take(path: str, item: Any) -> None:
        if hasattr(item, "shape"):  # a data set, not a group of them
            arrays[path] = np.asarray(item[()])

    group[name].visititems(take)
    return value_of(arrays)


@contextmanager
def opened(path: Path, wanted: Record) -> Iterator[CountsFile]:
    """Open a file that was written before, of the same files and options."""
    with needed_by("frame counts"):
        import h5py
    if not is_whole(path):
        raise _refused(path, "another file, or a damaged one")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _refused(path, error) from error
    with file:
        if file.attrs.get(MARK) != VERSION:
            raise _refused(path, "another HDF5 file")
        check_unchanged(path, json.loads(file["record"][()]), wanted)
        yield CountsFile(file)


def _refused(path: Path, found: object) -> InputError:
    return InputError(
        f"expected {path} to hold frame counts (version {VERSION}) as they were written, found "
        f"{found}; {AGAIN}",
        argument="counts",
    )


def fits(path: Path, wanted: Record) -> bool:
    """Whether a file was written of the same files and options."""
    try:
        with opened(path, wanted):
            return True
    except InputError:
        return False


def written(path: Path, record: Record, fill: Callable[[CountsFile], None]) -> None:
    """Write a new file."""
    with needed_by("frame counts"):
        import h5py
    with h5py.File(path, "w") as file:
        fill(CountsFile(file))
        file["record"] = json.dumps(record)
        file.attrs[MARK] = VERSION
    seal(path)


@contextmanager
def temporary_file() -> Iterator[CountsFile]:
    """Open a temporary file, which is deleted with the context."""
    with needed_by("frame counts"):
        import h5py
    with (
        tempfile.TemporaryDirectory(prefix="mdmkit-") as folder,
        h5py.File(Path(folder) / "counts.h5", "w") as file,
    ):
        yield CountsFile(file)
