"""Number: a value with what is known of it, and how it is written in one flat row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from typing import ClassVar

from mdmkit.core.distribution import Distribution

Interval = tuple[float, float]
#: Bounds on a value; None at the lower end where it may be undefined.
Bracket = tuple[float | None, float]
#: What a flat row of JSON holds.
Entry = float | int | str | bool | tuple[float | None, float] | Mapping[str, object] | None

#: A bracket that is wider is shown in the place of its value.
KNOWN_WIDTH = 1e-3


@dataclass(frozen=True)
class Number:
    """A number of one method, with its bounds, its threshold and all else that belongs to it.

    Attributes
    ----------
    value : float or None
        A fraction as a rule; None where it is undefined.
    bracket : (float or None, float) or None
        Rigorous bounds on the value, (value, value) where it is exact; the lower one is None where
        it may be undefined. None where no bound is known.
    interval : (float, float) or None
        Of a margin: the range of thresholds [x, y) whose length it is.
    threshold : float or None
        Of a margin the recommended threshold; of best F1, FPR at a TPR and objects found, the raw
        threshold of the prediction A > threshold that the value belongs to.
    resolution : float or None
        Distance of the thresholds that were tried; None where every step was looked at.
    images : Distribution or None
        The distribution of values over images, where the value is their mean.
    confidence : (float, float) or None
        Interval of the value over resampled frames.
    trivial : float or None
        Of a margin: what a constant prediction scores in its metric; see `Margin`.
    all_predicted : bool or None
        Where `threshold` belongs to a prediction: whether all pixels are predicted, which no
        threshold among the scores does.
    binned : bool
        Whether scores were counted in bins, as memory did not hold them all.
    frames, valid_frames : int or None
        Of a count of components: frames that have components, and frames that have valid pixels.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> result = evaluate([([[0.1, 0.2, 0.9]], [[0, 0, 1]])], "best_f1,mdm_f1@0.5")
    >>> best, margin = result.numbers["best_f1"], result.numbers["mdm_f1@0.5"]
    >>> best.value, best.bracket, best.threshold
    (1.0, (1.0, 1.0), 0.2)
    >>> margin.value, margin.interval, margin.threshold, margin.trivial
    (0.8, (0.1, 0.9), 0.5, 0.5)
    """

    value: float | None
    bracket: Bracket | None = None
    interval: Interval | None = None
    threshold: float | None = None
    resolution: float | None = None
    images: Distribution | None = None
    confidence: Interval | None = None
    trivial: float | None = None
    all_predicted: bool | None = None
    binned: bool = False
    frames: int | None = None
    valid_frames: int | None = None

    #: Fields that a flat row has even where they are None.
    always_written: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if self.value is not None and isnan(self.value):
            object.__setattr__(self, "value", None)
        if self.bracket is not None:
            object.__setattr__(self, "bracket", _defined(self.bracket))

    @classmethod
    def exact(
        cls,
        value: float | None,
        threshold: float | None = None,
        all_predicted: bool | None = None,
        images: Distribution | None = None,
    ) -> Number:
        """A number that is known exactly; None and NaN are undefined."""
        bracket = None if value is None or isnan(value) else (value, value)
        return cls(value, bracket, threshold=threshold, all_predicted=all_predicted, images=images)

    def __float__(self) -> float:
        return float("nan") if self.value is None else float(self.value)

    def __format__(self, spec: str) -> str:
        """Format the value as floats are; in full without a format."""
        return format(float(self), spec) if spec else str(self)

    @property
    def is_known(self) -> bool:
        """Whether its bracket, if it has one, is at most 1e-3 wide."""
        if self.bracket is None:
            return True
        low, high = self.bracket
        return low is not None and high - low <= KNOWN_WIDTH

    def spelled_bracket(self, spec: str, factor: float = 1) -> str:
        """The bracket times a factor, as in "[0.2, 0.3]"; "-" for an end that may be undefined."""
        if self.bracket is None:
            return ""
        ends = ("-" if end is None else format(factor * end, spec) for end in self.bracket)
        return f"[{', '.join(ends)}]"

    @property
    def is_trivial(self) -> bool:
        """Whether a constant prediction passes it; see `Margin`."""
        return False

    def row(self, key: str) -> dict[str, Entry]:
        """Its entries of one flat row, under `key` and names that begin with it."""
        entries: dict[str, Entry] = {
            "interval": self.interval,
            "threshold": self.threshold,
            "bracket": self.bracket,
            "resolution": self.resolution,
            "images": None if self.images is None else self.images.to_dict(),
            "frames": self.frames,
            "valid_frames": self.valid_frames,
            "confidence": self.confidence,
        }
        if not self.binned and "bracket" not in self.always_written:
            del entries["bracket"]  # what was not counted in bins is exact
        always = {*self.always_written, *["bracket"] * self.binned}
        if self.all_predicted is not None:
            always.add("threshold")
        row: dict[str, Entry] = {key: self.value}
        row |= {f"{key}_{n}": e for n, e in entries.items() if e is not None or n in always}
        if self.all_predicted is not None and key.startswith("best_f1"):
            row["all_predicted" if key == "best_f1" else f"{key}_all_predicted"] = (
                self.all_predicted
            )
        return row


def _defined(bracket: Bracket) -> Bracket | None:
    """A bracket with None in the place of NaN; None where both ends are."""
    low, high = bracket
    if isnan(high):
        return None
    return (None if low is None or isnan(low) else low), high
