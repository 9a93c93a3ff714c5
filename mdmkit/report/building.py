"""The report: what is on the page, counted and encoded, then rendered by a template."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from heapq import nsmallest
from importlib.resources import files
from typing import TYPE_CHECKING

from mdmkit.comparison.table import blocks, notes
from mdmkit.core.arguments import check_that
from mdmkit.core.progress import Bar
from mdmkit.core.records import Json
from mdmkit.metrics.measures import MarginAt
from mdmkit.report import charts
from mdmkit.report.frames import FOUND, Shown, count_frames, hardest_first
from mdmkit.report.origin import Origin, told
from mdmkit.report.pages import render_page
from mdmkit.report.slider import Counts, Thresholds, offer_thresholds
from mdmkit.report.spread import spread_block
from mdmkit.tables.forms import finite
from mdmkit.tables.headings import METRIC_LABELS

if TYPE_CHECKING:
    from mdmkit.comparison.study import Study
    from mdmkit.tables.table import Block

#: Parts of the page's script, in the order in which they need each other.
SCRIPTS = ("tables", "facts", "pictures", "histogram", "objects", "frames")
MARKED = (0.3, 0.5, 0.8)
#: A method's colour on light and on dark ground: Okabe and Ito's, the dark ones brightened.
COLOURS = (
    ("#0072B2", "#4DB1EA"),
    ("#C24E00", "#F08A3C"),
    ("#007E5B", "#2FC299"),
    ("#B45A8C", "#DF94BC"),
    ("#A87400", "#E8B33A"),
    ("#2A8FC4", "#8CCFF5"),
    ("#333333", "#DDDDDD"),
)
DASHES = ("none", "8 3", "3 2", "8 2 2 2")


#: Objects listed on the page, the largest first.
MOST_OBJECTS = 2000


class Report:
    """The page before it is written: its frames are chosen, its size is known.

    Parameters
    ----------
    study : Study
    most : int
        How many frames to show, the hardest first.
    map_width : int
        Pixels; wider maps are drawn smaller. Counts are always those of all pixels.
    required : mapping of str to RequiredThreshold, optional
        By method: thresholds under requirements, whose ranges are drawn as bars.
    without : mapping of str to str, optional
        Why other methods have none.
    origin : Origin
        How the page came about.
    progress : callable, optional
        `progress(what, frames)` returns a function that is called after each frame.
    """

    def __init__(
        self,
        study: Study,
        most: int = 12,
        map_width: int = 640,
        required: Mapping[str, charts.Required] | None = None,
        without: Mapping[str, str] | None = None,
        origin: Origin | None = None,
        progress: Bar | None = None,
    ) -> None:
        check_report(most, map_width)
        self.study = study
        self.required = dict(required or {})
        self.without = dict(without or {})
        self.origin = origin or Origin()
        self._progress = progress
        self.best = {name: study.best_threshold(name) for name in study.methods}
        self.jumps = self._find_jumps()
        self.thresholds = self._offer()
        self.pooled: dict[str, Counts] = {}
        self.objects: list[Json] = []
        self.shown = nsmallest(most, self._count(map_width), key=hardest_first)
        self.total = len(study.keys)
        self._payloads: list[str] | None = None

    def _find_jumps(self) -> dict[str, list[tuple[str, float]]]:
        """Thresholds of each method that are worth a button, with what they are."""
        jumps: dict[str, list[tuple[str, float]]] = {}
        for name in self.study.methods:
            found = []
            for measure in self.study.measures:
                if isinstance(measure, MarginAt) and not self.study.per_image:
                    margin = self.study.curve(name, measure.metric).margin(measure.t_margin)
                    if margin.threshold is not None:
                        found.append((_title(measure), margin.threshold))
            if name in self.required:
                found.insert(0, ("requirements", self.required[name].threshold))
            jumps[name] = [("best F1", self.best[name]), *found]
        return jumps

    @property
    def own(self) -> list[tuple[str, float]]:
        """Recommended threshold of each method, else that of its best F1, and which of the two."""
        return [(found[1:] or found)[0] for found in self.jumps.values()]

    def _offer(self) -> Thresholds:
        wanted = [*MARKED, *(z for _, z in self.own)]
        wanted += [z for found in self.jumps.values() for _, z in found]
        scores = (s.normalizer(s.pixels.rows().scores) for s in self.study.totals.values())
        return offer_thresholds(scores, wanted)

    def _count(self, map_width: int) -> Iterator[Shown]:
        """Each frame once; what concerns all of them is added up on the way."""
        keys = self.study.keys
        done = self._progress("counting", len(keys)) if self._progress else (lambda: None)
        for shown in count_frames(self.study, self.thresholds, self.best, map_width, done):
            for name, counts in shown.counts.items():
                before = self.pooled.get(name)
                self.pooled[name] = counts if before is None else before + counts
            found = shown.objects
            self.objects += [
                {"frame": shown.key, "size": size, "row": row, "found": [f[n] for f in found.found]}
                for n, (size, row) in enumerate(zip(found.sizes, found.rows, strict=True))
            ]
            yield shown

    def payloads(self) -> list[str]:
        """Data of each frame shown, encoded once."""
        if self._payloads is None:
            shown = self.shown
            done = self._progress("drawing", len(shown)) if self._progress else (lambda: None)
            self._payloads = []
            for frame in shown:
                image = self.study.image(frame.key, frame.shape)
                self._payloads.append(_json(frame.payload(image)))
                done()
        return self._payloads

    def render(self) -> str:
        """The page."""
        room = files("mdmkit.report")
        style = method_colours() + (room / "page.css").read_text(encoding="utf-8")
        parts = ((room / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS)
        script = "(() => {\n" + "\n".join(parts) + "\n})();\n"
        return render_page(
            "report",
            room,
            "page.html.jinja",
            style,
            script,
            blocks=self._blocks(),
            notes=notes(self.study.comparison),
            per_image=bool(self.study.per_image),
            methods=list(self.study.methods),
            charts=self._charts(),
            required=charts.draw_bars(self.required),
            without=self.without,
            confidence=charts.said_confidence(self.required.values()),
            at=charts,
            shown=self.shown,
            total=self.total,
            payloads=self.payloads(),
            thresholds=self.thresholds,
            page=_json(self._page()),
            dashes=DASHES,
            has_images=bool(self.study.images),
            own=self.own,
            origin=self.origin,
            settings=told(self.study.comparison.settings),
            objects=len(self.objects),
            most_objects=MOST_OBJECTS,
        )

    def _blocks(self) -> list[Block]:
        shown = blocks(self.study.comparison)
        return [*shown, spread_block(self.study.comparison)] if self.study.per_image else shown

    def _charts(self) -> list[charts.Chart]:
        if self.study.per_image:  # each image has a curve of its own, the data set has none
            return []
        return [
            charts.draw_chart(
                _title(measure),
                measure.t_margin,
                {name: self.study.curve(name, measure.metric) for name in self.study.methods},
            )
            for measure in self.study.measures
            if isinstance(measure, MarginAt)
        ]

    def _page(self) -> Json:
        places = {shown.key: place for place, shown in enumerate(self.shown)}
        objects = sorted(self.objects, key=lambda each: -each["size"])[:MOST_OBJECTS]
        pooled = self.pooled.values()
        return {
            "thresholds": self.thresholds.values.tolist(),
            "complete": self.thresholds.complete,
            "methods": list(self.study.methods),
            "jumps": [self.jumps[name] for name in self.study.methods],
            "own": self.own,
            "marked": MARKED,
            "palette": _palette(self.thresholds),
            "pooled": [{"tp": c.tp.tolist(), "fp": c.fp.tolist()} for c in pooled],
            "classes": [[c.anomalous, c.normal] for c in pooled],
            "objects": [{**each, "place": places.get(each["frame"])} for each in objects],
            "shares": FOUND,
        }


def check_report(most: int, map_width: int) -> None:
    """Refuse sizes that no page has."""
    check_that(most >= 1, "a number >= 1", most, "most")
    check_that(map_width >= 16, "at least 16 pixels", map_width, "map_width")


def _title(measure: MarginAt) -> str:
    name = METRIC_LABELS.get(measure.metric.name, measure.metric.name)
    return f"{name} above {measure.t_margin:g}"


def _json(value: object) -> str:
    """JSON that cannot end the script element which holds it."""
    text = json.dumps(finite(value), separators=(",", ":"), allow_nan=False)  # ASCII
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def method_colours() -> str:
    """Colour and dash of each method, for light and dark grounds."""
    light, dark = [], []
    for row in range(28):  # then colour and dash have met in every way
        first, second = COLOURS[row % len(COLOURS)]
        dash = DASHES[row % len(DASHES)]
        light.append(f".m{row}{{--own:{first};--dash:{dash}}}")
        dark.append(f".m{row}{{--own:{second}}}")
    return "\n".join([*light, "@media (prefers-color-scheme:dark){", *dark, "}\n"])


def _palette(thresholds: Thresholds) -> list[str]:
    """Colour of each level of a score map, by the lowest score it can stand for.

    matplotlib's magma, without matplotlib, which takes 0.15 s to load.
    """
    magma = (files("mdmkit.report") / "magma.txt").read_text(encoding="utf-8").split()
    places = (min(int(256 * z), 255) for z in thresholds.values)
    return [magma[0], *(magma[place] for place in places)]


def build_report(
    study: Study,
    *,
    most: int = 12,
    map_width: int = 640,
    required: Mapping[str, charts.Required] | None = None,
    without: Mapping[str, str] | None = None,
    origin: Origin | None = None,
    progress: Bar | None = None,
) -> Report:
    """Choose and count the frames of a report; `render` then gives the page.

    Parameters
    ----------
    study : Study
        The methods on their data set.
    most : int
        How many frames to show, the hardest first.
    map_width : int
        Pixels; wider maps are drawn smaller, while all pixels are counted.
    required : mapping of str to RequiredThreshold, optional
        By method: thresholds under requirements, whose ranges are drawn as bars.
    without : mapping of str to str, optional
        Why other methods have none.
    origin : Origin, optional
        Version, date and command that the page names; of today by default.
    progress : callable, optional
        As in `compare`.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        For fewer than one frame, or maps narrower than 16 pixels.
    """
    return Report(study, most, map_width, required, without, origin, progress)
