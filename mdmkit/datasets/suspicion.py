"""Suspicion: masks and scores that look as if something else was meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np

from mdmkit.core.frame import Frame
from mdmkit.core.labels import ANOMALOUS, IGNORED, MEANINGS, NORMAL, LabelCodes
from mdmkit.core.types import Array
from mdmkit.datasets.dataset import DataSet
from mdmkit.io import AllNormal, Target, read_mask

#: What to say of a sigmoid that nothing asks for.
SIGMOID_OF_UNIT = (
    "`normalize='sigmoid'` of scores that lie in [0, 1] already leaves them in [0.5, 0.74]; "
    "without a normaliser they are taken as they are"
)
_BLACK_AND_WHITE = {0, 255}


@dataclass
class LabelSurvey:
    """Counts the label values of masks.

    Attributes
    ----------
    codes : LabelCodes
    dataset : DataSet or None
    found : dict of dict of int, or None
        By key of a mask, its label values with their pixels; None for masks that hold anomalies
        and were not counted. Threads may add to it, each mask once.
    """

    codes: LabelCodes
    dataset: DataSet | None = None
    found: dict[str, dict[int, int] | None] = field(default_factory=dict)

    @classmethod
    def of(
        cls, targets: Mapping[str, Target], codes: LabelCodes, dataset: DataSet | None
    ) -> LabelSurvey:
        """Read all masks that are files."""
        survey = cls(codes, dataset)
        survey.complete(targets)
        return survey

    def complete(self, targets: Mapping[str, Target]) -> None:
        """Read those masks that are files and were not counted yet."""
        for key, target in targets.items():
            if key not in self.found and not isinstance(target, AllNormal):
                self.add(key, read_mask(target))

    def add(self, key: str, labels: Array) -> None:
        """Count one mask."""
        self.found[key] = _counted(self.codes.numbers(labels))

    def see(self, frame: Frame, target: Target, labels: Array) -> None:
        """Count the mask of a frame that was read, unless it holds anomalies."""
        if frame.name in self.found or isinstance(target, AllNormal):
            return
        if frame.anomalous_pixels:
            self.found[frame.name] = None
        else:
            self.add(frame.name, labels)

    def __reduce__(self) -> tuple[object, ...]:
        """Without what was counted: loaders of frames carry a survey to other processes."""
        return LabelSurvey, (self.codes, self.dataset)

    @property
    def masks(self) -> int:
        """How many masks were seen."""
        return len(self.found)

    @property
    def pixels(self) -> Counter[int]:
        """Pixels by label value, of all masks that were counted."""
        total: Counter[int] = Counter()
        for pixels in self.found.values():
            total.update(pixels or {})
        return total

    @property
    def black_and_white(self) -> list[str]:
        """Keys of masks that hold 0 and 255 alone, where 255 is ignored."""
        if dict(self.codes.meanings()).get(255) != IGNORED:
            return []
        return self._holding(lambda values: 255 in values and values <= _BLACK_AND_WHITE)

    @property
    def zero(self) -> list[str]:
        """Keys of masks that hold 0 alone, where that is normal."""
        if dict(self.codes.meanings()).get(0) != NORMAL:
            return []
        return self._holding(lambda values: values == {0})

    def _holding(self, condition: Callable[[set[int]], bool]) -> list[str]:
        found = self.found.items()
        return sorted(key for key, pixels in found if pixels and condition(set(pixels)))

    @property
    def anomalous(self) -> bool:
        """Whether some pixel is an anomaly."""
        meanings = dict(self.codes.meanings())
        return any(
            pixels is None or any(meanings.get(value) == ANOMALOUS for value in pixels)
            for pixels in self.found.values()
        )

    def why_no_anomaly(self) -> str:
        """Describe masks of which none shows anything anomalous, and what may be meant."""
        if not self.masks:
            return "no frame has a mask"
        meanings = dict(self.codes.meanings())
        values = [
            f"{value} ({MEANINGS.get(meanings.get(value, IGNORED))}) at {count} pixels"
            for value, count in sorted(self.pixels.items())[:8]
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
        alike = self.black_and_white
        few = 2 * len(alike) <= self.masks
        known = self.dataset is not None and self.dataset.name not in ("", "folder")
        if not alike or (few and known):
            return []
        anomalies = tuple(sorted({*_codes(self.codes.anomaly_label), 255}))
        return [
            f"{len(alike)} of {self.masks} masks hold only 0 and 255 (ignore), as "
            f"{alike[0]}: are they black-and-white masks? Then "
            f"`anomaly_label={anomalies}`, `ignore_index=None`"
        ]

    def _of_zero(self) -> list[str]:
        named = self.dataset.labelled if self.dataset else ""
        if self.dataset and not any(fnmatchcase(key, named) for key in self.dataset.frames):
            named = ""  # repackaged under other names
        zero = self.zero
        foreign = [key for key in zero if named and not fnmatchcase(key, named)]
        if foreign:
            return [
                f"{len(foreign)} masks of frames without ground truth are all 0, as {foreign[0]}: "
                f"they count as all normal ({self.dataset.only_labelled if self.dataset else ''}); "
                "remove them, and `missing='skip'` leaves these frames out"
            ]
        if 2 * len(zero) > self.masks and not (self.dataset and self.dataset.normal_frames):
            return [
                f"{len(zero)} of {self.masks} masks are all 0, as {zero[0]}: these "
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
