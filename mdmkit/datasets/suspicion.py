"""Suspicion: masks in which nothing is anomalous, perhaps by mistake of a label or of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from mdmkit.core.labels import ANOMALOUS, IGNORED, NORMAL, LabelCodes
from mdmkit.core.types import Array
from mdmkit.datasets.dataset import DataSet
from mdmkit.io import AllNormal, Target, read_mask

_BLACK_AND_WHITE = {0, 255}
_MEANINGS = {NORMAL: "normal", ANOMALOUS: "anomaly", IGNORED: "ignore"}


@dataclass
class LabelSurvey:
    """Counts the label values of masks.

    Attributes
    ----------
    codes : LabelCodes
    dataset : DataSet or None
    masks : int
    pixels : Counter of int
        By label value.
    black_and_white : list of str
        Keys of masks that hold 0 and 255 alone, where 255 is ignored.
    zero : list of str
        Keys of masks that hold 0 alone, where that is normal.
    """

    codes: LabelCodes
    dataset: DataSet | None = None
    masks: int = 0
    pixels: Counter[int] = field(default_factory=Counter)
    black_and_white: list[str] = field(default_factory=list)
    zero: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls, targets: Mapping[str, Target], codes: LabelCodes, dataset: DataSet | None
    ) -> LabelSurvey:
        """Read all masks that are files."""
        found = cls(codes, dataset)
        for key, target in targets.items():
            if not isinstance(target, AllNormal):
                found.add(key, read_mask(target))
        return found

    def add(self, key: str, labels: Array) -> None:
        """Count one mask."""
        found = _counted(self.codes.numbers(labels))
        meanings = dict(self.codes.meanings())
        self.masks += 1
        self.pixels.update(found)
        if 255 in found and set(found) <= _BLACK_AND_WHITE and meanings.get(255) == IGNORED:
            self.black_and_white.append(key)
        if set(found) == {0} and meanings.get(0) == NORMAL:
            self.zero.append(key)

    @property
    def anomalous(self) -> bool:
        """Whether some pixel is an anomaly."""
        meanings = dict(self.codes.meanings())
        return any(meanings.get(value) == ANOMALOUS for value in self.pixels)

    def why_no_anomaly(self) -> str:
        """Describe masks of which none shows anything anomalous, and what may be meant."""
        if not self.masks:
            return "no frame has a mask"
        meanings = dict(self.codes.meanings())
        values = [
            f"{value} ({_MEANINGS.get(meanings.get(value, IGNORED))}) at {pixels} pixels"
            for value, pixels in sorted(self.pixels.items())[:8]
        ]
        if len(self.black_and_white) + len(self.zero) == self.masks and self.black_and_white:
            hint = (
                "; in black-and-white masks 255 is the anomaly: `anomaly_label=255`, "
                "`ignore_index=None`"
            )
        else:
            hint = "; `anomaly_label=N` names the value that means anomaly"
        return f"{self.masks} masks hold {', '.join(values)}{hint}"

    def remarks(self) -> list[str]:
        """Masks that look like mistakes, beside others that do not."""
        return [*self._of_black_and_white(), *self._of_zero()]

    def _of_black_and_white(self) -> list[str]:
        few = 2 * len(self.black_and_white) <= self.masks
        known = self.dataset is not None and self.dataset.name not in ("", "folder")
        if not self.black_and_white or (few and known):
            return []
        anomalies = tuple(sorted({*_codes(self.codes.anomaly_label), 255}))
        return [
            f"{len(self.black_and_white)} of {self.masks} masks hold only 0 and 255 (ignore), as "
            f"{self.black_and_white[0]}: are they black-and-white masks? Then "
            f"`anomaly_label={anomalies}`, `ignore_index=None`"
        ]

    def _of_zero(self) -> list[str]:
        named = self.dataset.labelled if self.dataset else ""
        if self.dataset and not any(fnmatchcase(key, named) for key in self.dataset.frames):
            named = ""  # repackaged under other names
        foreign = [key for key in self.zero if named and not fnmatchcase(key, named)]
        if foreign:
            return [
                f"{len(foreign)} masks of frames without ground truth are all 0, as {foreign[0]}: "
                f"they count as all normal ({self.dataset.only_labelled if self.dataset else ''}); "
                "remove them, and `missing='skip'` leaves these frames out"
            ]
        if 2 * len(self.zero) > self.masks and not (self.dataset and self.dataset.normal_frames):
            return [
                f"{len(self.zero)} of {self.masks} masks are all 0, as {self.zero[0]}: these "
                "frames count as all normal; if they have no labels, remove their masks, and "
                "`missing='skip'` leaves them out"
            ]
        return []


def _counted(numbers: Array) -> dict[int, int]:
    """Count how often each value occurs; bytes without a sort."""
    if numbers.dtype == np.uint8:
        counts = np.bincount(numbers.ravel())
        return {int(value): int(counts[value]) for value in np.flatnonzero(counts)}
    values, pixels = np.unique(numbers, return_counts=True)
    return dict(zip(values.tolist(), pixels.tolist(), strict=True))


def _codes(label: object) -> tuple[int, ...]:
    return label if isinstance(label, tuple) else (label,)
