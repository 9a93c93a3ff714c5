"""Label values as they are written. Without numpy: the help of commands needs no more."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mdmkit.core.arguments import check_that


def parse_labels(text: str, argument: str) -> list[int]:
    """Label values from "2", "1,2", "2-200" or "none"."""
    if text.strip().lower() == "none":
        return []
    values: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(-?\d+)(?:-(\d+))?\s*", part)
        check_that(match, "integers such as 1 or 2,3 or 2-200, or none", text, argument)
        assert match is not None
        low, high = int(match[1]), int(match[2] or match[1])
        check_that(0 <= high - low <= 100_000, "a rising range", part.strip(), argument)
        values += range(low, high + 1)
    return values


def label_text(values: Iterable[int]) -> str:
    """Label values as `parse_labels` reads them: "1", "0,255", "2-200", "none"."""
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1 and value > 0:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    return ",".join(f"{low}-{high}" if high > low else f"{low}" for low, high in runs) or "none"
