"""`mdmkit threshold --require` and `--check`: thresholds one can answer for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli.terminal import note
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from mdmkit.core.frame import Frame
    from mdmkit.datasets import Choice, DataSet
    from mdmkit.evaluation.threads import Load
    from mdmkit.thresholds.certify import Certification
    from mdmkit.thresholds.checking import ThresholdCheck
    from mdmkit.thresholds.required_table import RequiredThresholds

Require = Annotated[
    list[str],
    typer.Option(
        "--require",
        metavar="'MEASURE>=LIMIT, ...'",
        help="Instead of --t-margin: what must hold, as in 'recall>=0.9, fpr<=0.01'; with <=, >=, "
        "< or >; f1, iou, precision, recall, fbeta@beta=B, fpr, siou, ppv, mean_f1, alarms (false "
        "components a frame), alarm_frames (share of frames with any).",
        show_default=False,
    ),
]
Normal = Annotated[
    list[str],
    typer.Option(
        "--normal",
        metavar="[NAME=]FOLDER...",
        help="Score maps of frames without any anomaly, which need no masks, as the first set.",
        show_default=False,
    ),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        metavar="C",
        help="Also the range on which the requirements hold for the population that the frames "
        "were drawn from, with this probability: 0.95, say.",
        show_default=False,
    ),
]
StartShare = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Share of the frames that choose where certifying starts, and certify nothing.",
    ),
]
Cap = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        help="Share of a frame's pixels that a pooled ratio counts in full, when it is certified; "
        "the smaller, the fewer frames it takes, and the less a large anomaly weighs.",
    ),
]
AlarmCap = Annotated[
    int,
    typer.Option(metavar="N", help="Alarms of a frame that count, when alarms are certified."),
]
Save = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="Keep the chosen threshold of one method in a small file, for --check and for "
        "read_threshold in Python.",
        show_default=False,
    ),
]
Figure = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Draw the ranges at which the requirements hold: a .pdf, .svg or .png.",
        show_default=False,
    ),
]
Check = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        help="Does a threshold that was kept by --save still hold on the frames of a folder, with "
        "--target or --dataset or without labels?",
        show_default=False,
    ),
]


def load_normal(path: Path, name: str, key: str | None, invert: bool = False) -> Frame:
    """Read one score map of a frame without any anomaly, or without labels."""
    import numpy as np

    from mdmkit.core.frame import Frame
    from mdmkit.core.labels import LabelCodes
    from mdmkit.core.transforms import inverted
    from mdmkit.io import read_scores

    scores = read_scores(path, key)
    if invert:
        scores = inverted(scores)
    try:
        return Frame.coded(scores, np.zeros(scores.shape[:2], np.uint8), codes=LabelCodes())
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None


def first_folders(methods: Sequence[str] | None, normal: Sequence[str]) -> dict[str, str]:
    """Folders of score maps by method, of frames with masks or of normal ones."""
    if bool(methods) == bool(normal):
        found = "both" if normal else "neither"
        raise InputError(
            f"expected score maps of frames with masks, NAME=FOLDER, or --normal FOLDER, "
            f"found {found}; frames to try a threshold on go to --on",
            argument="methods",
        )
    return named_folders(methods or normal)


def named_folders(items: Sequence[str]) -> dict[str, str]:
    """Folders by name; the name of one without is its own."""
    found: dict[str, str] = {}
    for item in items:
        name, sign, folder = item.partition("=")
        if not sign:
            name, folder = Path(item).resolve().name, item
        if not name or not folder or name in found:
            raise InputError(
                f"expected NAME=FOLDER, each name once, found {item!r}", argument="methods"
            )
        found[name] = folder
    return found


@dataclass(frozen=True)
class Frames:
    """Frames of each method, and how they are judged."""

    loads: dict[str, list[Load]]
    where: str
    choice: Choice
    inverted: frozenset[str] = frozenset()


def first_set(
    folders: Mapping[str, str],
    truth: DataSet | None,
    choice: Choice,
    missing: str,
    key: str | None,
    *,
    score_ending: str = "",
    invert: Collection[str] = (),
) -> Frames:
    """Frames with masks, or without any: all normal."""
    from mdmkit.datasets import as_inverted, check_inverted, find_scores, pair
    from mdmkit.evaluation.methods import loads_of

    if truth is not None:
        pairing = pair(folders, truth, missing)
        where = f"{truth.name}:{truth.root}" if truth.name else str(truth.root)
        loaded = loads_of(pairing, choice.codes, key)
        return Frames(loaded, where, choice, pairing.inverted)
    inverted = as_inverted(invert)
    check_inverted(inverted, folders)
    loads: dict[str, list[Load]] = {
        name: [
            partial(load_normal, path, frame, key, name in inverted)
            for frame, path in find_scores(name, folder, score_ending).items()
        ]
        for name, folder in folders.items()
    }
    return Frames(loads, ", ".join(folders.values()), choice, inverted)


def check_required(
    require: Sequence[str],
    t_margin: float | None,
    confidence: float | None,
    save: Path | None,
    figure: Path | None,
    methods: Mapping[str, str],
    overwrite: bool,
) -> None:
    """Refuse what does not fit together, and what cannot be written, before the work is done."""
    from mdmkit.core.files import check_output
    from mdmkit.plots.style import check_figure_name

    if bool(require) == (t_margin is not None):
        found = "both" if require else "neither"
        raise InputError(f"expected --t-margin T or --require, found {found}", argument="t_margin")
    for name, given in (("confidence", confidence), ("save", save), ("figure", figure)):
        if given is not None and not require:
            raise InputError("expected --require with it, found --t-margin", argument=name)
    if save is not None and len(methods) != 1:
        raise InputError(f"expected one method, found {', '.join(methods)}", argument="save")
    if save is not None:
        check_output(save, overwrite, "save", (".toml",))
    if figure is not None:
        check_output(figure, overwrite, "figure")
        check_figure_name(figure, "figure")


def certification(
    confidence: float | None, start_share: float, cap: float, alarm_cap: int
) -> Certification | None:
    """How to certify, if at all."""
    from mdmkit.thresholds.certify import Certification
    from mdmkit.thresholds.frame_values import Caps

    if confidence is None:
        return None
    return Certification(confidence, start_share, Caps(cap, alarms=alarm_cap))


def choose_required(
    require: Sequence[str],
    first: Frames,
    second: Frames | None,
    *,
    normalize: dict[str, str],
    how: Certification | None,
    replicates: int,
    memory: int,
    jobs: int,
    progress: Any,
) -> RequiredThresholds:
    """Thresholds under requirements."""
    from mdmkit.thresholds.requirements import parse_requirements
    from mdmkit.thresholds.several import require_thresholds

    choice = first.choice
    requirements = parse_requirements(require, choice.sizes, choice.aggregate)
    settings = {
        "require": ", ".join(map(str, requirements)),
        "first": first.where,
        "second": second and second.where,
        "normalize": normalize,
        "aggregate": choice.aggregate,
        "confidence": how and how.confidence,
        "min_prediction": choice.sizes.min_prediction,
        "min_target": choice.sizes.min_target,
        "invert": sorted(first.inverted),
        "comparison": "score > z",
        "positive_class": "anomaly",
    }
    return require_thresholds(
        first.loads,
        requirements,
        None if second is None else second.loads,
        normalize=normalize,
        sizes=choice.sizes,
        how=how,
        replicates=replicates,
        memory=memory,
        jobs=jobs,
        settings=settings,
        progress=progress,
    )


def finish_required(
    found: RequiredThresholds,
    save: Path | None,
    figure: Path | None,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the chosen threshold and the figure."""
    if save is not None:
        next(iter(found.recommendations.values())).chosen.write(save, overwrite)
        note(f"wrote {save}", quiet)
    if figure is not None:
        from mdmkit.plots import requirements_figure, save_figure

        save_figure(requirements_figure(found.recommendations), figure)
        note(f"wrote {figure}", quiet)


def run_check(
    path: Path,
    folders: Mapping[str, str],
    truth: DataSet | None,
    choice: Choice,
    key: str | None,
    jobs: int,
    score_ending: str = "",
) -> ThresholdCheck:
    """`--check`: what a chosen threshold gives on new frames."""
    from mdmkit.thresholds.checking import check_loads
    from mdmkit.thresholds.chosen import read_threshold

    chosen = read_threshold(path)
    if len(folders) != 1:
        raise InputError(
            f"expected one folder of score maps, found {len(folders)}", argument="check"
        )
    inverted = tuple(folders) if chosen.inverted else ()
    if truth is not None:
        truth = replace(truth, inverted=frozenset(inverted))
    how: dict[str, Any] = {"score_ending": score_ending, "invert": inverted}
    (loads,) = first_set(folders, truth, choice, "error", key, **how).loads.values()
    return check_loads(chosen, loads, truth is not None, jobs)


def text_of(found: ThresholdCheck, form: str) -> str:
    """A check as text or JSON."""
    import json

    if form not in ("table", "json"):
        raise InputError(f"expected table or json of a check, found {form}", argument="format")
    return found.to_text() if form == "table" else json.dumps(found.to_dict(), indent=2) + "\n"
