"""Options of `mdmkit compare` that choose conventions and what stands in the table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli import completion

FORMS = "table|markdown|csv|json|latex|csv-long|json-long"

Protocol = Annotated[
    str,
    typer.Option(
        metavar="exact|smiyc|maskomaly-release",
        autocompletion=completion.one_of("exact|smiyc|maskomaly-release"),
        help="Conventions of the numbers: exact, those of SegmentMeIfYouCan's tools, or those of "
        "Maskomaly's release.",
    ),
]
Bands = Annotated[
    list[float],
    typer.Option(
        "--band",
        metavar="PX",
        help="Also AP, FPR95 and best F1 within so many pixels of ground-truth borders; "
        "repeatable.",
        show_default=False,
    ),
]
By = Annotated[
    list[str],
    typer.Option(
        "--by",
        metavar="PARTS",
        help="Every number once more by parts: size=0,300,3000,inf (pixels of the object), "
        "share=..., rows=... (its lowest row), folder[=N], or TABLE.csv:COLUMN; repeatable.",
        show_default=False,
    ),
]
Published = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        autocompletion=completion.published,
        help="Add a paper's rows, marked as published; `mdmkit published` lists the tables.",
        show_default=False,
    ),
]
Auxiliary = Annotated[
    list[str],
    typer.Option(
        "--aux",
        metavar="NAME",
        help="A method of yours that was trained with auxiliary data; repeatable.",
        show_default=False,
    ),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar=FORMS,
        autocompletion=completion.one_of(FORMS),
        help="Form of the result; long: a row a method and metric.",
        show_default="by the suffix of --output, else table",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write there.", show_default="standard output"
    ),
]

_FORM_OF_SUFFIX = {".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex"}


def form_of(output: Path | None) -> str:
    """The form that the suffix of a file asks for."""
    return "table" if output is None else _FORM_OF_SUFFIX.get(output.suffix.lower(), "table")
