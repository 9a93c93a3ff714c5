"""Thresholds of several methods, on one set of frames and another, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdmkit.core.records import Json
from mdmkit.metrics.component_metrics import COMPONENT_METRICS
from mdmkit.statistics.normalizers import MinMax
from mdmkit.tables.headings import METRIC_HEADINGS
from mdmkit.tables.table import Block, Column, percent, value_column
from mdmkit.thresholds.by_method import POINT, ByMethod, Shown, counts_of, with_range
from mdmkit.thresholds.transfer import Recommendation, Transfer

_COMPONENTS: Shown = (("siou", True), ("ppv", True), ("mean_f1", True))


@dataclass(frozen=True)
class Thresholds(ByMethod[Recommendation, Transfer]):
    """Holds recommended thresholds of several methods; `thresholds["mine"]` is one of them.

    Attributes
    ----------
    methods : tuple of str
    recommendations : dict of Recommendation
        Of the methods that have a margin.
    transfers : dict of Transfer
        Their results on the second set; empty without one.
    without : dict of str
        The reasons why the other methods have no threshold.
    settings : dict
        What was asked for, and on which frames.

    Examples
    --------
    >>> from mdmkit import choose_thresholds
    >>> found = choose_thresholds(
    ...     {
    ...         "sharp": [([[0.125, 0.25, 0.75]], [[0, 0, 1]])],
    ...         "blind": [([[0.5, 0.5, 0.25]], [[0, 0, 1]])],
    ...     },
    ...     t_margin=0.7,
    ... )
    >>> found["sharp"].threshold, sorted(found.without)
    (0.5, ['blind'])
    """

    def blocks(self) -> Sequence[Block]:
        """The tables, one below the other."""
        first = self._first_block()
        return [first, self._second_block(), self._choices_block()] if self.transfers else [first]

    @property
    def _title(self) -> str:
        metric = self.settings["metric"]
        return str(METRIC_HEADINGS.get(metric, metric))

    def _columns(self, of: Mapping[str, Recommendation | Transfer]) -> list[Column]:
        """The numbers at an operating point of each method."""
        metric = self.settings["metric"]
        shown = [*POINT, *(_COMPONENTS if metric in COMPONENT_METRICS else ())]
        if metric not in [name for name, _ in shown]:
            shown.insert(0, ("value", True))
        return self.numbers(of, shown, self._title)

    def _first_block(self) -> Block:
        found = map(self.recommendations.get, self.methods)
        margins = [0.0 if r is None else r.margin.value for r in found]
        columns = [
            value_column("margin", "", True, margins),
            self.texts(
                "threshold", "[margin)", lambda r: with_range(r.threshold, r.margin.interval)
            ),
            *self.raw_columns(),
            *self._columns(self.recommendations),
        ]
        required = f"{self._title} > {self.settings['t_margin']:g}"
        title = f"Threshold for {required}, chosen on {self.settings['first']}, %"
        return Block(title, tuple(columns))

    def _second_block(self) -> Block:
        required, of = f"> {self.settings['t_margin']:g}", self.transfers
        columns = [
            *self._columns(of),
            self.texts(self._title, required, lambda t: "holds" if t.holds else "fails", of),
            self.texts("z could", "move by", _slack, of),
            self.texts("in the", "margin here", lambda t: "yes" if t.inside else "no", of),
            self.texts("scores", "beyond [0, 1]", _outside, of),
        ]
        return Block(f"The same threshold on {self.settings['second']}, %", tuple(columns))

    def _choices_block(self) -> Block:
        """Make the table of other thresholds on the second set."""
        headings = {"value": self._title, "f1": "F1"}
        names = ["value"] if self.settings["metric"] == "f1" else ["value", "f1"]
        columns = []
        for condition, choice in (
            ("middle of margin", "point"),
            ("best F1 before", "best_f1"),
            ("best F1 here", "oracle"),
        ):
            points = {name: getattr(t, choice) for name, t in self.transfers.items()}
            for name in names:
                cells = tuple(map(percent, self.values(points, name)))
                columns.append(Column(headings[name], condition, "", cells))
        columns.append(self.texts("margin", "here", _margin_text, self.transfers))
        return Block(f"Other thresholds on {self.settings['second']}, %", tuple(columns))

    def own_notes(self) -> list[str]:
        """Notes on margins, frames and normalisers."""
        settings = self.settings
        lines = [
            "the threshold is the middle of the margin: as far as one can be from failing on "
            "either side",
            f"{settings['first']}: {counts_of(self.first)}",
        ]
        lines += [f"{settings['second']}: {counts_of(t)}" for t in self.transfers.values()][:1]
        if settings["metric"] in COMPONENT_METRICS:
            lines.append(
                f"component sizes: min_prediction={settings['min_prediction']}, "
                f"min_target={settings['min_target']}"
            )
        margin = self.first.margin
        if margin.is_trivial:
            lines.append(
                f"T = {margin.t_margin:g} does not exceed the trivial level {margin.trivial:.4g}, "
                "which predicting all valid pixels or none has: these margins are passed by doing "
                "nothing"
            )
        if settings["left_out"]:
            lines.append(f"{settings['left_out']} frames left out that not every method has")
        kept = "; kept on the second set, whose scores are not clipped" if self.transfers else ""
        for name, r in self.recommendations.items():
            if r.normalize != "none":
                map_ = r.normalizer
                ends = f", {map_.low:g} to {map_.high:g}" if isinstance(map_, MinMax) else ""
                lines.append(f"{name}: normalised by {r.normalize}{ends}{kept}")
        if len(set(settings["normalize"].values())) > 1:
            lines.append("margins of methods that were normalised in different ways do not compare")
        if self.transfers:
            lines.append(
                "best F1 before: the threshold with the largest pixel F1 on the first set; best F1 "
                "here: that of the second set itself, which nobody knows beforehand"
            )
        return lines

    def rows(self) -> list[Json]:
        """One row per method, in fractions."""
        shared = {name: self.settings[name] for name in ("metric", "t_margin", "first", "second")}
        return [
            {
                "method": name,
                **shared,
                **_first_row(self.recommendations.get(name)),
                **_second_row(self.transfers.get(name)),
                "no_threshold": self.without.get(name),
            }
            for name in self.methods
        ]

    def long_rows(self) -> list[Json]:
        """One row per method, set and choice of threshold."""
        return [
            {
                "method": name,
                "set": which,
                "choice": choice,
                "metric": self.settings["metric"],
                "t_margin": self.settings["t_margin"],
                **point,
            }
            for name in self.methods
            for which, results in (("first", self.recommendations), ("second", self.transfers))
            if name in results
            for choice, point in _choices(results[name])
        ]


def _slack(transfer: Transfer) -> str:
    if transfer.slack is None:
        return "fails"
    down, up = transfer.slack
    return f"-{down:.3f} to +{up:.3f}"


def _outside(transfer: Transfer) -> str:
    count = transfer.below + transfer.above
    return f"{count} ({100 * transfer.outside_share:.2g} %)" if count else "0"


def _margin_text(transfer: Transfer) -> str:
    value, interval = percent(transfer.margin.value), transfer.margin.interval
    return value if interval is None else f"{value} [{interval[0]:.3f}, {interval[1]:.3f})"


def _flat(prefix: str, point: Json) -> Json:
    return {f"{prefix}_{name}": value for name, value in point.items()}


def _ends(prefix: str, interval: Any) -> Json:
    low, high = interval or (None, None)
    return {f"{prefix}_low": low, f"{prefix}_high": high}


def _first_row(found: Recommendation | None) -> Json:
    if found is None:
        return {}
    return {
        "normalize": found.normalize,
        "threshold": found.threshold,
        "raw_threshold": found.raw_threshold,
        "margin": found.margin.value,
        **_ends("margin", found.margin.interval),
        **_ends("raw", found.raw_interval),
        **_flat("first", found.point.to_dict()),
    }


def _second_row(found: Transfer | None) -> Json:
    if found is None:
        return {}
    down, up = found.slack or (None, None)
    row: Json = {
        "holds": found.holds,
        "inside": found.inside,
        "below": found.below,
        "above": found.above,
        "second_margin": found.margin.value,
        **_ends("second_margin", found.margin.interval),
        "could_fall_by": down,
        "could_rise_by": up,
    }
    for choice, point in _choices(found):
        row |= _flat("second" if choice == "margin" else f"second_{choice}", point)
    return row


def _choices(result: Recommendation | Transfer) -> Sequence[tuple[str, Json]]:
    """Operating points by how their threshold was chosen."""
    points = {"margin": result.point, "best_f1": result.best_f1}
    points |= {"oracle": getattr(result, "oracle", None)}
    return [(choice, point.to_dict()) for choice, point in points.items() if point is not None]
