"""Options that commands share: how they read on the command line, and what their text means."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.core.errors import InputError, printable

if TYPE_CHECKING:
    from mdmkit.datasets import DataSet

#: Parts of a command's help.
INPUT, NUMBERS, UNCERTAINTY, SCALE, OUTPUT = "Input", "Numbers", "Uncertainty", "Scale", "Output"
FORMS = "table|markdown|csv|json|latex|latex-wide|csv-long|json-long"
_FORM_OF_SUFFIX = {
    ".txt": "table",
    ".md": "markdown",
    ".csv": "csv",
    ".json": "json",
    ".tex": "latex",
}


def option(
    part: str,
    metavar: str | None,
    help: str,
    *names: str,
    default: str | bool = True,
    complete: completion.Complete | None = None,
) -> Any:
    """Describe an option: its part of the help, how its value reads, what it does.

    Parameters
    ----------
    names : str
        Where they are not that of the parameter.
    default : str or bool
        What the help says of the default; True: the value.
    complete : callable, optional
        What a shell offers.
    """
    return typer.Option(
        *names,
        metavar=metavar,
        help=help,
        show_default=default,
        autocompletion=complete,
        rich_help_panel=part,
    )


def one_of(part: str, forms: str, help: str, *names: str, default: str | bool = True) -> Any:
    """Describe an option that takes one of the names in `a|b|c`, which a shell offers."""
    complete = completion.one_of(forms)
    return option(part, forms, help, *names, default=default, complete=complete)


def flag(part: str, help: str, *names: str) -> Any:
    """Describe an option without a value."""
    return option(part, None, help, *names)


Methods = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME=]FOLDER...",
        help="Each method's folder of score maps; without NAME, the folder's name is the method's.",
    ),
]
OptionalMethods = Annotated[
    list[str] | None,
    typer.Argument(metavar="[[NAME=]FOLDER...]", help="Folders of score maps."),
]
DataSetName = Annotated[
    str | None,
    option(
        INPUT,
        "LAYOUT:ROOT",
        "A data set, with its labels, component sizes and aggregation; `mdmkit datasets` "
        "lists the layouts.",
        complete=completion.layouts,
    ),
]
Target = Annotated[
    Path | None,
    option(
        INPUT,
        "FOLDER",
        "Ground-truth masks, where --dataset is not given; the RoadAnomaly layout is understood.",
    ),
]
KeysFile = Annotated[
    Path | None,
    option(
        INPUT,
        "FILE",
        "Only these frames of the data set, a subset or split: a text file with a key on each "
        "line, its path below the folder without suffix.",
    ),
]
Images = Annotated[
    Path | None,
    option(INPUT, "FOLDER", "The frames' images, to go with --target; a data set has its own."),
]
AnomalyLabel = Annotated[
    str | None,
    option(
        INPUT,
        "N[,N...]",
        "Label values that mean anomaly; a-b for a range.",
        default="the data set's, else 1",
    ),
]
NormalLabel = Annotated[
    str | None,
    option(
        INPUT,
        "N[,N...]",
        "Label values that mean normal, or none.",
        default="the data set's, else 0",
    ),
]
IgnoreIndex = Annotated[
    str | None,
    option(
        INPUT, "N[,N...]", "Label values to ignore, or none.", default="the data set's, else 255"
    ),
]
Normalize = Annotated[
    list[str],
    option(
        NUMBERS,
        "[NAME=]KIND",
        "Map scores to [0, 1] by none, minmax, sigmoid or rank: all methods', or one's.",
        default="none",
        complete=completion.normalizers,
    ),
]
Aggregate = Annotated[
    str | None,
    one_of(
        NUMBERS,
        "pooled|per_image",
        "One set of pixels, or mean over images.",
        default="the data set's, else pooled",
    ),
]
MinPrediction = Annotated[
    int | None,
    option(
        NUMBERS,
        "N",
        "Drop predicted components with fewer pixels.",
        default="the data set's, else 0",
    ),
]
MinTarget = Annotated[
    int | None,
    option(
        NUMBERS,
        "N",
        "Ignore ground-truth components with fewer pixels.",
        default="the data set's, else 0",
    ),
]
Missing = Annotated[
    str,
    one_of(INPUT, "error|skip", "Frames that not every method has: refuse, or leave out."),
]
ScoreEnding = Annotated[
    str,
    option(
        INPUT, "TEXT", "Text between a frame's name and the suffix of its score maps, as _score."
    ),
]
Resize = Annotated[
    str | None,
    one_of(
        INPUT,
        "bilinear|nearest",
        "Bring score maps of another size to that of their masks; refused without it.",
    ),
]
Invert = Annotated[
    list[str],
    option(
        INPUT,
        "NAME",
        "A method of whose scores higher means normal, as confidences: 1 - score is judged; "
        "repeatable.",
    ),
]
Jobs = Annotated[int, option(SCALE, "N", "Threads over frames.")]
Scheduler = Annotated[
    str | None,
    option(
        SCALE,
        "ADDRESS",
        "Go through the frames on a Dask cluster, as tcp://HOST:8786, in place of --jobs; its "
        "workers must see the files under the same paths.",
    ),
]
Memory = Annotated[
    str,
    option(
        SCALE,
        "SIZE",
        "Memory for the statistics of a method, as 500M or 2G: beyond it scores fall into "
        "bins, files are read twice, and AP and AUROC get brackets.",
    ),
]
Key = Annotated[
    str | None,
    option(INPUT, "NAME", "Array of .npz files, data set of HDF5 files."),
]

Form = Annotated[
    str | None,
    one_of(
        OUTPUT,
        FORMS,
        "Form of the result; long: one row per method and metric.",
        default="by the suffix of --output, else table",
    ),
]
Output = Annotated[
    Path | None,
    option(OUTPUT, "FILE", "File to write.", "--output", "-o", default="standard output"),
]


def find_ground_truth(
    dataset: str | None,
    target: Path | None,
    images: Path | None = None,
    frames: Path | None = None,
    *,
    score_ending: str = "",
    resize: str | None = None,
    invert: Sequence[str] = (),
) -> DataSet:
    """The data set of `--dataset`, or of `--target` and `--images`; its `--frames` alone."""
    from mdmkit.datasets.subset import read_keys, subset

    how = {"score_ending": score_ending, "resize": resize, "invert": invert}
    found = _data_set(dataset, target, images, **how)
    return found if frames is None else subset(found, read_keys(frames))


def _data_set(dataset: str | None, target: Path | None, images: Path | None, **how: Any) -> DataSet:
    from mdmkit.datasets import from_folders, open_dataset

    if dataset is not None and (target is not None or images is not None):
        option = "target" if target is not None else "images"
        raise InputError(
            f"expected --dataset or --{option}, found both; a data set has its own", argument=option
        )
    if dataset is not None:
        return open_dataset(dataset, **how)
    if target is None:
        raise InputError(
            "expected --dataset LAYOUT:ROOT or --target FOLDER, found neither", argument="target"
        )
    return from_folders(target, images, **how)


def parse_methods(items: list[str]) -> dict[str, str]:
    """Folders by name from NAME=FOLDER, or from a folder alone, whose name is the method's."""
    methods: dict[str, str] = {}
    for item in items:
        name, folder = _named(item)
        name = unicodedata.normalize("NFC", name)
        if printable(name) != name:
            raise InputError(
                f"expected names that are text, found {printable(name)!r}", argument="methods"
            )
        if not (name and folder):
            raise InputError(
                f"expected NAME=FOLDER or a folder, found {item!r}", argument="methods"
            )
        if name in methods:
            raise InputError(
                f"expected each name once, found {name!r} again; NAME=FOLDER names it",
                argument="methods",
            )
        methods[name] = folder
    return methods


