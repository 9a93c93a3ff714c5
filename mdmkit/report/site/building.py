"""The pages of a site, rendered from tracks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from math import ceil, floor, fsum
from pathlib import Path

from mdmkit.comparison.published import PublishedTable
from mdmkit.core.errors import printable
from mdmkit.core.records import Json
from mdmkit.report.building import method_colours
from mdmkit.report.pages import render_page
from mdmkit.report.site.saved import Cell, Saved
from mdmkit.report.site.standings import Rank
from mdmkit.report.site.tracks import Heading, Track, gather
from mdmkit.tables.headings import key_titles
from mdmkit.tables.table import percent

GENERATOR = "mdmkit site"
#: Brackets that are wider change the decimal that tables show.
_NEGLIGIBLE = 0.0005
#: Width of the drawing beside a value, in units of its own.
DRAWN = 100


@dataclass(frozen=True)
class Shown:
    """A number as a page shows it.

    Attributes
    ----------
    value, interval, rank : str
    best : bool
        Whether no method has a better value.
    drawn : tuple of float or None
        Where value and ends of the interval stand in the drawing beside it.
    """

    value: str
    interval: str
    rank: str
    best: bool
    drawn: tuple[float, float, float] | None


def _shown(cell: Cell | None, rank: Rank | None, axis: Axis | None = None) -> Shown:
    if cell is None or cell.value is None or rank is None:
        return Shown("-", "", "", False, None)
    ends = cell.interval
    low, high = ends or (cell.value, cell.value)
    drawn = (axis.at(cell.value), axis.at(low), axis.at(high)) if axis else None
    interval = f"[{percent(low)}, {percent(high)}]" if ends else ""
    return Shown(percent(cell.value), interval, str(rank), rank.place == 1, drawn)


@dataclass(frozen=True)
class Axis:
    """The tenths between which all values and intervals of a measure lie."""

    low: float
    high: float

    @classmethod
    def of(cls, cells: Iterable[Cell]) -> Axis:
        """The narrowest one, at least a tenth wide."""
        ends = [each for c in cells for each in (c.value, *(c.interval or ())) if each is not None]
        low, high = floor(10 * min(ends, default=0.0)), ceil(10 * max(ends, default=1.0))
        return cls(low / 10, max(high, low + 1) / 10)

    def at(self, value: float) -> float:
        """Place of a value in a drawing of width `DRAWN`."""
        return round(DRAWN * (value - self.low) / (self.high - self.low), 2)

    def __str__(self) -> str:
        """Its ends in percent."""
        return f"{100 * self.low:g} to {100 * self.high:g}"


@dataclass(frozen=True)
class Standing:
    """The methods of one measure, the first one first."""

    heading: Heading
    rows: tuple[tuple[str, Shown], ...]
    axis: Axis

    @classmethod
    def of(cls, track: Track, heading: Heading) -> Standing:
        """The methods that have a value, then those without."""
        cells, ranks = track.cells(heading.key), track.ranks[heading.key]
        axis = Axis.of(cells.values())
        order = sorted(cells, key=lambda name: (name not in ranks, _place(ranks.get(name)), name))
        rows = ((name, _shown(cells[name], ranks.get(name), axis)) for name in order)
        return cls(heading, tuple(rows), axis)


def _place(rank: Rank | None) -> int:
    return rank.place if rank else 0


@dataclass(frozen=True)
class Site:
    """A leaderboard before it is written.

    Attributes
    ----------
    title : str
    tracks : tuple of Track
    """

    title: str
    tracks: tuple[Track, ...]

    @cached_property
    def addresses(self) -> dict[str, str]:
        """The file of each track's page: its name in plain letters, numbered where two meet."""
        taken = {"index"}
        found = {}
        for track in self.tracks:
            plain = re.sub(r"[^a-z0-9]+", "-", track.name.lower()).strip("-")[:60] or "data-set"
            each, number = plain, 1
            while each in taken:
                number += 1
                each = f"{plain}-{number}"
            taken.add(each)
            found[track.name] = f"{each}.html"
        return found

    @cached_property
    def reports(self) -> dict[str, Path]:
        """Target of each report that lies beside a file and is copied."""
        return {
            f"reports/{self.addresses[track.name].removesuffix('.html')}-{number}.html": path
            for track in self.tracks
            for number, path in enumerate(track.reports, 1)
        }

    def report_links(self, track: Track) -> list[tuple[str, str]]:
        """The reports of a track: address and the file's name."""
        return [(to, path.stem) for to, path in self.reports.items() if path in track.reports]

    def pages(self) -> dict[str, str]:
        """The text of each page, by its file's name."""
        return {"index.html": self._index()} | {
            self.addresses[track.name]: self._page(track) for track in self.tracks
        }

    def _index(self) -> str:
        headings = {h.key: h for track in self.tracks for h in track.headings}
        tables = [self._overview(heading) for heading in headings.values()]
        return _render(
            "index.html.jinja",
            title=self.title,
            tracks=self.tracks,
            tables=tables,
            addresses=self.addresses,
            report_links=self.report_links,
            uncertain=any(_is_ranked_by_value(track) for track in self.tracks),
        )

    def _overview(self, heading: Heading) -> Json:
        """Make the table of a measure over all data sets that have it: a row per method."""
        tracks = [track for track in self.tracks if heading.key in track.ranks]
        methods = list(dict.fromkeys(e.method for track in tracks for e in track.entries))
        rows = []
        for method in methods:
            cells, places = [], []
            for track in tracks:
                ranks, found = track.ranks[heading.key], track.cells(heading.key)
                cells.append(_shown(found.get(method), ranks.get(method)))
                places += [ranks[method].place] if method in ranks else []
            mean = fsum(places) / len(places) if len(places) == len(tracks) else None
            rows.append((method, cells, mean))
        rows.sort(key=lambda row: (row[2] is None, row[2] or 0.0))
        return {"heading": heading, "tracks": tracks, "rows": rows}

    def _page(self, track: Track) -> str:
        return _render(
            "dataset.html.jinja",
            title=self.title,
            track=track,
            notes=_notes(track),
            standings=[Standing.of(track, heading) for heading in track.headings],
            methods=[_row(track, entry.method) for entry in track.entries],
            auxiliary={e.method: e.auxiliary for e in track.entries if e.auxiliary},
            rows_of={e.method: row for row, e in enumerate(track.entries)},
            printed=[_printed(table) for table in track.published],
            reports=self.report_links(track),
            drawn=DRAWN,
            confidence=next((f.confidence for f in track.files if f.confidence), None),
        )


