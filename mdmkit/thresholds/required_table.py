"""RequiredThresholds: thresholds of several methods under requirements, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from mdmkit.core.margin import Interval
from mdmkit.core.records import Json
from mdmkit.datasets import how_inverted
from mdmkit.tables.table import UNDEFINED, Block, Column
from mdmkit.thresholds.by_method import POINT, ByMethod, with_range
from mdmkit.thresholds.certify import Certificate, Promise
from mdmkit.thresholds.error_bars import ErrorBars
from mdmkit.thresholds.operating_points import OperatingPoint
from mdmkit.thresholds.required import RequiredThreshold, RequiredTransfer
from mdmkit.thresholds.requirements import Requirement


@dataclass(frozen=True)
class RequiredThresholds(ByMethod[RequiredThreshold, RequiredTransfer]):
    """Thresholds of several methods under the same requirements; `found["mine"]` is one of them.

    Those `without` one are told how near they come.

    See Also
    --------
    ByMethod : its attributes.
    """

    def blocks(self) -> Sequence[Block]:
        """The tables, one below the other."""
        blocks = [_first_block(self)]
        if any(r.certificate for r in self.recommendations.values()):
            blocks.append(_certified_block(self))
        if any(filter(None, _promises(self))):
            blocks.append(_next_block(self))
        if self.transfers:
            blocks.append(_second_block(self))
        if any(r.error_bars for r in self.recommendations.values()):
            blocks.append(_bars_block(self))
        return blocks

    def notes(self) -> list[str]:
        """Notes below the tables."""
        return _notes(self)

    def rows(self) -> list[Json]:
        """One row per method and requirement, in fractions."""
        return _rows(self)


_PERCENT = "; pixel numbers in %"


def _requirements(found: RequiredThresholds) -> Sequence[Requirement]:
    return next(iter(found.recommendations.values())).requirements


def _numbers(found: RequiredThresholds, points: dict[str, OperatingPoint]) -> list[Column]:
    """Pixel numbers that are defined for some method."""
    columns = found.numbers(points, POINT)
    return [column for column in columns if any(cell != UNDEFINED for cell in column.cells)]


def _first_block(found: RequiredThresholds) -> Block:
    columns = [found.texts("threshold", "[range)", lambda r: with_range(r.threshold, r.interval))]
    if set(found.settings["normalize"].values()) != {"none"}:
        columns.append(found.texts("on raw", "scores", lambda r: f"{r.raw_threshold:.6g}"))
    columns += [
        found.texts(key, "", partial(_value, key)) for key in map(str, _requirements(found))
    ]
    points = {name: r.point for name, r in found.recommendations.items()}
    settings = found.settings
    title = f"Threshold for {settings['require']}, chosen on {settings['first']}{_PERCENT}"
    return Block(title, (*columns, *_numbers(found, points)))


def _certified_block(found: RequiredThresholds) -> Block:
    def own(place: int, r: RequiredThreshold) -> str:
        certificate = r.certificate
        assert certificate is not None
        run, needed = certificate.runs[place], certificate.needed[place]
        if run is not None:
            return raw_range(run)
        return "nothing" if needed is None else f"nothing (~{needed} frames)"

    columns = [
        found.texts("all", "", lambda r: range_text(r.certified)),
        *(
            found.texts(str(requirement), "raw scores", partial(own, place))
            for place, requirement in enumerate(_requirements(found))
        ),
    ]
    confidence = found.settings["confidence"]
    title = "For the next frame, on average over sets of frames"
    if confidence is not None:
        title = f"Certified for the population of frames, with {100 * confidence:g} %"
    return Block(title, tuple(columns))


def _promises(found: RequiredThresholds) -> Sequence[Promise | None]:
    """Make the table of promises for the next frame, beside the certificate."""
    certificates = (r.certificate for r in found.recommendations.values())
    return next((c.next_frames for c in certificates if c is not None), ())


def _next_block(found: RequiredThresholds) -> Block:
    def text(place: int, r: RequiredThreshold) -> str:
        promise = r.certificate and r.certificate.next_frames[place]
        assert promise
        if promise.run is not None:
            return raw_range(promise.run)
        return "nothing" if promise.needed is None else f"nothing ({promise.needed} frames)"

    columns = [
        found.texts(str(requirement), "raw scores", partial(text, place))
        for place, requirement in enumerate(_requirements(found))
        if _promises(found)[place] is not None
    ]
    return Block("For the next frame, on average over sets of frames", tuple(columns))


def _second_block(found: RequiredThresholds) -> Block:
    columns = []
    for requirement in _requirements(found):
        verdict = partial(_verdict, str(requirement))
        columns.append(found.texts(str(requirement), "", verdict, found.transfers))
    columns.append(found.texts("range", "here", lambda t: range_text(t.interval), found.transfers))
    points = {name: transfer.point for name, transfer in found.transfers.items()}
    title = f"The same threshold on {found.settings['second']}{_PERCENT}"
    return Block(title, (*columns, *_numbers(found, points)))


def _value(key: str, recommendation: Any) -> str:
    return number(recommendation.values[key])


def _verdict(key: str, transfer: Any) -> str:
    if transfer.values[key] is None:
        return UNDEFINED
    return f"{number(transfer.values[key])} {'holds' if transfer.holds[key] else 'fails'}"


def _bars_block(found: RequiredThresholds) -> Block:
    columns = [found.texts("threshold", "chosen anew", lambda r: _between(r.error_bars.threshold))]
    for place, requirement in enumerate(_requirements(found)):

        def text(r: Any, place: int = place) -> str:
            bars = r.error_bars
            return f"{_between(bars.values[place])}, {100 * bars.holds[place]:.0f} %"

        columns.append(found.texts(str(requirement), "holds in", text))
    where = found.settings["second"] or found.settings["first"]
    title = f"On resampled frames: the threshold of the first set, requirements on {where}"
    return Block(title, tuple(columns))


def _between(interval: Interval | None) -> str:
    """Percentiles of resampled sets, ends included."""
    return UNDEFINED if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"


def number(value: float) -> str:
    """A measure, as a fraction."""
    return UNDEFINED if value != value else f"{value:.4g}"


def raw_range(run: Interval) -> str:
    """A range of raw scores, which may have no end."""
    low, high = run
    if low == -inf and high == inf:
        return "everywhere"
    if low == -inf or high == inf:
        return f"from {low:.4g} on" if low > -inf else f"below {high:.4g}"
    return f"{low:.4g} alone" if low == high else f"[{low:.4g}, {high:.4g})"


def range_text(interval: Interval | None) -> str:
    """A range on [0, 1]."""
    if interval is None:
        return "nothing"
    low, high = interval
    return f"{low:.3f} alone" if low == high else f"[{low:.3f}, {high:.3f})"


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
    if first.ranges.counted:
        lines.append(
            f"from what {settings['counts']} keeps of the frames: all that is said here is exact "
            "or sure, but ranges end at thresholds at which frames were counted and may be longer"
        )
    met = first.ranges.trivially_met
    if met is not None:
        lines.append(f"the prediction of {met} meets all requirements, too")
    if first.certificate is not None:
        lines += certificate_notes(first.requirements, first.certificate)
    for name, r in found.recommendations.items():
        if r.certificate is not None and r.certificate.run is None:
            lines.append(f"{name}: {why_nothing(r.requirements, r.certificate)}")
    if any(_promises(found)):
        lines.append(
            "for the next frame: as often as required, on average over the sets of frames one may "
            "have drawn, each requirement by itself; frames must be exchangeable"
        )
    if first.error_bars is not None:
        lines += _bars_notes(found, first.error_bars)
    lines += how_inverted(found.settings.get("invert", ()))
    lines += [f"remark: {remark}" for remark in found.remarks]
    lines += [f"{name}: {why}" for name, why in found.without.items()]
    return lines


def _bars_notes(found: RequiredThresholds, bars: ErrorBars) -> list[str]:
    """Note what intervals are about, and where the threshold itself is another one."""
    lines = [
        f"intervals: {100 * bars.confidence:g} % of {bars.replicates} resampled sets of frames; "
        "the threshold is chosen anew on each of the first set, requirements are judged at the one "
        "recommended above"
    ]
    for name, r in found.recommendations.items():
        plain = r.ranges.threshold(r.interval)
        if r.certified is not None and plain != r.threshold:
            lines.append(f"{name}: without a certificate the threshold would be {plain:.3f}")
        if r.error_bars is not None and r.error_bars.without > 0:
            share = 100 * r.error_bars.without
            lines.append(f"{name}: {share:.1f} % of the sets have no threshold")
    return lines


_ON_AVERAGE = (
    "as often as required, on average over the sets of frames one may have drawn; frames must be "
    "exchangeable"
)


def certificate_notes(requirements: Sequence[Requirement], certificate: Certificate) -> list[str]:
    """Note what a certificate says, and what it rests on."""
    lines = [_what_it_says(certificate)]
    for place, requirement in enumerate(requirements):
        text = f"{requirement}: {certificate.certified_as[place]}, {certificate.tests[place]}"
        fewest = certificate.fewest[place]
        if fewest is not None:
            certified = certificate.confidence is not None
            least = "no method certifies this with fewer than" if certified else "takes at least"
            text += f"; {least} {fewest} frames"
        lines.append(text)
    return lines


def _what_it_says(certificate: Certificate) -> str:
    if certificate.confidence is None:
        return (
            f"by {certificate.frames} frames: the next frame meets the requirement {_ON_AVERAGE}, "
            "which another camera or another season is not"
        )
    share = f" ({certificate.start_frames} more chose where to start)"
    return (
        f"certified by {certificate.frames} frames"
        f"{share if certificate.start_frames else ''}: with a probability of at least "
        f"{100 * certificate.confidence:g} % every threshold of the range meets the requirements "
        "on the population that the frames were drawn from, independently of each other; "
        "neighbouring frames of a video are not independent, and another camera is another "
        "population"
    )


def why_nothing(requirements: Sequence[Requirement], certificate: Certificate) -> str:
    """Note how many frames it would take where no threshold is certified."""
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


def _rows(found: RequiredThresholds) -> list[Json]:
    """One row per method and requirement, in fractions."""
    rows: list[Json] = []
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
