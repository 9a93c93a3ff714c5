"""RequiredThresholds: thresholds of several methods under requirements, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from mdmkit.core.margin import Interval
from mdmkit.datasets import how_inverted
from mdmkit.tables.forms import Tabular
from mdmkit.tables.table import UNDEFINED, Block, Column, View, value_column
from mdmkit.thresholds.certify import Certificate
from mdmkit.thresholds.operating_points import OperatingPoint
from mdmkit.thresholds.required import RequiredThreshold, RequiredTransfer
from mdmkit.thresholds.requirements import Requirement

_POINT = (
    ("f1", "F1", True),
    ("precision", "precision", True),
    ("recall", "recall", True),
    ("fpr", "FPR", False),
)


@dataclass(frozen=True)
class RequiredThresholds(Tabular):
    """Thresholds of several methods under the same requirements; `found["mine"]` is one of them.

    Attributes
    ----------
    methods : tuple of str
    recommendations : dict of RequiredThreshold
        Of the methods with which the requirements can be met.
    transfers : dict of RequiredTransfer
        What they give on the second set; empty without one.
    without : dict of str
        Why the other methods have no threshold, and how near they come.
    settings : dict
        What was asked for, and on which frames.
    """

    methods: tuple[str, ...]
    recommendations: dict[str, RequiredThreshold]
    transfers: dict[str, RequiredTransfer]
    without: dict[str, str]
    settings: dict[str, Any]

    def __getitem__(self, method: str) -> RequiredThreshold:
        return self.recommendations[method]

    def to_dict(self) -> dict[str, Any]:
        """`{"settings": {...}, "rows": [...]}`, ready for JSON: fractions, undefined as None."""
        rows: list[dict[str, Any]] = []
        for method in self.methods:
            if method in self.without:
                rows.append({"method": method, "no_threshold": self.without[method]})
                continue
            row = self.recommendations[method].to_dict()
            if method in self.transfers:
                row["transfer"] = self.transfers[method].to_dict()
            rows.append(row)
        return {"settings": self.settings, "rows": rows}

    def view(self) -> View:
        """What is shown of the thresholds."""
        return view_of_required(self)


def view_of_required(found: RequiredThresholds) -> View:
    """What is shown of thresholds under requirements."""
    blocks = [_first_block(found)]
    if found.settings["confidence"] is not None:
        blocks.append(_certified_block(found))
    if found.transfers:
        blocks.append(_second_block(found))
    if any(r.error_bars for r in found.recommendations.values()):
        blocks.append(_bars_block(found))
    rows = _rows(found)
    return View(
        found.methods,
        None,
        tuple(blocks),
        tuple(_notes(found)),
        found.to_dict(),
        rows,
        rows,
        len(found.methods),
    )


def _texts(
    found: RequiredThresholds, name: str, condition: str, text: Callable[[Any], str], of: Any = None
) -> Column:
    """A column of text, "-" for methods that have none."""
    known = found.recommendations if of is None else of
    cells = (text(known[name]) if name in known else UNDEFINED for name in found.methods)
    return Column(name, condition, "", tuple(cells))


def _requirements(found: RequiredThresholds) -> Sequence[Requirement]:
    return next(iter(found.recommendations.values())).requirements


def _points(found: RequiredThresholds, points: dict[str, OperatingPoint]) -> list[Column]:
    columns = []
    for field, heading, higher in _POINT:
        values = [getattr(points[m], field) if m in points else None for m in found.methods]
        if any(value is not None for value in values):
            columns.append(value_column(heading, "", higher, values))
    return columns


def _first_block(found: RequiredThresholds) -> Block:
    columns = [_texts(found, "threshold", "[range)", lambda r: with_range(r.threshold, r.interval))]
    if set(found.settings["normalize"].values()) != {"none"}:
        columns.append(_texts(found, "on raw", "scores", lambda r: f"{r.raw_threshold:.6g}"))
    columns += [
        _texts(found, key, "", partial(_value, key)) for key in map(str, _requirements(found))
    ]
    points = {name: r.point for name, r in found.recommendations.items()}
    title = f"Threshold for {found.settings['require']}, chosen on {found.settings['first']}"
    return Block(title, (*columns, *_points(found, points)))


def _certified_block(found: RequiredThresholds) -> Block:
    def own(place: int) -> Callable[[Any], str]:
        def text(recommendation: Any) -> str:
            certificate = recommendation.certificate
            run = certificate.runs[place]
            if run is not None:
                return raw_range(run)
            needed = certificate.needed[place]
            return "nothing" if needed is None else f"nothing (~{needed} frames)"

        return text

    columns = [
        _texts(found, "all", "", lambda r: certified_text(r.certified)),
        *(
            _texts(found, str(requirement), "raw scores", own(place))
            for place, requirement in enumerate(_requirements(found))
        ),
    ]
    confidence = f"{100 * found.settings['confidence']:g} %"
    return Block(f"Certified for the population of frames, with {confidence}", tuple(columns), True)


def _second_block(found: RequiredThresholds) -> Block:
    columns = []
    for requirement in _requirements(found):
        verdict = partial(_verdict, str(requirement))
        columns.append(_texts(found, str(requirement), "", verdict, found.transfers))
    columns.append(
        _texts(found, "range", "here", lambda t: certified_text(t.interval), found.transfers)
    )
    points = {name: transfer.point for name, transfer in found.transfers.items()}
    title = f"The same threshold on {found.settings['second']}"
    return Block(title, (*columns, *_points(found, points)), True)


def _value(key: str, recommendation: Any) -> str:
    return number(recommendation.values[key])


def _verdict(key: str, transfer: Any) -> str:
    if transfer.values[key] is None:
        return UNDEFINED
    return f"{number(transfer.values[key])} {'holds' if transfer.holds[key] else 'fails'}"


def _bars_block(found: RequiredThresholds) -> Block:
    columns = [
        _texts(found, "threshold", "uncertified", lambda r: certified_text(r.error_bars.threshold))
    ]
    for place, requirement in enumerate(_requirements(found)):

        def text(r: Any, place: int = place) -> str:
            bars = r.error_bars
            return f"{certified_text(bars.values[place])} {100 * bars.holds[place]:.0f} %"

        columns.append(_texts(found, str(requirement), "holds in", text))
    where = found.settings["second"] or found.settings["first"]
    return Block(
        f"On resampled frames: the threshold of the first set, requirements on {where}",
        tuple(columns),
        True,
    )


def number(value: float) -> str:
    """A measure, as a fraction."""
    return UNDEFINED if value != value else f"{value:.4g}"


def with_range(z: float, interval: Interval) -> str:
    """A threshold and the range it is of."""
    return f"{z:.3f} [{interval[0]:.3f}, {interval[1]:.3f})"


def raw_range(run: Interval) -> str:
    """A range of raw scores, which may have no end."""
    low, high = run
    if low == -inf or high == inf:
        return f"from {low:.4g} on" if low > -inf else f"below {high:.4g}"
    return f"[{low:.4g}, {high:.4g})"


def certified_text(interval: Interval | None) -> str:
    """A range on [0, 1]."""
    return "nothing" if interval is None else f"[{interval[0]:.3f}, {interval[1]:.3f})"


def _notes(found: RequiredThresholds) -> list[str]:
    first = next(iter(found.recommendations.values()))
    settings = found.settings
    lines = [
        "anomaly is the positive class; a pixel is predicted where score > z",
        f"the threshold is {first.rule}",
        f"measures are {settings['aggregate'].replace('_', ' ')}; component sizes: "
        f"min_prediction={settings['min_prediction']}, min_target={settings['min_target']}",
        f"{settings['first']}: {first.ranges.frames} frames, {first.ranges.pixels} valid pixels, "
        f"{first.ranges.anomalous_pixels} anomalous",
    ]
    met = first.ranges.trivially_met
    if met is not None:
        lines.append(f"the prediction of {met} meets all requirements, too")
    certificate = first.certificate
    if certificate is not None:
        lines += certificate_notes(first.requirements, certificate)
    lines += how_inverted(found.settings.get("invert", ()))
    lines += [f"{name}: {why}" for name, why in found.without.items()]
    return lines


def certificate_notes(requirements: Sequence[Requirement], certificate: Certificate) -> list[str]:
    """What a certificate says, and what it rests on."""
    share = f" ({certificate.start_frames} more chose where to start)"
    lines = [
        f"certified by {certificate.frames} frames"
        f"{share if certificate.start_frames else ''}: with a probability of at least "
        f"{100 * certificate.confidence:g} % every threshold of the range meets the requirements "
        "on the population that the frames were drawn from, independently of each other; "
        "neighbouring frames of a video are not independent, and another camera is another "
        "population",
    ]
    for place, requirement in enumerate(requirements):
        text = f"{requirement}: {certificate.certified_as[place]}, {certificate.tests[place]} test"
        fewest = certificate.fewest[place]
        if fewest is not None:
            text += f"; no method certifies this with fewer than {fewest} frames"
        lines.append(text)
    if certificate.run is None:
        lines.append(why_nothing(requirements, certificate))
    if certificate.next_frame is not None:
        lines.append(
            f"above {certificate.next_frame:.6g} (raw) the next frame raises no alarm as often as "
            "required, on average over the sets of frames one may have drawn"
        )
    return lines


def why_nothing(requirements: Sequence[Requirement], certificate: Certificate) -> str:
    """What it would take where no threshold is certified."""
    open_ones = [
        (str(requirement), needed)
        for requirement, needed in zip(requirements, certificate.needed, strict=True)
        if needed != 0
    ]
    parts = [
        f"{name} no number of frames like these"
        if needed is None
        else f"{name} about {needed} frames like these"
        for name, needed in open_ones
    ]
    return f"no threshold is certified for all requirements; it would take: {'; '.join(parts)}"


def _rows(found: RequiredThresholds) -> list[dict[str, Any]]:
    """A row a method and requirement, in fractions."""
    rows: list[dict[str, Any]] = []
    for name in found.methods:
        r, t = found.recommendations.get(name), found.transfers.get(name)
        if r is None:
            rows.append({"method": name, "no_threshold": found.without.get(name)})
            continue
        for place, requirement in enumerate(r.requirements):
            key = str(requirement)
            run = None if r.certificate is None else r.certificate.runs[place]
            low, high = run or (None, None)
            rows.append(
                {
                    "method": name,
                    "threshold": r.threshold,
                    "raw_threshold": r.raw_threshold,
                    "low": r.interval[0],
                    "high": r.interval[1],
                    "requirement": key,
                    "value": r.values[key],
                    "certified_low": low,
                    "certified_high": high,
                    "second_value": t and t.values[key],
                    "second_holds": t and t.holds[key],
                    "no_threshold": None,
                }
            )
    return rows
