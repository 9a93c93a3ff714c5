"""ByMethod: what was chosen for each of several methods, on one set of frames and another."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from mdmkit.core.margin import Interval
from mdmkit.core.records import Json
from mdmkit.datasets import how_inverted
from mdmkit.tables.forms import Tabular
from mdmkit.tables.headings import METRIC_HEADINGS
from mdmkit.tables.table import UNDEFINED, Block, Column, View, value_column
from mdmkit.thresholds.operating_points import OperatingPoint

#: Numbers of an operating point that are shown, and whether a larger one is better.
Shown = Sequence[tuple[str, bool]]
POINT: Shown = (("f1", True), ("precision", True), ("recall", True), ("fpr", False))


class Recorded(Protocol):
    """A result that turns into a dictionary."""

    def to_dict(self) -> Json: ...


R = TypeVar("R", bound=Recorded)
S = TypeVar("S", bound=Recorded)
One = TypeVar("One")


@dataclass(frozen=True)
class ByMethod(Tabular, Generic[R, S]):
    """Thresholds of several methods; `found["mine"]` is one of them.

    Attributes
    ----------
    methods : tuple of str
    recommendations : dict
        By method, of those that have a threshold.
    transfers : dict
        What they give on the second set; empty without one.
    without : dict of str
        Why the other methods have no threshold.
    settings : dict
        What was asked for, and on which frames.
    """

    methods: tuple[str, ...]
    recommendations: dict[str, R]
    transfers: dict[str, S]
    without: dict[str, str]
    settings: Json

    def __getitem__(self, method: str) -> R:
        return self.recommendations[method]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Masks and scores that look like mistakes, kept in the settings."""
        return tuple(self.settings.get("remarks", ()))

    @abstractmethod
    def blocks(self) -> Sequence[Block]:
        """The tables, one below the other."""

    @abstractmethod
    def own_notes(self) -> list[str]:
        """Notes that are about this kind of thresholds."""

    def notes(self) -> list[str]:
        """Notes below the tables."""
        return [
            "anomaly is the positive class; a pixel is predicted where score > z",
            *self.own_notes(),
            *how_inverted(self.settings.get("invert", ())),
            *(f"remark: {remark}" for remark in self.remarks),
            *(f"{name}: {why}" for name, why in self.without.items()),
        ]

    @property
    def first(self) -> R:
        """The first recommendation: what it says of the frames is true of all."""
        return next(iter(self.recommendations.values()))

    @abstractmethod
    def rows(self) -> list[Json]:
        """Rows of a CSV file, in fractions."""

    def long_rows(self) -> list[Json]:
        """The same, one number or choice a row."""
        return self.rows()

    def view(self) -> View:
        """What is shown of the thresholds."""
        return View(
            self.methods,
            None,
            tuple(self.blocks()),
            tuple(self.notes()),
            self.to_dict(),
            self.rows(),
            self.long_rows(),
            len(self.methods),
        )

    def to_dict(self) -> Json:
        """`{"settings": {...}, "rows": [...]}`, ready for JSON: fractions, undefined as None."""
        return {"settings": self.settings, "rows": [self._record(name) for name in self.methods]}

    def _record(self, method: str) -> Json:
        if method in self.without:
            return {"method": method, "no_threshold": self.without[method]}
        row = self.recommendations[method].to_dict()
        if method in self.transfers:
            row["transfer"] = self.transfers[method].to_dict()
        return row

    def texts(
        self,
        name: str,
        condition: str,
        text: Callable[[Any], str],
        of: Mapping[str, object] | None = None,
    ) -> Column:
        """A column of text, "-" for methods without a threshold; its heading may take two lines."""
        known = self.recommendations if of is None else of
        cells = (text(known[name]) if name in known else UNDEFINED for name in self.methods)
        return Column(name, condition, "", tuple(cells))

    def raw_columns(self) -> list[Column]:
        """Thresholds on scores as they are, where some were normalised."""
        if set(self.settings["normalize"].values()) == {"none"}:
            return []
        return [self.texts("on raw", "scores", lambda found: f"{found.raw_threshold:.6g}")]

    def numbers(self, of: Mapping[str, Any], shown: Shown, value: str = "") -> list[Column]:
        """Columns of numbers at each method's `point`; `value` is the metric's name."""
        points = {name: found.point for name, found in of.items()}
        return [
            value_column(
                value if name == "value" else METRIC_HEADINGS[name],
                "",
                higher,
                self.values(points, name),
            )
            for name, higher in shown
        ]

    def values(self, points: Mapping[str, OperatingPoint | None], name: str) -> list[float | None]:
        """One number of each method's operating point; None without one."""
        return [getattr(point, name, None) for point in map(points.get, self.methods)]


def with_range(z: float, interval: Interval | None) -> str:
    """A threshold and the range it is of."""
    return f"{z:.3f}" if interval is None else f"{z:.3f} [{interval[0]:.3f}, {interval[1]:.3f})"


def counts_of(found: Any) -> str:
    """How many frames and pixels something is about."""
    return f"{found.frames} frames, {found.pixels} valid pixels, {found.anomalous_pixels} anomalous"