def _is_ranked_by_value(track: Track) -> bool:
    return any(not rank.known for ranks in track.ranks.values() for rank in ranks.values())


def _row(track: Track, method: str) -> tuple[str, list[Shown]]:
    cells = []
    for heading in track.headings:
        found, ranks = track.cells(heading.key), track.ranks[heading.key]
        cells.append(_shown(found.get(method), ranks.get(method)))
    return method, cells


def _printed(table: PublishedTable) -> Json:
    headings = [" ".join(filter(None, key_titles(column))) for column in table.columns]
    rows = [
        (row.method, row.auxiliary or "-", [percent(row.values[c]) for c in table.columns])
        for row in table.rows
    ]
    return {"table": table, "headings": headings, "rows": rows}


def _notes(track: Track) -> list[str]:
    """List what a reader of the page must know."""
    s = track.settings
    lines = [
        "anomaly is the positive class; a pixel is predicted where score > z; numbers are percent",
        f"{s['frames']} frames, {s['pixels']} valid pixels, {s['anomalous_pixels']} anomalous; "
        f"{s['components']} components of at least {s['min_target']} pixels; "
        f"min_prediction={s['min_prediction']}; aggregate: {s['aggregate']}; "
        f"protocol: {s['protocol']}",
    ]
    normalized = {e.method: e.normalize for e in track.entries}
    if set(normalized.values()) != {"none"}:
        kinds = (f"{name} by {kind}" for name, kind in normalized.items() if kind != "none")
        lines.append("normalised: " + ", ".join(kinds))
    if len(set(normalized.values())) > 1:
        lines.append("margins of methods that were normalised in different ways do not compare")
    if _is_ranked_by_value(track):
        lines.append(
            "ranks in brackets are by value alone: not every method has an interval, which "
            "`mdmkit compare --bootstrap N` computes"
        )
    for entry in track.entries:
        for reason in dict.fromkeys(entry.refused.values()):
            keys = [key for key, why in entry.refused.items() if why == reason]
            lines.append(f"{entry.method}: {', '.join(keys)} refused: {reason}")
        wide = {
            key: cell.bracket
            for key, cell in entry.cells.items()
            if cell.bracket and cell.bracket[1] - cell.bracket[0] > _NEGLIGIBLE
        }
        for key, (low, high) in wide.items():
            known = f"[{100 * low:.2f}, {100 * high:.2f}]"
            lines.append(f"{entry.method}: {key} is known within {known} only")
    for file in track.files:
        lines += [f"{file.path.name}: {remark}" for remark in file.remarks]
        numbers = ", ".join(f"{name} {number}" for name, number in file.versions.items())
        lines.append(f"{file.path.name}: computed with {numbers or 'versions unknown'}")
    return [printable(line) for line in lines]


def _render(template: str, **fields: object) -> str:
    report, site = files("mdmkit.report"), files("mdmkit.report.site")
    style = method_colours() + (report / "page.css").read_text(encoding="utf-8")
    style += (site / "site.css").read_text(encoding="utf-8")
    script = (report / "tables.js").read_text(encoding="utf-8")
    names = {"generator": GENERATOR, "shown": printable}
    return render_page("site", site, template, style, script, **names, **fields)


def build_site(
    results: Iterable[Saved],
    *,
    title: str = "Leaderboard",
    published: Mapping[str, Sequence[PublishedTable]] | None = None,
) -> Site:
    """Gather saved comparisons into a site; `write_site` then writes it.

    Parameters
    ----------
    results : iterable of Saved
        Comparisons as `find_results` reads them. Those of one data set are joined.
    title : str
    published : mapping of sequences of PublishedTable, optional
        Printed tables by the data set's name, beside those that the files hold.

    Returns
    -------
    Site

    Raises
    ------
    InputError
        If files of one data set do not agree, or a table's data set is not there.
    """
    return Site(title, gather(results, published or {}))
