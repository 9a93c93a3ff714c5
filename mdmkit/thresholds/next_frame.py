"""NextFrame: a requirement for the next frame, on average, by the conformal rules."""

from __future__ import annotations

import numpy as np

from mdmkit.thresholds.frame_values import Certifiable
from mdmkit.thresholds.requirements import Requirement
from mdmkit.uncertainty.certificates import FrameSteps, Run
from mdmkit.uncertainty.conformal import frames_for_next, risk_run
from mdmkit.uncertainty.p_values import BinomialTail


def of_next_frame(requirement: Requirement) -> bool:
    """Whether it bounds a mean over frames of losses that fall, or rise, with the threshold."""
    return requirement.per_frame and not np.isnan(requirement.safe_end)


class NextFrame(Certifiable):
    """A requirement as a question about the next frame's loss, 1 - x, on average."""

    @property
    def limit(self) -> float:
        """Limit of the mean loss, as a share of the largest loss; 1 - bound would be rounded."""
        if self.requirement.at_least:
            return 1 - self.bound
        return self.requirement.limit / self.caps.largest(self.requirement)

    @property
    def needed(self) -> int | None:
        """Least number of frames that the rule takes."""
        return frames_for_next(self.limit)

    @property
    def rule(self) -> str:
        """Its name: of losses of 0 and 1 it takes one of the frames' alarm levels."""
        losses = isinstance(self.test, BinomialTail)
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
