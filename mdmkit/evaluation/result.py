"""Result: all numbers of one method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mdmkit.core.number import Entry, Number

_IN_ROWS = ("method", "frames", "pixels", "anomalous_pixels", "components", "normalize")


@dataclass(frozen=True)
class Result(Mapping[str, "float | None"]):
    """Holds all numbers of one method; `result["ap"]` is the value of one.

    It maps measure names to fractions, None where undefined; `result.numbers["ap"]` has the bounds,
    interval and threshold, too.

    Attributes
    ----------
    method : str
    frames, pixels, anomalous_pixels : int
        Frames, valid pixels and anomalous pixels.
    components : int
        Ground-truth components of at least `min_target` pixels.
    normalize : str
    numbers : dict of Number
        By measure name, with brackets, intervals, thresholds; a `Margin` of each margin.
    refused : dict of str
        Measures that were not computed, with the reason.
    settings : dict
        `aggregate`, `min_prediction`, `min_target` and `protocol`.
    remarks : tuple of str
        What to look at before the numbers are believed: scores that seem upside down, a sigmoid of
        scores in [0, 1], margins that are all 0.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> result = evaluate([([[0.1, 0.2, 0.9]], [[0, 0, 1]])], "ap,mdm_f1@0.5", method="mine")
    >>> result["ap"], result["mdm_f1@0.5"], result.numbers["mdm_f1@0.5"].threshold
    (1.0, 0.8, 0.5)
    >>> result.method, result.frames, result.anomalous_pixels
    ('mine', 1, 1)
    """

    method: str
    frames: int
    pixels: int
    anomalous_pixels: int
    components: int
    normalize: str
    numbers: dict[str, Number]
    refused: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str | int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    def __getitem__(self, key: str) -> float | None:
        return self.numbers[key].value

    def __iter__(self) -> Iterator[str]:
        """Over the names of its numbers."""
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def to_dict(self) -> dict[str, Entry]:
        """Make a flat row, as in the JSON of `compare`."""
        row: dict[str, Entry] = {name: getattr(self, name) for name in _IN_ROWS}
        for key, number in self.numbers.items():
            row |= number.row(key)
        if self.refused:
            row["refused"] = self.refused
        return row

    def __repr__(self) -> str:
        numbers = ", ".join(f"{k}={v:.4f}" for k, v in self.items() if v is not None)
        sizes = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"Result({self.method!r}, {self.frames} frames, {numbers}; {sizes})"
