"""Contributions: what single frames add to an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import add
from typing import TYPE_CHECKING

from mdmkit.core.records import Json
from mdmkit.evaluation.remarks import Look

if TYPE_CHECKING:
    from mdmkit.statistics.totals import Totals


@dataclass(frozen=True)
class Counts:
    """Numbers of pixels and components in frames; they add up."""

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

    values: dict[str, float]
    refused: dict[str, str]
    no_target: dict[str, str]
    #: Of margins: d of the predictions "all valid pixels" and "none".
    ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    look: Look = field(default_factory=Look)

    @classmethod
    def from_dict(cls, record: Json) -> Image:
        """Read what `asdict` returned, by way of JSON."""
        return cls(**{**record, "look": Look(**record["look"])})


@dataclass(frozen=True, eq=False)
class Contribution:
    """Holds the counts that one frame adds to an evaluation."""

    counts: Counts
    sweeps: Totals | None = None  # pooled
    image: Image | None = None  # per image
    inside: Totals | None = None  # in a second pass
