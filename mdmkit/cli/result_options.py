"""Options that choose what stands in a table or figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli import completion
from mdmkit.cli.options import NUMBERS, OUTPUT

Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME...]",
        autocompletion=completion.measures,
        help="ap, auroc, fpr95, best_f1, siou_gt, ppv, mean_f1 (the three at best F1), autc, "
        "aupro@fpr=0.3, aupimo, image_auroc, image_ap, image_f1, mdm_METRIC@T, METRIC@z=Z, "
        "fpr@z=Z, fpr@tpr=R; METRIC: f1, iou, precision, recall, fbeta@beta=B, siou, ppv, "
        "mean_f1, boundary_iou, boundary_f@px=3, nsd@px=3, pro, spro; NAME@band=PX near "
        "borders, NAME@size=A:B of objects of that size.",
        show_default="every metric, MDM at T = 0.5 and 0.7",
        rich_help_panel=NUMBERS,
    ),
]
Published = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        autocompletion=completion.published,
        help="Add a paper's rows, marked as published; `mdmkit published` lists the tables.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Auxiliary = Annotated[
    list[str],
    typer.Option(
        "--aux",
        metavar="NAME",
        help="A method of yours that was trained with auxiliary data; repeatable.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
By = Annotated[
    list[str],
    typer.Option(
        "--by",
        metavar="PARTS",
        help="Compute every number again for each part: size=0,300,3000,inf (pixels of an object), "
        "share=..., rows=... (its lowest row), folder[=N], or TABLE.csv:COLUMN; repeatable.",
        show_default=False,
        rich_help_panel=NUMBERS,
    ),
]
ImageScoreKind = Annotated[
    str | None,
    typer.Option(
        "--image-score",
        metavar="max|mean-top:K|mean-top:P%",
        help="Score of an image as a whole, for image_auroc, image_ap and image_f1: its largest "
        "pixel, or the mean of its K or P % largest.",
        show_default="max",
        rich_help_panel=NUMBERS,
    ),
]
FigureName = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A .pdf, .svg or .png.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Width = Annotated[
    str,
    typer.Option(
        metavar="cvpr|cvpr-wide|neurips|ieee|llncs|INCHES",
        autocompletion=completion.one_of("cvpr|cvpr-wide|neurips|ieee|ieee-wide|llncs"),
        help="As wide as a template's column or text: cvpr 3.25 inches, cvpr-wide 6.875, "
        "neurips 5.5, ieee 3.48, ieee-wide 7.14, llncs 4.8.",
        rich_help_panel=OUTPUT,
    ),
]
