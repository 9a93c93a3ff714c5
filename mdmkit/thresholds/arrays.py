"""Thresholds of frames in memory: recommended, taken to other frames, checked on new ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mdmkit.core.arguments import check_kind, check_options
from mdmkit.core.errors import InputError
from mdmkit.core.given import is_number
from mdmkit.core.margin import check_t_margin
from mdmkit.datasets import DataSet
from mdmkit.evaluation.arrays import MetricLike
from mdmkit.evaluation.frame_set import FRAME_OPTIONS, FrameOptions, FrameSet
from mdmkit.evaluation.methods import is_folder, normalizers
from mdmkit.metrics.registry import as_metric
from mdmkit.statistics.accumulator import DEFAULT_MEMORY
from mdmkit.thresholds.certify import Certification
from mdmkit.thresholds.checking import ThresholdCheck, check_frames
from mdmkit.thresholds.chosen import ChosenThreshold
from mdmkit.thresholds.required import RequiredThreshold, RequiredTransfer, apply_required
from mdmkit.thresholds.requirements import Requirements
from mdmkit.thresholds.several import InMargin, check_one_way, counted, under_requirements
from mdmkit.thresholds.sources import ReadFrames
from mdmkit.thresholds.transfer import Recommendation, Transfer, apply

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RecommendingOptions(FrameOptions, total=False):
    """Options of `recommend_threshold`, however the threshold is chosen."""

    normalize: str
    method: str
    memory: int
    jobs: int


@overload
def recommend_threshold(
    frames: object,
    target: object = ...,
    t_margin: object = ...,
    metric: MetricLike = ...,
    *,
    require: None = ...,
    **options: Unpack[RecommendingOptions],
) -> Recommendation: ...
@overload
def recommend_threshold(
    frames: object,
    target: object = ...,
    *,
    require: Requirements,
    certify: float | str | Certification | None = ...,
    counts: str | Path | None = ...,
    overwrite: bool = ...,
    **options: Unpack[RecommendingOptions],
) -> RequiredThreshold: ...
def recommend_threshold(
    frames: object,
    target: object = None,
    t_margin: object = None,
    metric: MetricLike = "f1",
    *,
    require: Requirements | None = None,
    certify: float | str | Certification | None = None,
    counts: str | Path | None = None,
    overwrite: bool = False,
    normalize: str = "none",
    method: str = "",
    memory: int = DEFAULT_MEMORY,
    jobs: int = 1,
    **judging: Unpack[FrameOptions],
) -> Recommendation | RequiredThreshold:
    """Recommend a threshold: the middle of the margin, or one that meets requirements.

    Parameters
    ----------
    frames, target
        As in `evaluate`; an iterator is held, as frames are read more than once.
    t_margin : float in [0, 1)
        The required quality T of `metric`: the threshold in the middle of the margin is
        recommended. It may be given in the place of `target`, followed by the metric.
    metric : str or Metric
        d: a metric of counts or components.
    require : str, Requirement, (metric, operator, limit), or list of these
        Instead of `t_margin` and `metric`: "recall >= 0.9, fpr <= 0.01"; see
        `parse_requirements`. The threshold is then the middle of the longest range at which all
        hold; where they only bound false alarms the lowest threshold from which on every higher
        one meets them, where they only ask for recall the lower end of the last step that does.
    certify : float, "next-frame" or Certification, optional
        The confidence, 0.95 say, with which requirements shall hold for the population of frames;
        a `Certification` says more. The threshold then lies in the certified range, if there is
        one. "next-frame": one requirement shall hold for the next frame, on average over the sets
        of frames that one may have drawn, which takes fewer of them.
    counts, overwrite : optional
        A file of what was counted of the frames in a folder, as in `choose_thresholds`.
    normalize : {"none", "minmax", "sigmoid", "rank"}
    method : str
        Name in the result, and in `counts`.
    memory : int
        Bytes that the statistics may take; beyond it files are read again, and thresholds are
        exact all the same.
    jobs : int
        Threads over frames.
    **judging
        What frames are judged by: `anomaly_label`, `normal_label`, `ignore_index`,
        `min_prediction`, `min_target`, `aggregate`, and the other options of `FrameSet.of`.
        `normal=True`: score maps of frames without any anomaly, which need no ground truth.

    Returns
    -------
    Recommendation, or RequiredThreshold where requirements are given

    Raises
    ------
    NoMarginError
        If d never exceeds T, or no threshold meets the requirements; the message says what is in
        reach.
    InputError
        As `evaluate`; for a callable on masks; for both or neither of `t_margin` and `require`.

    Notes
    -----
    A certificate needs frames that were drawn independently from the population it is about.

    References
    ----------
    Angelopoulos et al.: Learn then Test: Calibrating Predictive Algorithms to Achieve Risk
    Control. 2021.

    Examples
    --------
    >>> from mdmkit import recommend_threshold, transfer_threshold
    >>> found = recommend_threshold([([[1.0, 2.0, 9.0]], [[0, 0, 1]])], 0.5, normalize="minmax")
    >>> found.threshold, found.raw_threshold
    (0.5, 5.0)
    >>> transfer_threshold(found, [([[0.0, 3.0, 7.0]], [[0, 0, 1]])]).holds
    True
    >>> maps = [[[0.1, 0.2, 0.3]]] * 40
    >>> require = "alarm_frames <= 0.1"
    >>> found = recommend_threshold(maps, require=require, certify=0.95, normal=True)
    >>> found.threshold, found.certificate.frames
    (0.3, 40)
    """
    check_options(recommend_threshold, judging, FRAME_OPTIONS)
    if is_number(target):
        target, t_margin, metric = None, target, metric if t_margin is None else t_margin
    check_one_way(t_margin, require, certify=certify, counts=counts)
    check_kind(method, (str,), "method")
    name = method or "frames"
    given = FrameSet.of({name: frames}, target, **judging)
    own = ReadFrames.kept(given.loads[name], memory, jobs)
    if require is None:
        margin = InMargin(as_metric(metric, given.choice.sizes), check_t_margin(t_margin))
        in_margin = margin.recommend(method, normalize, own)
        return replace(in_margin, remarks=(*given.remarks, *in_margin.remarks))
    chooser = under_requirements(require, certify, given)
    kinds = normalizers(normalize, [name])
    with counted(chooser, given, kinds, counts, overwrite, memory=memory, jobs=jobs) as ready:
        found = ready.recommend(name, normalize, own)
    return replace(
        found,
        method=method,
        chosen=replace(found.chosen, method=method),
        remarks=(*given.remarks, *found.remarks),
    )


@overload
def transfer_threshold(
    recommendation: Recommendation,
    frames: object,
    target: object = ...,
    *,
    memory: int = ...,
    jobs: int = ...,
    **judging: Unpack[FrameOptions],
) -> Transfer: ...
@overload
def transfer_threshold(
    recommendation: RequiredThreshold,
    frames: object,
    target: object = ...,
    *,
    memory: int = ...,
    jobs: int = ...,
    **judging: Unpack[FrameOptions],
) -> RequiredTransfer: ...
def transfer_threshold(
    recommendation: Recommendation | RequiredThreshold,
    frames: object,
    target: object = None,
    *,
    memory: int = DEFAULT_MEMORY,
    jobs: int = 1,
    **judging: Unpack[FrameOptions],
) -> Transfer | RequiredTransfer:
    """Compute what a recommended threshold gives on other frames, with all constants kept.

    Parameters
    ----------
    recommendation : Recommendation or RequiredThreshold
        Of `recommend_threshold`.
    frames, target
        The second set, as in `evaluate`.
    memory, jobs, **judging
        As in `recommend_threshold`, of these frames.

    Returns
    -------
    Transfer or RequiredTransfer

    Raises
    ------
    InputError
        As `evaluate`.

    Examples
    --------
    >>> from mdmkit import recommend_threshold, transfer_threshold
    >>> first = recommend_threshold([([[0.125, 0.25, 0.75]], [[0, 0, 1]])], 0.7)
    >>> second = transfer_threshold(first, [([[0.25, 0.625, 0.875]], [[0, 0, 1]])])
    >>> second.holds, round(second.point.f1, 3), second.oracle.threshold
    (False, 0.667, 0.625)
    """
    check_options(transfer_threshold, judging, FRAME_OPTIONS)
    check_kind(recommendation, (Recommendation, RequiredThreshold), "recommendation")
    given = FrameSet.of({"frames": frames}, target, **judging)
    own = ReadFrames.kept(given.loads["frames"], memory, jobs)
    found: Transfer | RequiredTransfer
    if isinstance(recommendation, RequiredThreshold):
        found = apply_required(recommendation, own)
    else:
        found = apply(recommendation, own)
    return replace(found, remarks=(*given.remarks, *found.remarks))


def check_threshold(
    chosen: ChosenThreshold,
    frames: Any,
    target: Any = None,
    *,
    jobs: int = 1,
    **judging: Unpack[FrameOptions],
) -> ThresholdCheck:
    """Check whether a chosen threshold still holds on new frames, with labels or without.

    Parameters
    ----------
    chosen : ChosenThreshold
        Of `read_threshold`, or `RequiredThreshold.chosen`.
    frames : list of arrays, Frame, (scores, target) or (scores, target, ignore), or a folder
        Raw score maps alone, or with labels; then the requirements themselves are looked at.
    target : optional
        Labels, as in `evaluate`.
    jobs, **judging
        As in `recommend_threshold`, of these frames.

    Returns
    -------
    ThresholdCheck

    Raises
    ------
    InputError
        As `evaluate`; without frames.

    Examples
    --------
    >>> from mdmkit import check_threshold, recommend_threshold
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])] * 8
    >>> chosen = recommend_threshold(frames, require="recall >= 0.9, fpr <= 0.1").chosen
    >>> check_threshold(chosen, [[[0.1, 0.2, 0.9]]] * 8).alike
    True
    >>> check_threshold(chosen, [[[0.9, 0.8, 0.7]]] * 8).alike
    False
    >>> check_threshold(chosen, [([[0.1, 0.2, 0.3]], [[0, 0, 1]])]).holds
    {'recall >= 0.9': False, 'fpr <= 0.1': True}
    """
    check_options(check_threshold, judging, FRAME_OPTIONS)
    check_kind(chosen, (ChosenThreshold,), "chosen")
    if not is_folder(frames):
        check_kind(frames, (Iterable,), "frames")
        frames = list(frames)
    labelled = _labelled(frames, target if target is not None else judging.get("dataset"))
    judging["normal"] = not labelled
    judging["invert"] = ("frames",) if chosen.inverted else ()
    if isinstance(dataset := judging.get("dataset"), DataSet):
        judging["dataset"] = replace(dataset, inverted=frozenset())  # the threshold knows
    given = FrameSet.of({"frames": frames}, target, **judging)
    own = ReadFrames.kept(given.loads["frames"], DEFAULT_MEMORY, jobs)
    found = check_frames(chosen, own, labelled)
    return replace(found, remarks=given.remarks)


def _labelled(frames: Any, target: object) -> bool:
    """Whether frames come with labels: all of them, or none."""
    if target is not None or is_folder(frames):
        return target is not None
    labelled = [isinstance(frame, tuple) or hasattr(frame, "classes") for frame in frames]
    if any(labelled) and not all(labelled):
        raise InputError("expected labels of all frames or of none", argument="frames")
    return any(labelled)
