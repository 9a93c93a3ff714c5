"""ThresholdCheck: whether a chosen threshold still holds on new frames."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json
from mdmkit.thresholds.chosen import ChosenThreshold
from mdmkit.thresholds.requirements import parse_requirements
from mdmkit.thresholds.sources import ReadFrames


@dataclass(frozen=True)
class ThresholdCheck:
    """Holds the numbers of a chosen threshold on new frames.

    Attributes
    ----------
    frames : int
    pixels_above, expected_pixels_above : float
        Mean over frames of the share of valid pixels above the threshold, here and on the frames
        that it was chosen on.
    frames_above, expected_frames_above : float
        Share of frames with any pixel above it.
    p_pixels, p_frames : float
        How likely a difference as large would be if these frames were drawn as the first ones:
        Mann and Whitney's test of the frames' shares, Fisher's exact test of the frames above.
    values : dict of float or None
        With labels, by requirement: its measure at the threshold; None where undefined.
    holds : dict of bool or None
    remarks : tuple of str
        Masks that look like mistakes.

    References
    ----------
    Mann, Whitney: On a Test of Whether one of Two Random Variables is Stochastically Larger than
    the Other. 1947.
    """

    frames: int
    pixels_above: float
    expected_pixels_above: float
    frames_above: float
    expected_frames_above: float
    p_pixels: float
    p_frames: float
    values: dict[str, float | None]
    holds: dict[str, bool | None]
    remarks: tuple[str, ...] = ()

    @property
    def alike(self) -> bool:
        """Whether neither test finds the frames different, at 0.05 together."""
        return min(self.p_pixels, self.p_frames) > 0.025

    @property
    def still_holds(self) -> bool | None:
        """Whether every requirement holds; None without labels."""
        return all(self.holds.values()) if self.holds else None

    @property
    def passes(self) -> bool:
        """With labels whether every requirement holds, else whether the frames are alike."""
        return self.alike if self.still_holds is None else self.still_holds

    def to_dict(self) -> Json:
        """Ready for JSON."""
        return asdict(self) | {"alike": self.alike, "still_holds": self.still_holds}

    def to_text(self) -> str:
        """A line for each thing looked at."""
        lines = [
            f"frames              {self.frames}",
            f"pixels above        {100 * self.pixels_above:.3g} % of a frame, expected "
            f"{100 * self.expected_pixels_above:.3g} % (p = {self.p_pixels:.2g})",
            f"frames above        {100 * self.frames_above:.3g} %, expected "
            f"{100 * self.expected_frames_above:.3g} % (p = {self.p_frames:.2g})",
        ]
        if not self.alike:
            lines.append(
                "these frames differ from those that the threshold was chosen on: what was "
                "promised there is not promised here"
            )
        width = max([20, *(len(name) + 2 for name in self.values)])
        for name, value in self.values.items():
            verdict = {True: "holds", False: "FAILS", None: "undefined"}[self.holds[name]]
            shown = "-" if value is None else f"{value:.4g}"
            lines.append(f"{name:<{width}}{shown}  {verdict}")
        lines += [f"remark: {remark}" for remark in self.remarks]
        return "\n".join(lines) + "\n"

    def __str__(self) -> str:
        return self.to_text()


def check_frames(chosen: ChosenThreshold, frames: ReadFrames, labelled: bool) -> ThresholdCheck:
    """`check_threshold` for frames that can be read."""
    here = np.array(frames.shares_above(chosen.raw_threshold))
    if here.size == 0:
        raise InputError(
            "expected at least one frame with a valid pixel, found none", argument="frames"
        )
    there = np.array(chosen.shares)
    values: dict[str, float | None] = {}
    holds: dict[str, bool | None] = {}
    for name, value, held in _judged(chosen, frames) if labelled else ():
        values[name], holds[name] = value, held
    return ThresholdCheck(
        here.size,
        float(here.mean()),
        float(there.mean()),
        float((here > 0).mean()),
        float((there > 0).mean()),
        _p_of_shares(here, there),
        _p_of_frames(here, there),
        values,
        holds,
    )


def _judged(
    chosen: ChosenThreshold, frames: ReadFrames
) -> list[tuple[str, float | None, bool | None]]:
    sizes = ComponentSizes(chosen.min_prediction, chosen.min_target)
    requirements = parse_requirements(", ".join(chosen.requirements), sizes, chosen.aggregate)
    counts = frames.at(requirements, np.array([chosen.raw_threshold]))
    found: list[tuple[str, float | None, bool | None]] = []
    for requirement, count in zip(requirements, counts, strict=True):
        value = float(count.values(np.ones((1, frames.frames)))[0, 0])
        undefined = np.isnan(value)
        held = None if undefined else bool(requirement.holds(value))
        found.append((str(requirement), None if undefined else value, held))
    return found


def _p_of_shares(here: object, there: object) -> float:
    from scipy.stats import mannwhitneyu

    if np.ptp(np.concatenate([here, there])) == 0:
        return 1.0
    return float(mannwhitneyu(here, there).pvalue)


def _p_of_frames(here: Any, there: Any) -> float:
    from scipy.stats import fisher_exact

    table = [[int((part > 0).sum()), int((part == 0).sum())] for part in (here, there)]
    return float(fisher_exact(table).pvalue)
