"""Options that choose what stands in a table or figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from mdmkit.cli import completion
from mdmkit.cli.options import NUMBERS, OUTPUT, option

Metrics = Annotated[
    str | None,
    option(
        NUMBERS,
        "NAME[,NAME...]",
        "ap, auroc, fpr95, best_f1, siou_gt, ppv, mean_f1 (the three at best F1), autc, "
        "aupro@fpr=0.3, aupimo, image_auroc, image_ap, image_f1, mdm_METRIC@T, METRIC@z=Z, "
        "fpr@z=Z, fpr@tpr=R; METRIC: f1, iou, precision, recall, fbeta@beta=B, siou, ppv, "
        "mean_f1, boundary_iou, boundary_f@px=3, nsd@px=3, pro, spro; NAME@band=PX near "
        "borders, NAME@size=A:B of objects of that size.",
        default="every metric, MDM at T = 0.5 and 0.7",
        complete=completion.measures,
    ),
]
Published = Annotated[
    str | None,
    option(
        OUTPUT,
        "NAME",
        "Add a paper's rows, marked as published; `mdmkit published` lists the tables.",
        complete=completion.published,
    ),
]
Auxiliary = Annotated[
    list[str],
    option(
        OUTPUT,
        "NAME",
        "A method of yours that was trained with auxiliary data; repeatable.",
        "--aux",
    ),
]
By = Annotated[
    list[str],
    option(
        NUMBERS,
        "PARTS",
        "Compute every number again for each part: size=0,300,3000,inf (pixels of an object), "
        "share=..., rows=... (its lowest row), folder[=N], or TABLE.csv:COLUMN; repeatable.",
    ),
]
ImageScoreKind = Annotated[
    str | None,
    option(
        NUMBERS,
        "max|mean-top:K|mean-top:P%",
        "Score of an image as a whole, for image_auroc, image_ap and image_f1: its largest "
        "pixel, or the mean of its K or P % largest.",
        default="max",
    ),
]
FigureName = Annotated[
    Path,
    option(OUTPUT, "FILE", "A .pdf, .svg or .png.", "--output", "-o"),
]
Width = Annotated[
    str,
    option(
        OUTPUT,
        "cvpr|cvpr-wide|neurips|ieee|llncs|INCHES",
        "As wide as a template's column or text: cvpr 3.25 inches, cvpr-wide 6.875, "
        "neurips 5.5, ieee 3.48, ieee-wide 7.14, llncs 4.8.",
        complete=completion.one_of("cvpr|cvpr-wide|neurips|ieee|ieee-wide|llncs"),
    ),
]
