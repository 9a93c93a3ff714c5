"""Thresholds of several methods, on one set of frames and another, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mdmkit.core.records import Json
from mdmkit.datasets import how_inverted
from mdmkit.metrics.component_metrics import COMPONENT_METRICS
from mdmkit.statistics.normalizers import MinMax
from mdmkit.tables.headings import METRIC_HEADINGS
from mdmkit.tables.table import Block, Column, percent, value_column
from mdmkit.thresholds.by_method import POINT, ByMethod, Shown, with_range
from mdmkit.thresholds.operating_points import OperatingPoint
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
        if not self.transfers:
            return [_first_block(self)]
        return [_first_block(self), _second_block(self), _choices_block(self)]

    def notes(self) -> list[str]:
        """Notes below the tables."""
        return _notes(self)

    def rows(self) -> list[Json]:
        """One row per method, in fractions."""
        return _rows(self)

    def long_rows(self) -> list[Json]:
        """One row per method, set and choice of threshold."""
        return _long_rows(self)


def _title(found: Thresholds) -> str:
    metric = found.settings["metric"]
    return str(METRIC_HEADINGS.get(metric, metric))


def _columns(found: Thresholds, points: dict[str, OperatingPoint]) -> list[Column]:
    """The numbers at an operating point of each method."""
    metric = found.settings["metric"]
    shown = [*POINT, *(_COMPONENTS if metric in COMPONENT_METRICS else ())]
    if metric not in [name for name, _ in shown]:
        shown.insert(0, ("value", True))
    return found.numbers(points, shown, _title(found))


def _first_block(found: Thresholds) -> Block:
    settings = found.settings
    margins = [
        found.recommendations[name].margin.value if name in found.recommendations else 0.0
        for name in found.methods
    ]
    columns = [
        value_column("margin", "", True, margins),
        found.texts("threshold", "[margin)", lambda r: with_range(r.threshold, r.margin.interval)),
    ]
    if set(settings["normalize"].values()) != {"none"}:
        columns.append(found.texts("on raw", "scores", lambda r: f"{r.raw_threshold:.6g}"))
    points = {name: r.point for name, r in found.recommendations.items()}
    required = f"{_title(found)} > {settings['t_margin']:g}"
    title = f"Threshold for {required}, chosen on {settings['first']}, %"
    return Block(title, (*columns, *_columns(found, points)))


def _second_block(found: Thresholds) -> Block:
    t_margin = found.settings["t_margin"]

    def slack(transfer: Transfer) -> str:
        if transfer.slack is None:
            return "fails"
        down, up = transfer.slack
        return f"-{down:.3f} to +{up:.3f}"

    def outside(transfer: Transfer) -> str:
        count = transfer.below + transfer.above
        return f"{count} ({100 * transfer.outside_share:.2g} %)" if count else "0"

    of = found.transfers
    columns = [
        found.texts(
            _title(found), f"> {t_margin:g}", lambda t: "holds" if t.holds else "fails", of
        ),
        found.texts("z could", "move by", slack, of),
        found.texts("in the", "margin here", lambda t: "yes" if t.inside else "no", of),
        found.texts("scores", "beyond [0, 1]", outside, of),
    ]
    points = {name: transfer.point for name, transfer in of.items()}
    title = f"The same threshold on {found.settings['second']}, %"
    return Block(title, (*_columns(found, points), *columns))


def _choices_block(found: Thresholds) -> Block:
    """Make the table of other thresholds on the second set."""
    names = ["value"] if found.settings["metric"] == "f1" else ["value", "f1"]
    columns = []
    for heading, choice in (
        ("middle of margin", "point"),
        ("best F1 before", "best_f1"),
        ("best F1 here", "oracle"),
    ):
        for name in names:
            points = {m: getattr(t, choice) for m, t in found.transfers.items()}
            values = [
                getattr(points[m], name) if points.get(m) is not None else None
                for m in found.methods
            ]
            metric = _title(found) if name == "value" else "F1"
            cells = tuple(map(percent, values))
            columns.append(Column(metric, heading, "", cells))
    columns.append(found.texts("margin", "here", _margin_text, found.transfers))
    title = f"Other thresholds on {found.settings['second']}, %"
    return Block(title, tuple(columns))


def _margin_text(transfer: Transfer) -> str:
    value, interval = percent(transfer.margin.value), transfer.margin.interval
    return value if interval is None else f"{value} [{interval[0]:.3f}, {interval[1]:.3f})"


def _counts(result: Recommendation | Transfer) -> str:
    return (
        f"{result.frames} frames, {result.pixels} valid pixels, {result.anomalous_pixels} anomalous"
    )


def _notes(found: Thresholds) -> list[str]:
    settings = found.settings
    lines = [
        "anomaly is the positive class; a pixel is predicted where score > z",
        "the threshold is the middle of the margin: as far as one can be from failing on either "
        "side",
        f"{settings['first']}: {_counts(next(iter(found.recommendations.values())))}",
    ]
    if found.transfers:
        lines.append(f"{settings['second']}: {_counts(next(iter(found.transfers.values())))}")
    if settings["metric"] in COMPONENT_METRICS:
        lines.append(
            f"component sizes: min_prediction={settings['min_prediction']}, "
            f"min_target={settings['min_target']}"
        )
    trivial = next(iter(found.recommendations.values())).margin.trivial
    if trivial is not None and settings["t_margin"] <= trivial:
        lines.append(
            f"T = {settings['t_margin']:g} does not exceed the trivial level {trivial:.4g}, which "
            "predicting all valid pixels or none has: these margins are passed by doing nothing"
        )
    if settings["left_out"]:
        lines.append(f"{settings['left_out']} frames left out that not every method has")
    for name, r in found.recommendations.items():
        if r.normalize != "none":
            constants = (
                f", {r.normalizer.low:g} to {r.normalizer.high:g}"
                if isinstance(r.normalizer, MinMax)
                else ""
            )
            kept = "; kept on the second set, whose scores are not clipped"
            lines.append(
                f"{name}: normalised by {r.normalize}{constants}{kept if found.transfers else ''}"
            )
    if len(set(settings["normalize"].values())) > 1:
        lines.append("margins of methods that were normalised in different ways do not compare")
    if found.transfers:
        lines.append(
            "best F1 before: the threshold with the largest pixel F1 on the first set; best F1 "
            "here: that of the second set itself, which nobody knows beforehand"
        )
    lines += how_inverted(settings.get("invert", ()))
    lines += [f"remark: {remark}" for remark in found.remarks]
    lines += [f"{name}: {why}" for name, why in found.without.items()]
    return lines


def _flat(prefix: str, values: Json | None) -> Json:
    return {f"{prefix}_{name}": value for name, value in (values or {}).items()}


def _ends(prefix: str, interval: Any) -> Json:
    low, high = interval or (None, None)
    return {f"{prefix}_low": low, f"{prefix}_high": high}


def _rows(found: Thresholds) -> list[Json]:
    """One row per method, in fractions."""
    shared = {name: found.settings[name] for name in ("metric", "t_margin", "first", "second")}
    rows = []
    for name in found.methods:
        row: Json = {"method": name, **shared}
        r, t = found.recommendations.get(name), found.transfers.get(name)
        if r is not None:
            row |= {
                "normalize": r.normalize,
                "threshold": r.threshold,
                "raw_threshold": r.raw_threshold,
                "margin": r.margin.value,
                **_ends("margin", r.margin.interval),
                **_ends("raw", r.raw_interval),
                **_flat("first", r.point.to_dict()),
            }
        if t is not None:
            row |= {
                "holds": t.holds,
                "inside": t.inside,
                "below": t.below,
                "above": t.above,
                "second_margin": t.margin.value,
                **_ends("second_margin", t.margin.interval),
            }
            down, up = t.slack or (None, None)
            row |= {"could_fall_by": down, "could_rise_by": up}
            for choice, point in _choices(t):
                row |= _flat(f"second_{choice}" if choice != "margin" else "second", point)
        row["no_threshold"] = found.without.get(name)
        rows.append(row)
    return rows


def _choices(result: Recommendation | Transfer) -> Sequence[tuple[str, Json | None]]:
    """Operating points by how their threshold was chosen."""
    points = {"margin": result.point, "best_f1": result.best_f1}
    points |= {"oracle": getattr(result, "oracle", None)}
    return [(choice, point.to_dict()) for choice, point in points.items() if point is not None]


def _long_rows(found: Thresholds) -> list[Json]:
    """One row per method, set and choice of threshold."""
    return [
        {
            "method": name,
            "set": which,
            "choice": choice,
            "metric": found.settings["metric"],
            "t_margin": found.settings["t_margin"],
            **(point or {}),
        }
        for name in found.methods
        for which, results in (("first", found.recommendations), ("second", found.transfers))
        if name in results
        for choice, point in _choices(results[name])
    ]
