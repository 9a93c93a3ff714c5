"""Contributions: what single frames add to an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from operator import add
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mdmkit.metrics.measures import Values
    from mdmkit.statistics.totals import Totals


@dataclass(frozen=True)
class Counts:
    """What frames hold; adds."""

    frames: int = 0
    pixels: int = 0
    anomalous_pixels: int = 0
    components: int = 0
    normal_frames: int = 0  # frames without an anomalous pixel

    def __add__(self, other: Counts) -> Counts:
        return Counts(*map(add, vars(self).values(), vars(other).values()))


@dataclass(frozen=True, eq=False)
class Image:
    """The numbers of one frame, evaluated per image."""

    values: Values
    refused: dict[str, str]
    no_target: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON, NaN as None."""
        values = {key: None if isnan(value) else value for key, value in self.values.items()}
        return {"values": values, "refused": self.refused, "no_target": self.no_target}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Image:
        """What `to_dict` gave."""
        values = {k: float("nan") if v is None else v for k, v in record["values"].items()}
        return cls(values, record["refused"], record["no_target"])


@dataclass(frozen=True, eq=False)
class Contribution:
    """What one frame adds to an evaluation."""

    counts: Counts
    sweeps: Totals | None = None  # pooled
    image: Image | None = None  # per image
    inside: Totals | None = None  # in a second pass
