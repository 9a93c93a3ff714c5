"""Tracks: all that was saved of one data set, on the same frames and under the same settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mdmkit.comparison.published import PublishedTable
from mdmkit.core.arguments import check_among
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, printable
from mdmkit.metrics.names import parse_measure
from mdmkit.report.site.saved import Cell, Entry, Saved
from mdmkit.report.site.standings import Rank, rank_methods
from mdmkit.tables.headings import key_titles


@dataclass(frozen=True)
class Heading:
    """A measure as a page shows it."""

    key: str
    higher_is_better: bool

    @property
    def text(self) -> str:
        """Its name with the direction that is better."""
        name, condition = key_titles(self.key)
        return " ".join(filter(None, (name, condition, "↑" if self.higher_is_better else "↓")))


def heading_of(key: str) -> Heading:
    """A measure by its name; of one's own metrics, which only Python knows, more is better."""
    try:
        return Heading(key, parse_measure(key, ComponentSizes()).higher_is_better)
    except InputError:
        return Heading(key, True)


@dataclass(frozen=True)
class Track:
    """A data set of a site.

    Attributes
    ----------
    name : str
    files : tuple of Saved
        All that was saved of it.
    printed : tuple of PublishedTable
        Tables that were asked for beside those which the files hold.
    """

    name: str
    files: tuple[Saved, ...]
    printed: tuple[PublishedTable, ...] = ()

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """All methods, in the order of the files."""
        return tuple(entry for file in self.files for entry in file.entries)

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        """Every measure of any file."""
        keys = dict.fromkeys(key for file in self.files for key in file.measures)
        return tuple(map(heading_of, keys))

    @cached_property
    def published(self) -> tuple[PublishedTable, ...]:
        """Printed tables, each once."""
        held = (table for file in self.files for table in file.published)
        return tuple({table.name: table for table in (*held, *self.printed)}.values())

    @property
    def settings(self) -> dict[str, object]:
        """Settings and counts that all files share."""
        return self.files[0].settings

    @property
    def reports(self) -> tuple[Path, ...]:
        """Reports that lie beside the files."""
        return tuple(file.report for file in self.files if file.report is not None)

    def cells(self, key: str) -> dict[str, Cell]:
        """The values of a measure, by method."""
        return {entry.method: entry.cells[key] for entry in self.entries if key in entry.cells}

    @cached_property
    def ranks(self) -> dict[str, dict[str, Rank]]:
        """The rank of each method, by measure."""
        differences: dict[str, dict[tuple[str, str], bool]] = {}
        for file in self.files:
            for (key, reference, method), excludes_zero in file.differences.items():
                differences.setdefault(key, {})[reference, method] = excludes_zero
        return {
            heading.key: rank_methods(
                self.cells(heading.key), heading.higher_is_better, differences.get(heading.key, {})
            )
            for heading in self.headings
        }


def gather(
    results: Iterable[Saved], published: Mapping[str, Sequence[PublishedTable]]
) -> tuple[Track, ...]:
    """The tracks of all files, each data set's joined.

    Raises
    ------
    InputError
        If two files of one data set judged other frames or counted otherwise, or name the same
        method; if a printed table is asked for beside a data set that is not there.
    """
    by_name: dict[str, list[Saved]] = {}
    for saved in results:
        by_name.setdefault(saved.name, []).append(saved)
    for files in by_name.values():
        _check_joined(files)
    check_among(published, by_name, "data sets", "published")
    return tuple(
        Track(name, tuple(files), tuple(published.get(name, ()))) for name, files in by_name.items()
    )


def _check_joined(files: Sequence[Saved]) -> None:
    """Rows of one table describe the same frames, under the same settings, each method once."""
    first = files[0]
    seen: dict[str, Path] = {}
    for file in files:
        for key, value in first.settings.items():
            if file.settings[key] != value:
                raise InputError(
                    f"expected files of {printable(first.name)!r} about the same frames and "
                    f"settings, found {key} {value!r} in {printable(str(first.path))} and "
                    f"{file.settings[key]!r} in {printable(str(file.path))}; NAME=FILE keeps them "
                    "apart",
                    argument="results",
                )
        for entry in file.entries:
            if entry.method in seen:
                raise InputError(
                    f"expected each method of {printable(first.name)!r} once, found "
                    f"{printable(entry.method)!r} in {printable(str(seen[entry.method]))} and "
                    f"{printable(str(file.path))}; NAME=FILE keeps them apart",
                    argument="results",
                )
            seen[entry.method] = file.path
