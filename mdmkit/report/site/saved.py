"""Saved comparisons: JSON of `mdmkit compare`, read and judged field by field."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from mdmkit.comparison.published import PublishedRow, PublishedTable
from mdmkit.core.arguments import check_that
from mdmkit.core.errors import InputError, printable
from mdmkit.core.files import read_json
from mdmkit.core.records import Json

Interval = tuple[float, float]

#: Settings that the numbers of one data set must share.
SHARED = ("aggregate", "protocol", "min_prediction", "min_target", "comparison", "positive_class")
#: Counts that say which frames were judged.
COUNTS = ("frames", "pixels", "anomalous_pixels", "components")


@dataclass(frozen=True)
class Cell:
    """A number of one method, in fractions.

    Attributes
    ----------
    value : float or None
        None where it is undefined or was refused.
    interval : (float, float) or None
        Its confidence interval; None without a bootstrap.
    bracket : (float, float) or None
        Rigorous bounds of the value, where the file has them.
    """

    value: float | None
    interval: Interval | None = None
    bracket: Interval | None = None


@dataclass(frozen=True)
class Entry:
    """A method on one data set."""

    method: str
    auxiliary: str
    normalize: str
    cells: dict[str, Cell]
    refused: dict[str, str]


@dataclass(frozen=True)
class Saved:
    """A saved comparison.

    Attributes
    ----------
    path : Path
    name : str
        The data set's name on the site.
    settings : dict
        Settings and counts that another file of the same data set must share.
    measures : tuple of str
    entries : tuple of Entry
    published : tuple of PublishedTable
    differences : dict of bool
        By measure and pair of methods, the reference first: whether their paired difference
        excludes 0.
    confidence : float or None
        Level of the intervals.
    remarks : tuple of str
    versions : dict of str
    """

    path: Path
    name: str
    settings: Json
    measures: tuple[str, ...]
    entries: tuple[Entry, ...]
    published: tuple[PublishedTable, ...] = ()
    differences: dict[tuple[str, str, str], bool] = field(default_factory=dict)
    confidence: float | None = None
    remarks: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def report(self) -> Path | None:
        """The report beside the file, of the same name but for the suffix; None without one."""
        beside = self.path.with_suffix(".html")
        return beside if beside.is_file() else None


def find_results(items: Iterable[str]) -> list[Saved]:
    """Read saved comparisons from files and folders.

    Parameters
    ----------
    items : iterable of str
        A JSON file, a folder of such files (folders below it included), or either after
        "NAME=", which names the data set. Without a name it is the one that the file records,
        else the file's.

    Returns
    -------
    list of Saved
        In the order given, those of a folder by path.

    Raises
    ------
    InputError
        If there is no file, or one is not the JSON of a comparison.
    """
    found = [read_saved(path, name) for name, path in _files(items)]
    if not found:
        raise InputError("expected JSON files of `mdmkit compare`, found none", argument="results")
    return found


def _files(items: Iterable[str]) -> Iterator[tuple[str, Path]]:
    for item in items:
        name, path = _named(item)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.json") if not p.name.startswith("."))
            if not inside:
                raise InputError(
                    f"expected a folder with JSON files of `mdmkit compare`, found none in "
                    f"{printable(str(path))}",
                    argument="results",
                )
            yield from ((name, each) for each in inside)
        elif path.exists():
            yield name, path
        else:
            raise InputError(
                f"expected a JSON file of `mdmkit compare` or a folder of such files, found no "
                f"{printable(str(path))}",
                argument="results",
            )


def _named(item: str) -> tuple[str, Path]:
    name, sign, path = item.partition("=")
    if not sign or Path(item).exists():  # a file's name may have a sign
        return "", Path(item)
    named = name.strip() and printable(name) == name
    check_that(named, "NAME=FILE", printable(item), "results")
    return unicodedata.normalize("NFC", name), Path(path)


def read_saved(path: Path, name: str = "") -> Saved:
    """Read one file that `mdmkit compare -o NAME.json` wrote.

    Raises
    ------
    InputError
        If it is not readable, or not such a file; the message names the file and the field.
    """
    reader = _Reader(path)
    record = reader.check(read_json(path), dict, "the file")
    settings = reader.get(record, "settings", dict)
    measures = tuple(reader.texts(settings, "metrics"))
    rows = [reader.check(row, dict, "a row") for row in reader.get(record, "rows", list)]
    entries = tuple(reader.entry(row, measures) for row in rows)
    if not (entries and measures):
        raise reader.foreign("no method or no measure")
    shared = {key: settings.get(key) for key in SHARED}
    for row in rows:
        counts = {key: reader.whole(row, key) for key in COUNTS}
        if any(shared.get(key, count) != count for key, count in counts.items()):
            raise reader.foreign("methods that were judged on different frames")
        shared |= counts
    bootstrap = record.get("bootstrap")
    drawn = reader.check(bootstrap, dict, "bootstrap") if bootstrap is not None else {}
    printed = record.get("published")
    return Saved(
        path,
        name or _recorded_name(settings, path),
        shared,
        measures,
        entries,
        (reader.table(printed),) if printed is not None else (),
        dict(
            map(reader.difference, reader.check(drawn.get("differences", []), list, "differences"))
        ),
        reader.number(drawn, "confidence"),
        tuple(reader.texts(settings, "remarks")) if "remarks" in settings else (),
        reader.words(settings.get("versions", {}), "versions"),
    )


def _recorded_name(settings: Mapping[str, object], path: Path) -> str:
    recorded = settings.get("dataset")
    return recorded if isinstance(recorded, str) and recorded else path.stem


@dataclass(frozen=True)
class _Reader:
    """Fields of one file, each of the kind that it must be of."""

    path: Path

    def foreign(self, found: str) -> InputError:
        return InputError(
            f"{printable(str(self.path))}: expected the JSON that `mdmkit compare -o NAME.json` "
            f"writes, found {printable(found)}",
            argument="results",
        )

    def check(self, value: object, kind: type, what: str) -> Any:
        if not isinstance(value, kind):
            raise self.foreign(f"{what} as {type(value).__name__}, not {kind.__name__}")
        return value

    def get(self, record: Mapping[str, object], key: str, kind: type) -> Any:
        if key not in record:
            raise self.foreign(f"no {key!r}")
        return self.check(record[key], kind, repr(key))

    def text(self, record: Mapping[str, object], key: str) -> str:
        return str(self.get(record, key, str))

    def texts(self, record: Mapping[str, object], key: str) -> list[str]:
        return [self.check(item, str, f"{key!r}") for item in self.get(record, key, list)]

    def words(self, value: object, what: str) -> dict[str, str]:
        return {key: str(each) for key, each in self.check(value, dict, what).items()}

    def number(self, record: Mapping[str, object], key: str) -> float | None:
        value = record.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise self.foreign(f"{key!r}: {value!r}, not a number")
        return float(value)

    def whole(self, record: Mapping[str, object], key: str) -> int:
        value = self.get(record, key, int)
        if isinstance(value, bool) or value < 0:
            raise self.foreign(f"{key!r}: {value!r}, not a count")
        return int(value)

    def pair(self, record: Mapping[str, object], key: str) -> Interval | None:
        value = record.get(key)
        if value is None:
            return None
        ends = dict(enumerate(self.check(value, list, repr(key))))
        low, high = self.number(ends, 0), self.number(ends, 1)  # type: ignore[arg-type]
        if len(ends) != 2 or low is None or high is None or low > high:
            raise self.foreign(f"{key!r}: {value!r}, not an interval")
        return low, high

    def entry(self, row: Mapping[str, object], measures: Iterable[str]) -> Entry:
        refused = self.words(row.get("refused", {}), "'refused'")
        cells = {}
        for key in measures:
            if key not in row and key not in refused:
                raise self.foreign(f"no {key!r} in a row")
            cells[key] = Cell(
                self.number(row, key),
                self.pair(row, f"{key}_confidence"),
                self.pair(row, f"{key}_bracket"),
            )
        return Entry(
            self.text(row, "method"),
            str(row.get("auxiliary") or ""),
            self.text(row, "normalize"),
            cells,
            refused,
        )

    def difference(self, difference: object) -> tuple[tuple[str, str, str], bool]:
        found = self.check(difference, dict, "a difference")
        names = (self.text(found, name) for name in ("metric", "reference", "method"))
        metric, reference, method = names
        return (metric, reference, method), bool(self.get(found, "excludes_zero", bool))

    def table(self, printed: object) -> PublishedTable:
        table = self.check(printed, dict, "'published'")
        rows = [self.check(row, dict, "a row") for row in self.get(table, "rows", list)]
        apart = ("method", "auxiliary")
        columns = tuple(dict.fromkeys(k for row in rows for k in row if k not in apart))
        read = tuple(
            PublishedRow(
                self.text(row, "method"),
                str(row.get("auxiliary") or ""),
                {key: self.number(row, key) for key in columns},
            )
            for row in rows
        )
        frames = table.get("frames")
        return PublishedTable(
            self.text(table, "name"),
            self.text(table, "title"),
            self.text(table, "source"),
            tuple(self.texts(table, "notes")),
            columns,
            read,
            frames if isinstance(frames, int) else None,
        )
