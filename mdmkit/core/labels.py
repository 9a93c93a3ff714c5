"""Labels: which integers of a ground truth mean what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.label_values import label_text
from mdmkit.core.records import Json
from mdmkit.core.types import Array

NORMAL, ANOMALOUS, IGNORED = 0, 1, 2
UNKNOWN = 3
#: The classes in words.
MEANINGS = {NORMAL: "normal", ANOMALOUS: "anomaly", IGNORED: "ignore"}

Labels = int | Collection[int] | None


def _as_codes(value: Labels, argument: str) -> tuple[int, ...]:
    if value is None:
        return ()
    several = hasattr(value, "__iter__") and not isinstance(value, (str, bytes, type))
    several = several and getattr(value, "ndim", 1) > 0
    values: list[Any] = list(value) if several else [value]  # type: ignore[arg-type]
    for code in values:
        if isinstance(code, (bool, np.bool_)) or not isinstance(code, (int, np.integer)):
            raise InputTypeError(
                f"expected an integer, integers or None, found {code!r}", argument=argument
            )
    return tuple(sorted({int(code) for code in values}))


@dataclass(frozen=True)
class LabelCodes:
    """Says which integers of a ground truth mean normal, anomalous and ignored.

    Parameters
    ----------
    normal_label, anomaly_label, ignore_index : int, collection of int, or None
        None (or an empty collection) means that no value has this meaning.

    Raises
    ------
    InputError
        If one value has two meanings, or no value means anomaly.

    Examples
    --------
    >>> print(LabelCodes(normal_label=range(1, 3), anomaly_label=14, ignore_index=None))
    1-2 (normal), 14 (anomaly)
    """

    normal_label: Labels = 0
    anomaly_label: Labels = 1
    ignore_index: Labels = 255

    def __post_init__(self) -> None:
        taken: dict[int, str] = {}
        for name, given in self.arguments.items():
            codes = _as_codes(given, name)
            object.__setattr__(self, name, codes)
            for code in codes:
                if code in taken:
                    raise InputError(
                        f"the value {code} already means `{taken[code]}`; each label value "
                        "has one meaning (a meaning that does not occur is given as None)",
                        argument=name,
                    )
                taken[code] = name
        if not self.anomaly_label:
            raise InputError("expected at least one value, found none", argument="anomaly_label")

    @property
    def arguments(self) -> Json:
        """The label values by the names of parameters, as `Frame` takes them, in order of class."""
        return {
            "normal_label": self.normal_label,
            "anomaly_label": self.anomaly_label,
            "ignore_index": self.ignore_index,
        }

    def meanings(self) -> list[tuple[int, int]]:
        """Every known label value with its class (0 normal, 1 anomalous, 2 ignored)."""
        by_class = enumerate(self.arguments.values())
        return [(code, meaning) for meaning, codes in by_class for code in codes]

    @cached_property
    def table(self) -> NDArray[np.uint8]:
        """Class of each label value 0..255, `UNKNOWN` (3) for those without a meaning."""
        table = np.full(256, UNKNOWN, np.uint8)
        for code, meaning in self.meanings():
            if 0 <= code < 256:
                table[code] = meaning
        return table

    def numbers(self, target: Array) -> Array:
        """Label values of a target; True is 1, or 255 where that has a meaning and 1 has none.

        To be ignored is no such meaning. Black-and-white masks are stored with 1 bit a pixel by
        some tools, with 0 and 255 by others.
        """
        if target.dtype != bool:
            return target
        meant = dict(self.meanings())
        white = 255 if 1 not in meant and meant.get(255, IGNORED) != IGNORED else 1
        return np.asarray(target * np.uint8(white))

    def classify(
        self, target: Array, ignore: NDArray[np.bool_] | None, name: str
    ) -> NDArray[np.uint8]:
        """Class of each pixel; a label value without a meaning at a pixel in use is an error."""
        target = self.numbers(target)
        if target.dtype == np.uint8:
            meanings = bytearray(np.ascontiguousarray(target)).translate(self.table.tobytes())
            classes = np.frombuffer(meanings, np.uint8).reshape(target.shape)
        else:
            classes = np.full(target.shape, UNKNOWN, np.uint8)
            for code, meaning in self.meanings():
                classes[target == code] = meaning
        if ignore is not None:
            classes[ignore] = IGNORED
        if classes.max(initial=0) == UNKNOWN:
            unknown = classes == UNKNOWN
            values, counts = np.unique(target[unknown], return_counts=True)
            found = ", ".join(
                f"{v} at {c} pixels" for v, c in zip(values[:8], counts[:8], strict=True)
            )
            raise InputError(
                f"expected label values {self}, found {found}"
                + (f" and {values.size - 8} other values" if values.size > 8 else "")
                + "; name it by `anomaly_label`, `normal_label` or `ignore_index`",
                argument=name,
            )
        return np.asarray(classes)

    def __str__(self) -> str:
        return ", ".join(
            f"{label_text(codes).replace(',', ' or ')} ({meaning})"
            for codes, meaning in zip(self.arguments.values(), MEANINGS.values(), strict=True)
            if codes
        )
