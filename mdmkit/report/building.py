"""The report: what is on the page, counted and encoded, then rendered by a template."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from math import fsum
from typing import TYPE_CHECKING, Any

from mdmkit.comparison.table import blocks, notes
from mdmkit.core.errors import InputError
from mdmkit.core.extras import needed_by
from mdmkit.metrics.measures import MarginAt
from mdmkit.report import charts
from mdmkit.report.pictures import drawn_shape, every_so_often, jpeg, png
from mdmkit.report.slider import Counts, Thresholds, offer_thresholds
from mdmkit.report.spread import spread_block
from mdmkit.tables.forms import finite

if TYPE_CHECKING:
    from mdmkit.comparison.study import Study
    from mdmkit.evaluation.sources import Progress
    from mdmkit.tables.table import Block

MARKED = (0.3, 0.5, 0.8)
#: A method's colour on light and on dark ground: Okabe and Ito's, the dark ones brightened.
COLOURS = (
    ("#0072B2", "#4DB1EA"), ("#C24E00", "#F08A3C"), ("#007E5B", "#2FC299"), ("#B45A8C", "#DF94BC"),
    ("#A87400", "#E8B33A"), ("#2A8FC4", "#8CCFF5"), ("#333333", "#DDDDDD"),
)  # fmt: skip
DASHES = ("none", "8 3", "3 2", "8 2 2 2")


@dataclass(frozen=True)
class Shown:
    """A frame on the page: how hard it is, and its payload.

    Attributes
    ----------
    key : str
    difficulty : float or None
        Mean of the methods' pixel F1 in this frame, each at its best-F1 threshold of the data
        set; None where it has no anomaly.
    """

    key: str
    difficulty: float | None
    counts: dict[str, Counts]


class Report:
    """The page before it is written: its frames are chosen, its size can be told.

    Parameters
    ----------
    study : Study
    most : int
        How many frames to show, the hardest first.
    map_width : int
        Pixels; wider maps are drawn smaller. Counts are always those of all pixels.
    progress : callable, optional
        `progress(what, frames)` returns a function that is called after each frame.
    """

    def __init__(
        self,
        study: Study,
        most: int = 12,
        map_width: int = 640,
        progress: Callable[[str, int], Progress] | None = None,
    ) -> None:
        check_report(most, map_width)
        self.study = study
        self.map_width = map_width
        self._progress = progress
        self.best = {name: study.best_threshold(name) for name in study.methods}
        self.jumps = self._find_jumps()
        self.thresholds = self._offer()
        ranked = sorted(self._count(), key=_hardest_first)
        self.total = len(ranked)
        self.shown = ranked[:most]

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
            jumps[name] = [("best F1", self.best[name]), *found]
        return jumps

    def _offer(self) -> Thresholds:
        wanted = list(MARKED) + [z for found in self.jumps.values() for _, z in found[:1]]
        wanted += [z for found in self.jumps.values() for _, z in found[1:]]
        scores = (s.normalizer(s.pixels.rows().scores) for s in self.study.sweeps.values())
        return offer_thresholds(scores, wanted)

    def _count(self) -> Iterable[Shown]:
        n = self.thresholds.values.size
        done = (
            self._progress("counting", len(self.study.keys)) if self._progress else (lambda: None)
        )
        for key in self.study.keys:
            counts = {}
            for name in self.study.methods:
                frame = self.study.frame(name, key)
                counts[name] = Counts.of(self.thresholds.levels(frame), frame.classes, n)
            yield Shown(key, self._difficulty(counts), counts)
            done()

    def _difficulty(self, counts: dict[str, Counts]) -> float | None:
        if not next(iter(counts.values())).anomalous:
            return None
        scores = [
            c.f1(self.thresholds.at_or_below(self.best[name])) or 0.0 for name, c in counts.items()
        ]
        return fsum(scores) / len(scores)

    def payload(self, shown: Shown) -> dict[str, Any]:
        """What the page knows of a frame."""
        methods = []
        truth = ""
        image = None
        shape = drawn = (0, 0)
        for name, counts in shown.counts.items():
            frame = self.study.frame(name, shown.key)
            shape, drawn = frame.shape, drawn_shape(frame.shape, self.map_width)
            levels = every_so_often(self.thresholds.levels(frame), drawn)
            if not truth:
                truth = png(every_so_often(frame.classes, drawn))
                image = self.study.image(shown.key, shape)
            methods.append({
                "map": png(levels), "tp": counts.tp.tolist(), "fp": counts.fp.tolist(),
                "anomalous": counts.anomalous, "normal": counts.normal,
            })  # fmt: skip
        return {
            "name": shown.key, "shape": shape, "drawn": drawn, "truth": truth,
            "image": None if image is None else jpeg(image, drawn), "methods": methods,
        }  # fmt: skip

    def expected_size(self) -> int:
        """About how many bytes the page will have: all frames like the hardest one."""
        one = len(json.dumps(self.payload(self.shown[0])))
        return one * len(self.shown) + len(self._render([]))

    def render(self) -> str:
        """The page."""
        done = self._progress("drawing", len(self.shown)) if self._progress else (lambda: None)
        payloads = []
        for shown in self.shown:
            payloads.append(_json(self.payload(shown)))
            done()
        return self._render(payloads)

    def _render(self, payloads: list[str]) -> str:
        with needed_by("report"):
            from jinja2 import Environment, StrictUndefined
        room = files("mdmkit.report")
        style, sorting, script = (
            (room / name).read_text(encoding="utf-8")
            for name in ("page.css", "tables.js", "page.js")
        )
        style, script = method_colours() + style, sorting + script
        environment = Environment(
            autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        template = environment.from_string((room / "page.html.jinja").read_text(encoding="utf-8"))
        return template.render(
            style=style, script=script,
            style_hash=inline_hash(style), script_hash=inline_hash(script),
            blocks=self._blocks(), notes=notes(self.study.comparison),
            per_image=bool(self.study.per_image),
            methods=list(self.study.methods), charts=self._charts(), at=charts,
            shown=self.shown, total=self.total, payloads=payloads, thresholds=self.thresholds,
            page=_json(self._page()), dashes=DASHES, has_images=bool(self.study.images),
        )  # fmt: skip

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

    def _page(self) -> dict[str, Any]:
        return {
            "thresholds": self.thresholds.values.tolist(),
            "complete": self.thresholds.complete,
            "methods": list(self.study.methods),
            "jumps": [self.jumps[name] for name in self.study.methods],
            "marked": MARKED,
            "palette": _palette(self.thresholds),
        }


def check_report(most: int, map_width: int) -> None:
    """Refuse sizes that no page has."""
    if most < 1:
        raise InputError(f"expected a number >= 1, found {most}", argument="most")
    if map_width < 16:
        raise InputError(f"expected at least 16 pixels, found {map_width}", argument="map_width")


def _hardest_first(shown: Shown) -> tuple[bool, float, str]:
    """Frames without anomalies last."""
    return shown.difficulty is None, shown.difficulty or 0.0, shown.key


def _title(measure: MarginAt) -> str:
    from mdmkit.plots import METRIC_LABELS

    name = METRIC_LABELS.get(measure.metric.name, measure.metric.name)
    return f"{name} above {measure.t_margin:g}"


def _json(value: Any) -> str:
    """JSON that cannot end the script element which holds it."""
    text = json.dumps(finite(value), separators=(",", ":"), allow_nan=False)  # ASCII
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def inline_hash(text: str) -> str:
    """What a content security policy knows an inline element by."""
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


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
    """Colour of each level of a score map, by the lowest score it can stand for."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    magma = colormaps["magma"]
    return [to_hex(magma(0.0)), *(to_hex(magma(float(z))) for z in thresholds.values)]


def build_report(
    study: Study,
    *,
    most: int = 12,
    map_width: int = 640,
    progress: Callable[[str, int], Progress] | None = None,
) -> Report:
    """Choose and count the frames of a report; `render` then draws it.

    Parameters
    ----------
    study : Study
        The methods on their data set.
    most : int
        How many frames to show, the hardest first.
    map_width : int
        Pixels; wider maps are drawn smaller, while all pixels are counted.
    progress : callable, optional
        As in `compare`.

    Returns
    -------
    Report
    """
    return Report(study, most, map_width, progress)
