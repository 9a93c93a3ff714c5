"""Trivial levels: what measures have where everything is predicted, and where nothing is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from mdmkit.core.errors import InputError
from mdmkit.core.frame import Frame
from mdmkit.core.labels import LabelCodes
from mdmkit.core.margin import trivial_level
from mdmkit.core.progress import Progress, no_progress
from mdmkit.datasets import Choice, DataSet
from mdmkit.io import Target, read_mask
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.thresholds.kept_frames import LoadedFrames
from mdmkit.thresholds.ranges import find_ranges
from mdmkit.thresholds.requirements import NAMES, Requirement, parse_requirements


@dataclass(frozen=True)
class Trivial:
    """Values of a measure at two constant predictions; NaN where undefined.

    Attributes
    ----------
    name : str
    everything, nothing : float
        Of all valid pixels, and of none.
    """

    name: str
    everything: float
    nothing: float

    @property
    def level(self) -> float | None:
        """The larger of them, where defined: a T at or below it is passed by doing nothing."""
        return trivial_level((self.everything, self.nothing))

    def __str__(self) -> str:
        level = "undefined" if self.level is None else _number(self.level)
        ends = f"all valid pixels {_number(self.everything)}, none {_number(self.nothing)}"
        return f"{self.name} {level} ({ends})"


def _number(value: float) -> str:
    return "undefined" if value != value else f"{value:.4f}"


def trivial_levels(
    dataset: DataSet, choice: Choice, metrics: str | Iterable[str], progress: Progress = no_progress
) -> list[Trivial]:
    """Compute measures at the two constant predictions on a data set's masks.

    Parameters
    ----------
    metrics : str or iterable of str
        Names as in requirements, with commas.

    Raises
    ------
    InputError
        Unknown names; measures that these masks do not define.
    """
    requirements = measures_of(metrics, choice)
    loads = [partial(_blank, mask, name, choice.codes) for name, mask in dataset.targets.items()]
    frames = LoadedFrames(loads, DEFAULT_MEMORY, progress=progress)
    found = find_ranges(frames, requirements, "none", defined=True)
    ends = {str(r): c.ends for r, c in zip(found.requirements, found.curves, strict=True)}
    undefined = float("nan"), float("nan")
    return [Trivial(r.name, *(ends.get(str(r)) or undefined)) for r in requirements]


def measures_of(metrics: str | Iterable[str], choice: Choice) -> tuple[Requirement, ...]:
    """The measures of these names, as requirements that hold everywhere.

    Raises
    ------
    InputError
        Unknown names.
    """
    names = metrics.split(",") if isinstance(metrics, str) else metrics
    asked = [name.strip() for name in names if name.strip()]
    if not asked:
        raise InputError("expected names of measures, found none", argument="metrics")
    try:
        return parse_requirements([f"{n} >= 0" for n in asked], choice.sizes, choice.aggregate)
    except InputError as error:
        said = str(error).partition("found ")[2].replace(" >= 0", "")
        raise InputError(
            f"expected measures with a value at each threshold, one of {', '.join(NAMES)}; found "
            f"{said}",
            argument="metrics",
        ) from None


def _blank(mask: Target, name: str, codes: LabelCodes) -> Frame:
    """A frame whose scores tell nothing apart."""
    labels = codes.numbers(read_mask(mask))
    return Frame.coded(np.zeros(labels.shape, bool), labels, codes=codes, name=name)
