"""RequiredThreshold: a threshold at which all of several requirements hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import NoMarginError
from mdmkit.core.margin import Interval
from mdmkit.core.records import Json
from mdmkit.metrics.pixel_metrics import F1
from mdmkit.statistics.normalizers import MinMax, Normalizer, Unchanged
from mdmkit.thresholds.certify import Certificate, Certification, certify, promise_next
from mdmkit.thresholds.chosen import ChosenThreshold, few_of
from mdmkit.thresholds.error_bars import ErrorBars
from mdmkit.thresholds.operating_points import OperatingPoint, operating_point, record_of
from mdmkit.thresholds.ranges import Ranges, as_they_are
from mdmkit.thresholds.requirements import Requirement
from mdmkit.thresholds.sources import ReadFrames, Source


@dataclass(frozen=True, eq=False)
class RequiredThreshold:
    """Holds a threshold at which requirements are met on a first set of frames.

    Attributes
    ----------
    method : str
    threshold, raw_threshold : float
        Recommended, on normalised scores and on scores as they are.
    interval : (float, float)
        The longest range [low, high) at which all hold on these frames, or the one that the
        requirements ask for (see `rule`).
    rule : str
        The rule by which the threshold was chosen, in words.
    values : dict of float
        By requirement: its measure at the threshold.
    ranges : Ranges
        The ranges in which each requirement holds.
    certificate : Certificate or None
        The ranges in which they hold for the population of frames, if that was asked for.
    certified : (float, float) or None
        The certified range on normalised scores, within [0, 1]. The threshold lies in it, if
        there is one.
    point : OperatingPoint
        Pixel numbers at the threshold.
    chosen : ChosenThreshold
        The part that `write` saves, for other programs to read.
    error_bars : ErrorBars or None
    remarks : tuple of str
        Masks and scores that look like mistakes.

    Examples
    --------
    >>> from mdmkit import recommend_threshold
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> found = recommend_threshold(frames, require=["recall >= 0.9", "fpr <= 0.1"])
    >>> found.interval, found.threshold, found.values["fpr <= 0.1"]
    ((0.2, 0.9), 0.55, 0.0)
    """

    method: str
    threshold: float
    raw_threshold: float
    interval: Interval
    rule: str
    values: dict[str, float]
    ranges: Ranges
    certificate: Certificate | None
    certified: Interval | None
    point: OperatingPoint
    chosen: ChosenThreshold
    error_bars: ErrorBars | None = None
    remarks: tuple[str, ...] = ()

    @property
    def normalizer(self) -> Normalizer:
        """With the constants of the first set, which others keep."""
        return self.ranges.normalizer

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The requirements that were asked for."""
        return self.ranges.requirements

    @property
    def confidence(self) -> float | None:
        """How sure the certified range is; None where nothing was certified with one."""
        return None if self.certificate is None else self.certificate.confidence

    @property
    def bars(self) -> list[tuple[str, list[Interval], Interval | None]]:
        """Name, ranges and certified range of each requirement, and of all together."""
        runs = (
            [None] * len(self.requirements)
            if self.certificate is None
            else ([on_unit(run, self.normalizer) for run in self.certificate.runs])
        )
        bars = [(str(r), self.ranges.runs(i), runs[i]) for i, r in enumerate(self.requirements)]
        return [*bars, ("all", self.ranges.runs(), self.certified)]

    def to_dict(self) -> Json:
        """All but the curves, ready for JSON."""
        return {
            "method": self.method,
            "threshold": self.threshold,
            "raw_threshold": self.raw_threshold,
            "interval": self.interval,
            "rule": self.rule,
            "normalize": self.normalizer.name,
            "values": self.values,
            "holds_on": {str(r): self.ranges.runs(i) for i, r in enumerate(self.requirements)},
            "certificate": self.certificate and finite(asdict(self.certificate)),
            "certified": self.certified,
            "point": self.point.to_dict(),
            "error_bars": self.error_bars and asdict(self.error_bars),
            "frames": self.ranges.frames,
            "pixels": self.ranges.pixels,
            "anomalous_pixels": self.ranges.anomalous_pixels,
        }


@dataclass(frozen=True, eq=False)
class RequiredTransfer:
    """Holds the numbers of a required threshold on a second set of frames, all constants kept.

    Attributes
    ----------
    values : dict of float or None
        By requirement: its measure at the threshold; None where these frames do not define it.
    holds : dict of bool or None
    interval : (float, float) or None
        The range at which the requirements defined here hold here.
    point : OperatingPoint
    frames, pixels, anomalous_pixels : int
    error_bars : ErrorBars or None
    remarks : tuple of str
        Masks and scores that look like mistakes.
    """

    values: dict[str, float | None]
    holds: dict[str, bool | None]
    interval: Interval | None
    point: OperatingPoint
    frames: int
    pixels: int
    anomalous_pixels: int
    error_bars: ErrorBars | None = None
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> Json:
        """All but the remarks, ready for JSON."""
        return record_of(self, "remarks")


