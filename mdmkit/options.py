"""Options that commands share: how they read on the command line, and what their text means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mdmkit.errors import InputError

Methods = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=FOLDER...", help="Each method's folder of score maps.", show_default=False
    ),
]
Target = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER",
        help="Ground-truth masks; the RoadAnomaly layout is understood.",
        show_default=False,
    ),
]
AnomalyLabel = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Label values that mean anomaly; a-b for a range.")
]
NormalLabel = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Label values that mean normal, or none.")
]
IgnoreIndex = Annotated[
    str, typer.Option(metavar="N[,N...]", help="Label values to ignore, or none.")
]
Normalize = Annotated[
    list[str],
    typer.Option(
        metavar="[NAME=]KIND",
        help="Map scores to [0, 1] by none, minmax, sigmoid or rank: all methods', or one's.",
        show_default="none",
    ),
]
MinPrediction = Annotated[
    int, typer.Option(metavar="N", help="Drop predicted components with fewer pixels.")
]
MinTarget = Annotated[
    int, typer.Option(metavar="N", help="Ignore ground-truth components with fewer pixels.")
]
Missing = Annotated[
    str,
    typer.Option(
        metavar="error|skip", help="Frames that not every method has: refuse, or leave out."
    ),
]
Jobs = Annotated[int, typer.Option(metavar="N", help="Threads over frames.")]
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


def parse_labels(text: str, argument: str) -> list[int]:
    """Label values from "2", "1,2", "2-200" or "none"."""
    if text.strip().lower() == "none":
        return []
    values: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(-?\d+)(?:-(\d+))?\s*", part)
        if not match:
            raise InputError(
                f"{argument}: expected integers such as 1 or 2,3 or 2-200, or none, found {text!r}"
            )
        low, high = int(match[1]), int(match[2] or match[1])
        if high < low or high - low > 100_000:
            raise InputError(f"{argument}: expected a rising range, found {part.strip()!r}")
        values += range(low, high + 1)
    return values


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
