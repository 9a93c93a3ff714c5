"""RequiredThresholds: thresholds of several methods under requirements, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Any

from mdmkit.core.margin import Interval
from mdmkit.core.records import Json
from mdmkit.tables.table import UNDEFINED, Block, Column
from mdmkit.thresholds.by_method import POINT, ByMethod, counts_of, with_range
from mdmkit.thresholds.certify import Certificate, Promise
from mdmkit.thresholds.error_bars import ErrorBars
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
        blocks = [self._first_block()]
        if self._has("certificate"):
            blocks.append(self._certified_block())
        if any(self._promises):
            blocks.append(self._next_block())
        if self.transfers:
            blocks.append(self._second_block())
        if self._has("error_bars"):
            blocks.append(self._bars_block())
        return blocks

    def _has(self, name: str) -> bool:
        return any(getattr(found, name) for found in self.recommendations.values())

    def _columns(
        self,
        condition: str,
        text: Callable[[int, Any], str],
        of: Mapping[str, object] | None = None,
    ) -> list[Column]:
        """A column of text for each requirement, given its place."""
        return [
            self.texts(str(requirement), condition, partial(text, place), of)
            for place, requirement in enumerate(self.first.requirements)
        ]

    def _pixel_columns(self, of: Mapping[str, Any]) -> list[Column]:
        return _defined(self.numbers(of, POINT))

    def _first_block(self) -> Block:
        threshold = self.texts(
            "threshold", "[range)", lambda r: with_range(r.threshold, r.interval)
        )
        values = self._columns("", lambda place, r: number([*r.values.values()][place]))
        numbers = self._pixel_columns(self.recommendations)
        title = f"Threshold for {self.settings['require']}, chosen on {self.settings['first']}"
        columns = (threshold, *self.raw_columns(), *values, *numbers)
        return Block(f"{title}{_PERCENT}", columns)

    def _certified_block(self) -> Block:
        def own(place: int, r: RequiredThreshold) -> str:
            assert r.certificate is not None
            return _certified_text(r.certificate.runs[place], r.certificate.needed[place], "~")

        confidence = self.settings["confidence"]
        title = _NEXT_FRAME
        if confidence is not None:
            title = f"Certified for the population of frames, with {100 * confidence:g} %"
        together = self.texts("all", "", lambda r: range_text(r.certified))
        return Block(title, (together, *self._columns("raw scores", own)))

    @property
    def _promises(self) -> Sequence[Promise | None]:
        """Of each requirement what is promised for the next frame, beside a certificate."""
        certificates = (r.certificate for r in self.recommendations.values())
        return next((c.next_frames for c in certificates if c is not None), ())

    def _next_block(self) -> Block:
        def text(place: int, r: RequiredThreshold) -> str:
            promise = r.certificate and r.certificate.next_frames[place]
            return _certified_text(promise.run, promise.needed) if promise else UNDEFINED

        return Block(_NEXT_FRAME, tuple(_defined(self._columns("raw scores", text))))

    def _second_block(self) -> Block:
        of = self.transfers
        columns = [
            *self._columns("", _verdict, of),
            self.texts("range", "here", lambda t: range_text(t.interval), of),
            *self._pixel_columns(of),
        ]
        title = f"The same threshold on {self.settings['second']}{_PERCENT}"
        return Block(title, tuple(columns))

    def _bars_block(self) -> Block:
        def text(place: int, r: Any) -> str:
            bars = r.error_bars
            return f"{_between(bars.values[place])}, {100 * bars.holds[place]:.0f} %"

        anew = self.texts("threshold", "chosen anew", lambda r: _between(r.error_bars.threshold))
        where = self.settings["second"] or self.settings["first"]
        title = f"On resampled frames: the threshold of the first set, requirements on {where}"
        return Block(title, (anew, *self._columns("holds in", text)))

    def own_notes(self) -> list[str]:
        """Notes on requirements, certificates and resampled frames."""
        first, settings = self.first, self.settings
        lines = [
            f"the threshold is {first.rule}",
            f"measures are {settings['aggregate'].replace('_', ' ')}; component sizes: "
            f"min_prediction={settings['min_prediction']}, min_target={settings['min_target']}",
            f"{settings['first']}: {counts_of(first.ranges)}",
        ]
        if first.ranges.counted:
            lines.append(
                f"from what {settings['counts']} keeps of the frames: all that is said here is "
                "exact or sure, but ranges end at thresholds at which frames were counted and may "
                "be longer"
            )
        met = first.ranges.trivially_met
        if met is not None:
            lines.append(f"the prediction of {met} meets all requirements, too")
        if first.certificate is not None:
            lines += certificate_notes(first.requirements, first.certificate)
        for name, r in self.recommendations.items():
            if r.certificate is not None and r.certificate.run is None:
                lines.append(f"{name}: {why_nothing(r.requirements, r.certificate)}")
        if any(self._promises):
            lines.append(
                "for the next frame: as often as required, on average over the sets of frames one "
                "may have drawn, each requirement by itself; frames must be exchangeable"
            )
        return lines + (self._bars_notes(first.error_bars) if first.error_bars else [])

    def _bars_notes(self, bars: ErrorBars) -> list[str]:
        """Note what intervals are about, and where the threshold itself is another one."""
        lines = [
            f"intervals: {100 * bars.confidence:g} % of {bars.replicates} resampled sets of "
            "frames; the threshold is chosen anew on each of the first set, requirements are "
            "judged at the one recommended above"
        ]
        for name, r in self.recommendations.items():
            plain = r.ranges.threshold(r.interval)
            if r.certified is not None and plain != r.threshold:
                lines.append(f"{name}: without a certificate the threshold would be {plain:.3f}")
            if r.error_bars is not None and r.error_bars.without > 0:
                share = 100 * r.error_bars.without
                lines.append(f"{name}: {share:.1f} % of the sets have no threshold")
        return lines

    def rows(self) -> list[Json]:
        """One row per method and requirement, in fractions."""
        return [row for name in self.methods for row in self._rows_of(name)]

    def _rows_of(self, method: str) -> list[Json]:
        r, t = self.recommendations.get(method), self.transfers.get(method)
        if r is None:
            return [{"method": method, "no_threshold": self.without.get(method)}]
        rows: list[Json] = []
        for place, (key, value) in enumerate(r.values.items()):
            run = r.certificate and r.certificate.runs[place]
            low, high = run or (None, None)
            rows.append(
                {
                    "method": method,
                    "threshold": r.threshold,
                    "raw_threshold": r.raw_threshold,
                    "low": r.interval[0],
                    "high": r.interval[1],
                    "requirement": key,
                    "value": value,
                    "certified_low": low,
                    "certified_high": high,
                    "second_value": t and t.values[key],
                    "second_holds": t and t.holds[key],
                    "no_threshold": None,
                }
            )
        return rows


_PERCENT = "; pixel numbers in %"
_NEXT_FRAME = "For the next frame, on average over sets of frames"


def _defined(columns: Sequence[Column]) -> list[Column]:
    """Columns that hold something of some method."""
    return [column for column in columns if set(column.cells) != {UNDEFINED}]


def _certified_text(run: Interval | None, needed: int | None, about: str = "") -> str:
    """A range of raw scores, or how many frames it takes."""
    if run is not None:
        return raw_range(run)
    return "nothing" if needed is None else f"nothing ({about}{needed} frames)"


def _verdict(place: int, transfer: RequiredTransfer) -> str:
    value, holds = ([*of.values()][place] for of in (transfer.values, transfer.holds))
    return UNDEFINED if value is None else f"{number(value)} {'holds' if holds else 'fails'}"


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
