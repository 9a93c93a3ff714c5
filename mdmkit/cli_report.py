"""`mdmkit report`: one HTML file in which the threshold can be moved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.options import (
    AnomalyLabel,
    IgnoreIndex,
    Jobs,
    Key,
    Memory,
    Methods,
    MinPrediction,
    MinTarget,
    Missing,
    Normalize,
    NormalLabel,
    Target,
    parse_labels,
    parse_memory,
    parse_methods,
    parse_normalize,
)
from mdmkit.terminal import Debug, Overwrite, Quiet, note, progress

Images = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The frames' images; those beside RoadAnomaly's masks are found.",
        show_default=False,
    ),
]


def report(
    methods: Methods,
    target: Target,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="An .html.", show_default=False),
    ],
    images: Images = None,
    frames: Annotated[
        int, typer.Option(metavar="N", help="Show so many frames, the hardest first.")
    ] = 12,
    map_width: Annotated[
        int,
        typer.Option(
            metavar="PIXELS",
            help="Draw wider frames smaller; counts are of all pixels all the same.",
        ),
    ] = 640,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="As in compare; each mdm_METRIC@T is drawn.",
            show_default="every metric, MDM at T = 0.5 and 0.7",
        ),
    ] = None,
    anomaly_label: AnomalyLabel = "1",
    normal_label: NormalLabel = "0",
    ignore_index: IgnoreIndex = "255",
    normalize: Normalize = [],  # noqa: B006 (typer copies it)
    min_prediction: MinPrediction = 500,
    min_target: MinTarget = 100,
    missing: Missing = "error",
    key: Key = None,
    memory: Memory = "2G",
    jobs: Jobs = 1,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write one HTML file: table, margins, and frames whose threshold can be moved.

    Example: mdmkit report mine=scores/mine msp=scores/msp --target masks --images images -o report.html
    """  # noqa: E501 (a command is one line)
    from mdmkit.components import ComponentSizes
    from mdmkit.errors import InputError
    from mdmkit.files import check_output, write_text
    from mdmkit.frames import LabelCodes
    from mdmkit.report import build_report, check_report
    from mdmkit.study import study_methods

    folders = parse_methods(methods)
    check_output(output, overwrite)
    if output.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"output: expected a name ending in .html, found {output.name!r}")
    check_report(frames, map_width)
    codes = LabelCodes(
        parse_labels(normal_label, "normal-label"),
        parse_labels(anomaly_label, "anomaly-label"),
        parse_labels(ignore_index, "ignore-index"),
    )
    with progress(quiet) as tick:
        study = study_methods(
            folders,
            target,
            metrics,
            images=images,
            codes=codes,
            sizes=ComponentSizes(min_prediction, min_target),
            normalize=parse_normalize(normalize, folders),
            missing=missing,
            key=key,
            memory=parse_memory(memory),
            jobs=jobs,
            tick=tick,
        )
        built = build_report(study, frames=frames, map_width=map_width, tick=tick)
        note(
            f"{output}: about {built.expected_size() / 1e6:.1f} MB for {len(built.shown)} of "
            f"{built.total} frames (--frames, --map-width change that)",
            quiet,
        )
        page = built.render()
    write_text(output, page)
    note(f"wrote {output}, {len(page.encode()) / 1e6:.1f} MB", quiet)
