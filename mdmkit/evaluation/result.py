"""Result: all numbers of one method."""

from __future__ import annotations

from collections.abc import Iterator, KeysView
from dataclasses import dataclass, field
from typing import Any

from mdmkit.metrics.measures import Values


@dataclass(frozen=True)
class Result:
    """Holds all numbers of one method; `result["ap"]` is one of them.

    Attributes
    ----------
    method : str
    frames, pixels, anomalous_pixels : int
        Frames, valid pixels and anomalous pixels.
    components : int
        Ground-truth components of at least `min_target` pixels.
    normalize : str
    values : dict
        Fractions by measure name, None where undefined; with intervals, thresholds, brackets.
    refused : dict of str
        Measures that were not computed, with the reason.
    settings : dict

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> result = evaluate([([[0.1, 0.2, 0.9]], [[0, 0, 1]])], "ap,mdm_f1@0.5", method="mine")
    >>> result["ap"], result["mdm_f1@0.5"], result["mdm_f1@0.5_threshold"]
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
    values: Values
    refused: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def __iter__(self) -> Iterator[str]:
        """Over the names of its values."""
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, key: object) -> bool:
        return key in self.values

    def keys(self) -> KeysView[str]:
        """The names of its values, so that `dict(result)` has them."""
        return self.values.keys()

    def to_dict(self) -> dict[str, Any]:
        """One flat row, as in the JSON of `compare`."""
        row: dict[str, Any] = {
            "method": self.method,
            "frames": self.frames,
            "pixels": self.pixels,
            "anomalous_pixels": self.anomalous_pixels,
            "components": self.components,
            "normalize": self.normalize,
            **self.values,
        }
        if self.refused:
            row["refused"] = self.refused
        return row

    def __repr__(self) -> str:
        numbers = ", ".join(
            f"{key}={value:.4f}" for key, value in self.values.items() if isinstance(value, float)
        )
        sizes = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"Result({self.method!r}, {self.frames} frames, {numbers}; {sizes})"
