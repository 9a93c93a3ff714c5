"""FrameSet: the frames of several methods, and what they are judged by."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import NoneType
from typing import TYPE_CHECKING, Any, TypedDict

from mdmkit.core.arguments import as_texts, check_kind, check_options
from mdmkit.core.errors import InputError, NoTargetError
from mdmkit.core.labels import Labels
from mdmkit.core.progress import Bar
from mdmkit.core.records import Json
from mdmkit.datasets import (
    Choice,
    DataSet,
    Pairing,
    as_inverted,
    check_missing,
    choose,
    from_folders,
    open_dataset,
    pair,
)
from mdmkit.datasets.choice import Usual
from mdmkit.datasets.suspicion import LabelSurvey
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.methods import (
    Methods,
    check_given,
    is_folder,
    loads_of,
    loads_of_arrays,
    normalizers,
)
from mdmkit.evaluation.normal_frames import check_normal, normal_loads, place_of
from mdmkit.evaluation.threads import Load
from mdmkit.io.resize import check_resize
from mdmkit.metrics.measures import Measure
from mdmkit.metrics.names import parse_measures
from mdmkit.metrics.selections import measures_by, with_image_score

if TYPE_CHECKING:
    from typing_extensions import Unpack


class JudgedBy(TypedDict, total=False):
    """What frames are judged by: the options of `choose`."""

    anomaly_label: Labels | Usual
    normal_label: Labels | Usual
    ignore_index: Labels | Usual
    min_prediction: int | None
    min_target: int | None
    aggregate: str | None


class FrameOptions(JudgedBy, total=False):
    """Which frames, and what they are judged by: the options of `FrameSet.of`."""

    dataset: str | DataSet | None
    missing: str
    key: str | None
    score_ending: str
    resize: str | None
    invert: str | Collection[str]
    by: str | Iterable[str]
    image_score: str | None
    normal: bool


FRAME_OPTIONS = tuple(FrameOptions.__annotations__)


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
        Their files with masks; None for arrays.
    files : Pairing or None
        Their files, those of normal frames included, which have no masks.
    target : str
        Where the ground truth lies, or "arrays".
    missing : {"error", "skip"}
    key : str or None
        Array of `.npz` archives, or data set of HDF5 files.
    inverted : frozenset of str
        Methods of whose scores higher means normal.
    by : tuple of str
        Parts by which every number is asked for once more.
    image_score : str or None
        Score of an image as a whole, where measures of images name none.
    """

    loads: Mapping[str, Sequence[Load]]
    choice: Choice
    dataset: DataSet | None
    pairing: Pairing | None
    target: str
    missing: str = "error"
    key: str | None = None
    inverted: frozenset[str] = frozenset()
    by: tuple[str, ...] = ()
    image_score: str | None = None
    files: Pairing | None = None
    _survey: LabelSurvey | None = None

    @classmethod
    def of(
        cls,
        methods: Mapping[str, Any],
        target: Any = None,
        *,
        argument: str = "target",
        **options: Unpack[FrameOptions],
    ) -> FrameSet:
        """Find and pair the frames of several methods.

        Parameters
        ----------
        methods : mapping of str to path, or to frames
            With `target` (a folder of masks) or `dataset`: each method's folder of score maps.
        target : path, or array_like
        argument : str
            How errors call `target`.
        dataset : str or DataSet, optional
            `"LAYOUT:ROOT"`, instead of `target`.
        anomaly_label, normal_label, ignore_index, min_prediction, min_target, aggregate : optional
            Unless given, the data set's; else 1, 0, 255, no component dropped, "pooled".
        missing : {"error", "skip"}
            Frames that not every method has, or that have no mask: an error, or left out.
        key : str, optional
        score_ending, resize : optional
            As in `DataSet`, of which they are taken unless given.
        invert : str or collection of str
            Methods of whose scores higher means normal: 1 - score is judged.
        by : str or iterable of str
            Every number once more by parts, see `mdmkit.metrics.selections.selections_of`.
        image_score : str, optional
            Score of an image as a whole, for measures of images that name none: "max",
            "mean-top:K" or "mean-top:P%".
        normal : bool
            Score maps of frames without any anomaly: they need no ground truth.

        Raises
        ------
        InputError
            Two kinds of ground truth, or none beside folders; missing or surplus frames, listed.
        """
        check_options(cls.of, options, FRAME_OPTIONS)
        check_kind(options.get("score_ending", ""), (str,), "score_ending")
        check_kind(options.get("normal", False), (bool,), "normal")
        check_kind(options.get("key"), (str, NoneType), "key")
        dataset = options.get("dataset")
        if target is not None and dataset is not None:
            raise InputError(
                f"expected it or a data set, found both, of {dataset}", argument=argument
            )
        judged = None if dataset is None else open_dataset(dataset)
        given: Json = {k: v for k, v in options.items() if k in JudgedBy.__annotations__}
        choice = choose(judged, **given)
        inverted = as_inverted(options.get("invert", ()))
        truth = _as_read(judged if judged is not None else target, options, inverted)
        missing, key = options.get("missing", "error"), options.get("key")
        check_missing(missing)
        by = as_texts(options.get("by", ()), "by")
        normal = options.get("normal", False)
        if normal:
            check_normal(truth, argument)
        else:
            check_given(methods, truth, argument)
        survey = LabelSurvey(choice.codes, judged)
        loads: Mapping[str, Sequence[Load]]
        if normal:
            ending = options.get("score_ending", "")
            loads, files = normal_loads(methods, missing, key, ending, inverted)
            pairing, place = None, place_of(methods)
        elif not is_folder(truth):
            loads = loads_of_arrays(methods, truth, choice.codes, inverted)
            pairing, files, place = None, None, "arrays"
        else:
            pairing = files = pair(methods, truth, missing)
            place = str(judged.root if judged else target)
            loads, inverted = loads_of(pairing, choice.codes, key, survey), pairing.inverted
        return cls(
            loads,
            choice,
            judged,
            pairing,
            place,
            missing,
            key,
            inverted=inverted,
            by=by,
            image_score=options.get("image_score"),
            files=files,
            _survey=survey,
        )

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods."""
        return tuple(self.loads)

    @property
    def where(self) -> str:
        """Where the ground truth lies, with the layout of its data set."""
        return self.target if self.dataset is None else str(self.dataset)

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

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the frames, in order."""
        if self.pairing is not None:
            return tuple(self.pairing.targets)
        return tuple(load().name for load in next(iter(self.loads.values())))

    def _surveyed(self) -> LabelSurvey:
        """What the masks hold: those of frames that were loaded were counted then.

        Others, whose counts were kept from an earlier run, are read here.
        """
        survey = self._survey or LabelSurvey(self.choice.codes, self.dataset)
        survey.complete(self.pairing.targets if self.pairing else {})
        return survey

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to say, once frames were loaded, of masks that look like mistakes.

        Nothing where the data set has normal frames, whose masks look so.
        """
        if self.dataset is not None and self.dataset.normal_frames:
            return ()
        return tuple(self._surveyed().remarks())

    def explained(self, error: NoTargetError) -> InputError:
        """The same error with what the masks hold, where nothing in them is anomalous."""
        survey = self._surveyed()
        if self.pairing is None or survey.anomalous:
            return error
        return error.because(survey.why_no_anomaly())

    def measures(self, metrics: str | Iterable[str | Measure] | None) -> tuple[Measure, ...]:
        """The measures that are asked for, and each of them by parts.

        Raises
        ------
        InputError
            Unknown measures or parts.
        """
        sizes = self.choice.sizes
        asked = parse_measures(with_image_score(metrics, self.image_score), sizes)
        keys = self.keys if self.by else ()
        return measures_by(asked, self.by, sizes=sizes, keys=keys) if self.by else asked

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


def _as_read(truth: Any, options: FrameOptions, inverted: frozenset[str]) -> Any:
    """The data set with how its score maps are read, where the options say something of it."""
    ending, resize = options.get("score_ending", ""), options.get("resize")
    if not is_folder(truth) or not (ending or resize is not None or inverted):
        return truth
    found = truth if isinstance(truth, DataSet) else from_folders(truth)
    return replace(
        found,
        score_ending=ending or found.score_ending,
        resize=check_resize(resize) or found.resize,
        inverted=inverted | found.inverted,
    )


def evaluate_methods(
    frames: FrameSet,
    *,
    jobs: int = 1,
    progress: Bar | None = None,
    scheduler: object = None,
    **options: object,
) -> dict[str, Evaluation]:
    """The evaluation of each method over all frames; options as in `FrameSet.evaluations`."""
    several = frames.evaluations(**options)
    several.run(jobs, progress, scheduler)
    _check_anomalies(frames, several.evaluations)
    return several.evaluations


def _check_anomalies(frames: FrameSet, evaluations: Mapping[str, Evaluation]) -> None:
    """Refuse measures of anomalies where no frame has any; where masks are files, say why."""
    first = next(iter(evaluations.values()))
    try:
        if first.counts.frames:
            first.check_anomalies()
    except NoTargetError as error:
        raise frames.explained(error) from error
