"""Methods: the evaluation of each of several methods, over the frames that all of them have."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mdmkit.core.arguments import check_among
from mdmkit.core.errors import InputError, InputTypeError
from mdmkit.core.frame import Frame
from mdmkit.core.given import given_frames, kept
from mdmkit.core.labels import LabelCodes
from mdmkit.core.progress import Bar, Progress, begin
from mdmkit.core.transforms import Inverted, inverted
from mdmkit.core.types import Array
from mdmkit.datasets import DataSet, Pairing, check_inverted
from mdmkit.datasets.suspicion import LabelSurvey
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.executors import engine_for
from mdmkit.evaluation.threads import Load
from mdmkit.io import RegionMasks, Target, read_mask, read_scores
from mdmkit.io.resize import resized


def load_frame(
    scores: Path,
    target: Target,
    codes: LabelCodes,
    name: str,
    key: str | None,
    resize: str | None = None,
    invert: bool = False,
    survey: LabelSurvey | None = None,
    mask: Array | None = None,
) -> Frame:
    """Read and validate one frame; errors name the file. A survey sees its mask, too.

    `mask` is that of `target`, where it was read.
    """
    score_map = read_scores(scores, key)
    mask = read_mask(target) if mask is None else mask
    if resize is not None and score_map.ndim == mask.ndim == 2 and score_map.shape != mask.shape:
        score_map = resized(score_map, mask.shape, resize)
    if invert:
        score_map = inverted(score_map)
    try:
        frame = Frame.coded(score_map, mask, codes=codes, name=name)
    except InputError as error:
        culprit = target if str(error).startswith("target") else scores
        if "shape of the scores" not in str(error):
            raise error.inside(culprit) from None
        hint = "; `resize='bilinear'` brings score maps to the size of their masks"
        raise type(error)(f"{target} for {scores}: {error}{hint}") from None
    if survey is not None:
        survey.see(frame, target, mask)
    if isinstance(target, RegionMasks):
        vars(frame)["regions"] = target  # read again where sPRO asks for them
    return frame


def normalizers(normalize: object, methods: Iterable[str]) -> dict[str, str]:
    """The normaliser of each method, from one name for all or a mapping (others: "none")."""
    names = list(methods)
    if normalize is None or isinstance(normalize, str):
        return dict.fromkeys(names, normalize or "none")
    if not isinstance(normalize, Mapping):
        raise InputTypeError(
            f"expected a name or a mapping, found {normalize!r}", argument="normalize"
        )
    check_among(normalize, names, "methods", "normalize")
    return {name: normalize.get(name, "none") for name in names}


def loads_of(
    pairing: Pairing, codes: LabelCodes, key: str | None, survey: LabelSurvey | None = None
) -> dict[str, list[Load]]:
    """Make the loaders of each method's frames; a survey sees their masks."""
    load = partial(load_frame, codes=codes, key=key, resize=pairing.resize, survey=survey)
    return {
        method: [
            partial(load, path, pairing.targets[name], name=name, invert=method in pairing.inverted)
            for name, path in paths.items()
        ]
        for method, paths in pairing.scores.items()
    }


def loads_of_arrays(
    methods: Mapping[str, object], target: object, codes: LabelCodes, invert: Collection[str] = ()
) -> dict[str, list[Load]]:
    """Make loaders of frames in memory, see `given_frames`; iterators are held."""
    target = kept(target)
    check_inverted(invert, methods)
    loads: dict[str, list[Load]] = {}
    for name, frames in methods.items():
        load = Inverted() if name in invert else _given
        try:
            given = list(given_frames(frames, target, codes=codes))
        except InputError as error:
            raise error.inside(name) from None
        loads[name] = [partial(load, frame) for frame in given]
    return loads


def is_folder(target: object) -> bool:
    """Whether ground truth lies in files, rather than in arrays."""
    return isinstance(target, (str, os.PathLike, DataSet))


def check_methods(methods: object) -> Mapping[str, object]:
    """Refuse what is no mapping of names, and an empty one."""
    if not isinstance(methods, Mapping) or not methods:
        raise InputTypeError(
            f"expected a mapping of names, found {reprlib.repr(methods)}", argument="methods"
        )
    for name in methods:
        if not isinstance(name, str):
            raise InputTypeError(
                f"expected names that are text, found {name!r}", argument="methods"
            )
    return methods


def check_given(methods: object, target: object, argument: str = "target") -> None:
    """Refuse what is no mapping of names, and folders beside arrays."""
    for name, given in check_methods(methods).items():
        if is_folder(given) and not is_folder(target):
            found = "none" if target is None else type(target).__name__
            raise InputError(
                f"expected a folder of masks for {name}={given}, found {found}", argument=argument
            )
        if is_folder(target) and not is_folder(given):
            raise InputTypeError(
                f"{name}: expected a folder of score maps beside masks in {target}, found "
                f"{type(given).__name__}"
            )


@dataclass(frozen=True)
class Methods:
    """Methods that are to be evaluated on the same frames.

    Attributes
    ----------
    evaluations : dict of Evaluation
    loads : dict of list of callable
        How to load the frames of each.
    pairing : Pairing or None
        Their files, unless they are arrays.
    """

    evaluations: dict[str, Evaluation]
    loads: Mapping[str, Sequence[Load]]
    pairing: Pairing | None

    def each(self, use: Callable[[str, Evaluation, Progress], None], progress: Bar | None) -> None:
        """Call `use(method, evaluation, progress)` for each; errors name the method."""
        for name, evaluation in self.evaluations.items():
            done = begin(progress, name, len(self.loads[name]))
            try:
                use(name, evaluation, done)
            except InputError as error:
                raise error.inside(name) from error

    def run(
        self,
        jobs: int,
        progress: Bar | None,
        scheduler: object = None,
        done: Callable[[Evaluation], None] | None = None,
    ) -> None:
        """Evaluate all frames of each, and call `done` with it, if only its numbers are wanted."""
        with engine_for(jobs, scheduler) as engine:

            def run(name: str, evaluation: Evaluation, progress: Progress) -> None:
                frames = engine(self.loads[name])
                evaluation.run(frames, True, progress=progress, only_numbers=done is not None)
                if done is not None:
                    done(evaluation)

            self.each(run, progress)


def _given(frame: Frame) -> Frame:
    return frame