def _named(item: str) -> tuple[str, str]:
    if "=" not in item or Path(item).is_dir():  # a folder's name may have a sign, as lr=0.1
        return (Path(item).resolve().name if Path(item).is_dir() else ""), item
    name, _, folder = item.partition("=")
    return name, folder


def parse_normalize(items: list[str], methods: dict[str, str]) -> dict[str, str]:
    """The normaliser of each method; one without a name is for all others."""
    from mdmkit.statistics.normalizers import as_normalizer

    kinds: dict[str, str] = {}
    default = "none"
    for item in items:
        name, sign, kind = item.rpartition("=")
        name = unicodedata.normalize("NFC", name)
        if sign and name not in methods:
            raise InputError(
                f"expected a method among {', '.join(methods)}, found {name!r}",
                argument="normalize",
            )
        if sign:
            kinds[name] = kind
        else:
            default = kind
    for kind in {default, *kinds.values()}:
        as_normalizer(kind)
    return {name: kinds.get(name, default) for name in methods}


def form_of(output: Path | None) -> str:
    """The form that the suffix of a file asks for."""
    if output is None:
        return "table"
    suffix = output.suffix.lower()
    if suffix not in _FORM_OF_SUFFIX:
        raise InputError(
            f"expected a name ending in {', '.join(_FORM_OF_SUFFIX)}, or --format with it, "
            f"found {output.name!r}",
            argument="output",
        )
    return _FORM_OF_SUFFIX[suffix]
