"""Options that commands share: how they read on the command line, and what their text means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdmkit.cli import completion
from mdmkit.core.errors import InputError
from mdmkit.core.label_values import parse_labels

if TYPE_CHECKING:
    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.datasets import Choice, DataSet
    from mdmkit.metrics.measures import Measure

Methods = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=FOLDER...", help="Each method's folder of score maps.", show_default=False
    ),
]
OptionalMethods = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=FOLDER...]", help="Folders of score maps.", show_default=False),
]
DataSetName = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="LAYOUT:ROOT",
        autocompletion=completion.layouts,
        help="A data set, with its labels, component sizes and aggregation; `mdmkit datasets` "
        "lists the layouts.",
        show_default=False,
    ),
]
Target = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Ground-truth masks, where --dataset is not given; the RoadAnomaly layout is "
        "understood.",
        show_default=False,
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The frames' images, to go with --target; a data set has its own.",
        show_default=False,
    ),
]
AnomalyLabel = Annotated[
    str | None,
    typer.Option(
        metavar="N[,N...]",
        help="Label values that mean anomaly; a-b for a range.",
        show_default="the data set's, else 1",
    ),
]
NormalLabel = Annotated[
    str | None,
    typer.Option(
        metavar="N[,N...]",
        help="Label values that mean normal, or none.",
        show_default="the data set's, else 0",
    ),
]
IgnoreIndex = Annotated[
    str | None,
    typer.Option(
        metavar="N[,N...]",
        help="Label values to ignore, or none.",
        show_default="the data set's, else 255",
    ),
]
Normalize = Annotated[
    list[str],
    typer.Option(
        metavar="[NAME=]KIND",
        autocompletion=completion.normalizers,
        help="Map scores to [0, 1] by none, minmax, sigmoid or rank: all methods', or one's.",
        show_default="none",
    ),
]
Aggregate = Annotated[
    str | None,
    typer.Option(
        metavar="pooled|per_image",
        autocompletion=completion.one_of("pooled|per_image"),
        help="One set of pixels, or mean over images.",
        show_default="the data set's, else pooled",
    ),
]
MinPrediction = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Drop predicted components with fewer pixels.",
        show_default="the data set's, else 500",
    ),
]
MinTarget = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Ignore ground-truth components with fewer pixels.",
        show_default="the data set's, else 100",
    ),
]
Missing = Annotated[
    str,
    typer.Option(
        metavar="error|skip",
        autocompletion=completion.one_of("error|skip"),
        help="Frames that not every method has: refuse, or leave out.",
    ),
]
Jobs = Annotated[int, typer.Option(metavar="N", help="Threads over frames.")]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Go through the frames on a Dask cluster, as tcp://HOST:8786, in place of --jobs; its "
        "workers must see the files under the same paths.",
        show_default=False,
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="Memory for the statistics of a method, as 500M or 2G: beyond it thresholds fall on "
        "a grid, files are read twice, and AP and AUROC get brackets.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Array of .npz files, data set of HDF5 files.", show_default=False
    ),
]


def find_ground_truth(
    dataset: str | None, target: Path | None, images: Path | None = None
) -> DataSet:
    """The data set of `--dataset`, or the one that `--target` and `--images` make up."""
    from mdmkit.datasets import from_folders, open_dataset

    if dataset is not None and (target is not None or images is not None):
        option = "target" if target is not None else "images"
        raise InputError(
            f"{option}: expected --dataset or --{option}, found both; a data set has its own"
        )
    if dataset is not None:
        return open_dataset(dataset)
    if target is None:
        raise InputError("target: expected --dataset LAYOUT:ROOT or --target FOLDER, found neither")
    return from_folders(target, images)


def choose_judging(
    dataset: DataSet | None,
    anomaly_label: str | None,
    normal_label: str | None,
    ignore_index: str | None,
    min_prediction: int | None,
    min_target: int | None,
    aggregate: str | None = None,
) -> Choice:
    """What the options ask for, else what the data set says."""
    from mdmkit.datasets import choose

    labels = given_labels(anomaly_label, normal_label, ignore_index)
    return choose(
        dataset, **labels, min_prediction=min_prediction, min_target=min_target, aggregate=aggregate
    )


def given_labels(
    anomaly_label: str | None, normal_label: str | None, ignore_index: str | None
) -> dict[str, Any]:
    """Label values of the options that were given, by argument."""
    texts = {
        "anomaly-label": anomaly_label, "normal-label": normal_label, "ignore-index": ignore_index
    }  # fmt: skip
    return {
        name.replace("-", "_"): parse_labels(text, name)
        for name, text in texts.items()
        if text is not None
    }


def parse_memory(text: str) -> int:
    """Bytes from "2G", "500M", "64k" or a plain number."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kMG]?)(?:i?B)?", text.strip())
    if not match:
        raise InputError(f"memory: expected a size such as 500M or 2G, found {text!r}")
    return int(float(match[1]) * 2 ** {"": 0, "k": 10, "M": 20, "G": 30}[match[2]])


def parse_methods(items: list[str]) -> dict[str, str]:
    """Folders by name from NAME=FOLDER."""
    methods: dict[str, str] = {}
    for item in items:
        name, sign, folder = item.partition("=")
        if not (name and sign and folder):
            raise InputError(f"methods: expected NAME=FOLDER, found {item!r}")
        if name in methods:
            raise InputError(f"methods: expected each name once, found {name!r} again")
        methods[name] = folder
    return methods


def measures_of(
    metrics: str | None,
    by: Sequence[str],
    sizes: ComponentSizes,
    folders: dict[str, str],
    truth: Any,
    missing: str,
) -> str | tuple[Measure, ...] | None:
    """The measures of `--metrics` and `--by`; wrong names are refused before any frame is read."""
    from mdmkit.datasets import pair
    from mdmkit.metrics.names import parse_measures
    from mdmkit.metrics.selections import measures_by

    measures = parse_measures(metrics, sizes)
    if not by:
        return metrics
    keys = list(next(iter(pair(folders, truth, missing).scores.values())))
    return measures_by(measures, by, sizes=sizes, keys=keys)


def parse_normalize(items: list[str], methods: dict[str, str]) -> dict[str, str]:
    """The normaliser of each method; one without a name is for all others."""
    kinds: dict[str, str] = {}
    default = "none"
    for item in items:
        name, sign, kind = item.rpartition("=")
        if sign and name not in methods:
            raise InputError(
                f"normalize: expected a method among {', '.join(methods)}, found {name!r}"
            )
        if sign:
            kinds[name] = kind
        else:
            default = kind
    return {name: kinds.get(name, default) for name in methods}
