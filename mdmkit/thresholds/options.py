"""Options that the functions of this room share."""

from __future__ import annotations

from mdmkit.evaluation.frame_set import FrameOptions


class ChoosingOptions(FrameOptions, total=False):
    """Which frames, and what they are judged by: the options of `FrameSet.of`."""

    normal: bool
