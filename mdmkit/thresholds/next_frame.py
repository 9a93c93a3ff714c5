"""NextFrame: a requirement for the next frame, on average, by the conformal rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdmkit.thresholds.counted_frame import Counted
from mdmkit.thresholds.frame_values import Certifiable
from mdmkit.thresholds.requirements import Requirement
from mdmkit.uncertainty.certificates import FrameSteps, Run
from mdmkit.uncertainty.conformal import frames_for_next, risk_run
from mdmkit.uncertainty.frame_rows import Binned
from mdmkit.uncertainty.p_values import BinomialTail, Values


def of_next_frame(requirement: Requirement) -> bool:
    """Whether it bounds a mean over frames of losses that fall, or rise, with the threshold."""
    return requirement.per_frame and not np.isnan(requirement.safe_end)


@dataclass(frozen=True)
class NextFrame:
    """The mean loss of the next frame; losses are 1 - x of a `Certifiable`.

    Attributes
    ----------
    question : Certifiable
    """

    question: Certifiable

    @property
    def requirement(self) -> Requirement:
        """The one that is asked about."""
        return self.question.requirement

    @property
    def undefined(self) -> tuple[Values, Values]:
        """The loss of a frame in which nothing is to be judged."""
        return self.question.undefined

    def x(self, scores: Values, values: Values) -> tuple[Values, Values]:
        """Losses from the values of a measure of one frame, shape (n + 1,), NaN where undefined."""
        return self.question.x(scores, values)

    def x_of_ratio(self, counted: Counted, pixels: int) -> tuple[Values, Values]:
        """Losses from the statistic of one frame with so many pixels."""
        return self.question.x_of_ratio(counted, pixels)

    def least_x(self, low: Values, high: Values) -> Values:
        """The least x of a measure that is known to lie between bounds."""
        return self.question.least_x(low, high)

    def least_x_of_ratio(self, binned: Binned, pixels: int) -> Values:
        """The least x within each bin of one frame with so many pixels."""
        return self.question.least_x_of_ratio(binned, pixels)

    @property
    def limit(self) -> float:
        """Limit of the mean loss, as a share of the largest loss."""
        return self.question.largest_loss

    @property
    def needed(self) -> int | None:
        """Least number of frames that the rule takes."""
        return frames_for_next(self.limit)

    @property
    def rule(self) -> str:
        """Its name: of losses of 0 and 1 it takes one of the frames' alarm levels."""
        losses = isinstance(self.question.test, BinomialTail)
        return "order statistic" if losses else "conformal risk control"

    def defined(self, steps: FrameSteps) -> FrameSteps:
        """The frames in which the measure is defined."""
        undefined = self.undefined[1][0]
        return steps.where(
            np.array(
                [
                    scores.size > 0 or values[0] != undefined
                    for scores, values in zip(steps.scores, steps.values, strict=True)
                ],
                dtype=bool,
            )
        )

    def run(self, steps: FrameSteps, start: float) -> Run | None:
        """The range of thresholds from a safe end at which the promise holds."""
        losses = self.defined(steps).mapped(lambda x: 1 - x)
        strict = self.requirement.operator in ("<", ">")
        return risk_run(losses, self.limit, up=bool(start < 0), strict=strict)
