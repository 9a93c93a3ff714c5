"""`mdmkit report`: one HTML file in which the threshold can be moved."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mdmkit.cli import completion
from mdmkit.cli.groups import Counting, ImageJudging, PicturedFrames, with_groups
from mdmkit.cli.options import NUMBERS, OUTPUT, Methods, option, parse_methods
from mdmkit.cli.terminal import (
    Debug,
    Overwrite,
    Quiet,
    deliver_file,
    note,
    note_remarks,
    progress_bars,
)
from mdmkit.cli.threshold_options import Certified, Require
from mdmkit.core.records import Json

if TYPE_CHECKING:
    from mdmkit.thresholds.required import RequiredThreshold


@with_groups
def report(
    methods: Methods,
    source: PicturedFrames,
    judging: ImageJudging,
    counting: Counting,
    certified: Certified,
    output: Annotated[
        Path,
        option(OUTPUT, "FILE", "An .html.", "--output", "-o"),
    ],
    metrics: Annotated[
        str | None,
        option(
            NUMBERS,
            "NAME[,NAME...]",
            "As in compare; each mdm_METRIC@T is drawn.",
            default="every metric, MDM at T = 0.5 and 0.7",
            complete=completion.measures,
        ),
    ] = None,
    most: Annotated[
        int,
        option(OUTPUT, "N", "Number of frames to show, the hardest first."),
    ] = 12,
    map_width: Annotated[
        int,
        option(
            OUTPUT, "PIXELS", "Draw wider frames smaller; counts are of all pixels all the same."
        ),
    ] = 640,
    require: Require = [],  # noqa: B006 (typer copies it)
    quiet: Quiet = False,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Write one HTML file: table, margins, and frames whose threshold can be moved.

    Example: mdmkit report mine=scores/mine msp=scores/msp --target masks --images images -o report.html
    """  # noqa: E501 (a command is one line)
    from mdmkit.comparison.study import study_methods
    from mdmkit.core.errors import InputError, NoMarginError
    from mdmkit.core.files import check_output, write_text
    from mdmkit.report import Origin, build_report, check_report
    from mdmkit.thresholds.recommend import choose_thresholds

    folders = parse_methods(methods)
    check_output(output, overwrite, suffixes=(".html", ".htm"))
    check_report(most, map_width)
    if certified.confidence is not None and not require:
        raise InputError("expected --require with it, found none", argument="confidence")
    truth = source.find()
    how: Json = {"dataset": truth, **judging.given(), **counting.of(folders)}
    with progress_bars(quiet) as progress:
        study = study_methods(folders, metrics, progress=progress, **how)
        required: dict[str, RequiredThreshold] = {}
        without: dict[str, str] = {}
        if require:
            try:
                found = choose_thresholds(
                    folders,
                    require=require,
                    certify=certified.certification(),
                    progress=progress,
                    **how,
                )
                required, without = found.recommendations, found.without
            except NoMarginError as error:  # of every method: the page says why, and is written
                without = {", ".join(folders): str(error)}
        built = build_report(
            study,
            most=most,
            map_width=map_width,
            required=required,
            without=without,
            origin=Origin.of_command(sys.argv[1:]),
            progress=progress,
        )
        page = built.render()
    note_remarks(study.comparison.remarks, quiet)
    note(
        f"{output}: {len(page.encode()) / 1e6:.1f} MB for {len(built.shown)} of {built.total} "
        "frames (--most, --map-width change that)",
        quiet,
    )
    deliver_file(lambda path: write_text(path, page), output, quiet)
