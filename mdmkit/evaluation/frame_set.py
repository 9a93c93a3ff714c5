"""FrameSet: the frames of several methods, and what they are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from mdmkit.core.errors import InputError
from mdmkit.core.labels import Labels
from mdmkit.datasets import (
    Choice,
    DataSet,
    Pairing,
    check_missing,
    choose,
    from_folders,
    open_dataset,
    pair,
)
from mdmkit.datasets.choice import USUAL, Usual
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.methods import (
    Methods,
    Progresses,
    check_given,
    is_folder,
    loads_of,
    loads_of_arrays,
    normalizers,
)
from mdmkit.evaluation.normal_frames import normal_loads
from mdmkit.evaluation.threads import Load
from mdmkit.io.resize import check_resize


class FrameOptions(TypedDict, total=False):
    """Which frames, and what they are judged by: the options of `FrameSet.of`."""

    dataset: str | DataSet | None
    anomaly_label: Labels | Usual
    normal_label: Labels | Usual
    ignore_index: Labels | Usual
    min_prediction: int | None
    min_target: int | None
    aggregate: str | None
    missing: str
    key: str | None
    score_ending: str
    resize: str | None


@dataclass(frozen=True)
class FrameSet:
    """Frames that each of several methods has, with their labels, component sizes and aggregation.

    Attributes
    ----------
    loads : mapping of str to sequence of callable
        How to load the frames of each method.
    choice : Choice
        Label codes, component sizes and aggregation: those asked for, else the data set's.
    dataset : DataSet or None
    pairing : Pairing or None
        Their files; None for arrays.
    target : str
        Where the ground truth lies, or "arrays".
    missing : {"error", "skip"}
    key : str or None
        Array of `.npz` archives, or data set of HDF5 files.
    """

    loads: Mapping[str, Sequence[Load]]
    choice: Choice
    dataset: DataSet | None
    pairing: Pairing | None
    target: str
    missing: str = "error"
    key: str | None = None

    @classmethod
    def of(
        cls,
        methods: Mapping[str, Any],
        target: Any = None,
        *,
        dataset: str | DataSet | None = None,
        anomaly_label: Labels | Usual = USUAL,
        normal_label: Labels | Usual = USUAL,
        ignore_index: Labels | Usual = USUAL,
        min_prediction: int | None = None,
        min_target: int | None = None,
        aggregate: str | None = None,
        missing: str = "error",
        key: str | None = None,
        score_ending: str = "",
        resize: str | None = None,
        normal: bool = False,
        argument: str = "target",
    ) -> FrameSet:
        """Find and pair the frames of several methods.

        Parameters
        ----------
        methods : mapping of str to path, or to frames
            With `target` (a folder of masks) or `dataset`: each method's folder of score maps.
        target : path, or array_like
        dataset : str or DataSet, optional
            `"LAYOUT:ROOT"`, instead of `target`.
        anomaly_label, normal_label, ignore_index, min_prediction, min_target, aggregate : optional
            Unless given, the data set's; else 1, 0, 255, no component dropped, "pooled".
        missing : {"error", "skip"}
            Frames that not every method has, or that have no mask: an error, or left out.
        key : str, optional
        score_ending, resize : optional
            As in `DataSet`, of which they are taken unless given.
        normal : bool
            Score maps of frames without any anomaly: they need no ground truth.
        argument : str
            How errors call `target`.

        Raises
        ------
        InputError
            Two kinds of ground truth, or none beside folders; missing or surplus frames, listed.
        """
        if target is not None and dataset is not None:
            raise InputError(
                f"expected it or a data set, found both, of {dataset}", argument=argument
            )
        if normal and (target is not None or dataset is not None):
            raise InputError(
                "expected none beside normal frames, in which nothing is to be found; frames with "
                "anomalies are a second set",
                argument=argument,
            )
        judged = None if dataset is None else open_dataset(dataset)
        choice = choose(
            judged,
            anomaly_label=anomaly_label,
            normal_label=normal_label,
            ignore_index=ignore_index,
            min_prediction=min_prediction,
            min_target=min_target,
            aggregate=aggregate,
        )
        truth = judged if judged is not None else target
        if (score_ending or resize is not None) and is_folder(truth):
            found = judged if judged is not None else from_folders(target)
            truth = replace(
                found,
                score_ending=score_ending or found.score_ending,
                resize=check_resize(resize) or found.resize,
            )
        check_missing(missing)
        if normal:
            place = ", ".join(str(each) for each in methods.values() if is_folder(each))
            loads = normal_loads(methods, missing, key, score_ending)
            return cls(loads, choice, None, None, place or "arrays", missing, key)
        check_given(methods, truth, argument)
        if not is_folder(truth):
            loads = loads_of_arrays(methods, truth, choice.codes)
            return cls(loads, choice, judged, None, "arrays", missing, key)
        pairing = pair(methods, truth, missing)
        place = str(judged.root if judged else target)
        loads = loads_of(pairing, choice.codes, key)
        return cls(loads, choice, judged, pairing, place, missing, key)

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods."""
        return tuple(self.loads)

    @property
    def where(self) -> str:
        """Where the frames come from, in a few words."""
        if self.dataset is not None and self.dataset.name:
            return f"{self.dataset.name}:{self.dataset.root}"
        return self.target

    @property
    def left_out(self) -> tuple[str, ...]:
        """Keys of the frames that not every method has."""
        return tuple(self.pairing.left_out) if self.pairing else ()

    @property
    def folders(self) -> dict[str, str]:
        """The folder of score maps of each method, or "arrays"."""
        if self.pairing is None:
            return dict.fromkeys(self.loads, "arrays")
        return {name: str(self.pairing.folders[name]) for name in self.loads}

    def evaluations(self, normalize: Any = "none", **options: Any) -> Methods:
        """An evaluation of each method, before any frame is counted; see `Evaluation`."""
        sizes = self.choice.sizes
        options = {
            "aggregate": self.choice.aggregate,
            "min_prediction": sizes.min_prediction,
            "min_target": sizes.min_target,
            **options,
        }
        kinds = normalizers(normalize, self.loads)
        evaluations = {
            name: Evaluation(normalize=kinds[name], method=name, **options) for name in self.loads
        }
        return Methods(evaluations, self.loads, self.pairing)


def evaluate_methods(
    frames: FrameSet,
    *,
    jobs: int = 1,
    progress: Progresses | None = None,
    scheduler: Any = None,
    **options: Any,
) -> dict[str, Evaluation]:
    """The evaluation of each method over all frames; options as in `FrameSet.evaluations`."""
    several = frames.evaluations(**options)
    several.run(jobs, progress, scheduler)
    return several.evaluations