def require_threshold(
    frames: Source,
    requirements: Sequence[Requirement],
    *,
    normalize: str,
    method: str,
    sizes: ComponentSizes,
    how: Certification | None,
) -> RequiredThreshold:
    """`recommend_threshold` under requirements, for frames that are read or were counted."""
    ranges = frames.ranges(requirements, normalize)
    if ranges.run is None:
        raise NoMarginError("\n".join(["no threshold meets all requirements", *ranges.why_none()]))
    z = ranges.threshold(ranges.run)
    certificate, certified, raw = None, None, frames.raw_threshold(ranges.normalizer, z)
    if how is not None:
        certificate = _certificate(frames, requirements, how, normalize, raw)
        certified = on_unit(certificate.run, ranges.normalizer)
        if certified is not None and certificate.run is not None:
            low, high = certificate.run
            z = ranges.threshold(certified) if low < high else certified[0]
            raw = frames.raw_threshold(ranges.normalizer, z) if low < high else low
    pairs = zip(requirements, ranges.curves, strict=True)
    values = {str(requirement): float(curve(z)) for requirement, curve in pairs}
    return RequiredThreshold(
        method,
        z,
        raw,
        ranges.run,
        ranges.rule,
        values,
        ranges,
        certificate,
        certified,
        operating_point(frames.point(raw), F1(), z, raw),
        _chosen(frames, ranges, z, raw, method, sizes, certificate),
        remarks=ranges.remarks,
    )


def _certificate(
    frames: Source,
    requirements: Sequence[Requirement],
    how: Certification,
    normalize: str,
    at: float,
) -> Certificate:
    if how.confidence is None:
        return promise_next(frames, requirements, how.caps)
    return certify(frames, requirements, how, normalize, at)


def apply_required(found: RequiredThreshold, frames: ReadFrames) -> RequiredTransfer:
    """Compute the numbers of a required threshold on other frames."""
    ranges = frames.ranges(found.requirements, as_they_are(found.normalizer), defined=True)
    values: dict[str, float | None] = dict.fromkeys(map(str, found.requirements))
    holds: dict[str, bool | None] = dict.fromkeys(values)
    for requirement, curve in zip(ranges.requirements, ranges.curves, strict=True):
        value = float(curve(found.threshold))
        values[str(requirement)] = None if np.isnan(value) else value
        holds[str(requirement)] = bool(requirement.holds(value))
    counted = frames.point(found.raw_threshold)
    return RequiredTransfer(
        values,
        holds,
        ranges.run if ranges.requirements else None,
        operating_point(counted, F1(), found.threshold, found.raw_threshold),
        ranges.frames,
        ranges.pixels,
        ranges.anomalous_pixels,
        remarks=ranges.remarks,
    )


def on_unit(run: Interval | None, normalizer: Normalizer) -> Interval | None:
    """A range of raw scores on normalised ones, within [0, 1]; ends may be infinite."""
    if run is None:
        return None
    low, high = run
    ends = np.array([0.0 if np.isinf(low) else low, 1.0 if np.isinf(high) else high])
    if not isinstance(normalizer, Unchanged):
        ends = np.asarray(normalizer(ends))
    x = 0.0 if np.isinf(low) else float(np.clip(ends[0], 0, 1))
    y = 1.0 if np.isinf(high) else float(np.clip(ends[1], 0, 1))
    return (x, y) if x < y or low == high else None


def finite(record: Json) -> Json:
    """Write None for infinite ends of ranges, for which JSON has no word."""

    def plain(value: object) -> Any:
        if isinstance(value, (tuple, list)):
            return tuple(plain(part) for part in value)
        if isinstance(value, dict):
            return finite(value)
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return {key: plain(value) for key, value in record.items()}


def _chosen(
    frames: Source,
    ranges: Ranges,
    z: float,
    raw: float,
    method: str,
    sizes: ComponentSizes,
    certificate: Certificate | None,
) -> ChosenThreshold:
    constants: Json = {"name": ranges.normalizer.name}
    if isinstance(ranges.normalizer, MinMax):
        constants |= {"low": ranges.normalizer.low, "high": ranges.normalizer.high}
    certified: Json = {}
    if certificate is not None:
        certified = {"confidence": certificate.confidence, "frames": certificate.frames}
        if certificate.run is not None:
            certified["run"] = list(certificate.run)  # TOML knows inf
    return ChosenThreshold(
        z,
        raw,
        method,
        constants,
        tuple(map(str, ranges.requirements)),
        ranges.requirements[0].aggregate,
        sizes.min_prediction,
        sizes.min_target,
        ranges.frames,
        few_of(frames.shares_above(raw)),
        certified,
    )
