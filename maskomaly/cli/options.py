"""Options that commands share beside those of mdmkit: how they read, and what their text means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from mdmkit.cli import completion
from mdmkit.cli.options import INPUT, NUMBERS, OUTPUT
from mdmkit.core.errors import InputError

#: A part of a command's help.
NETWORK = "Network"

Images = Annotated[
    Path | None,
    typer.Argument(
        metavar="[IMAGES]",
        help="Folder of images (the RoadAnomaly layout is understood), an image, a video, or a "
        ".txt with a path a line; or none, with --dataset.",
        show_default=False,
    ),
]
TomlFile = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A .toml file.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
LabelledImages = Annotated[
    Path | None,
    typer.Argument(
        metavar="[IMAGES]", help="Folder of images, to go with --target.", show_default=False
    ),
]
Frames = Annotated[
    Path | None,
    typer.Option(
        "--frames",
        metavar="FILE",
        help="Only the frames whose keys (paths below their folder, without suffix) this text file "
        "lists, one a line.",
        show_default=False,
        rich_help_panel=INPUT,
    ),
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="SOURCE",
        help="A folder that save_pretrained wrote, a detectron2 Mask2Former .pkl, a model's name "
        "on the hub, or tiny: the small network in the package, for synthetic streets only.",
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
InputSize = Annotated[
    str | None,
    typer.Option(
        metavar="SHORT,LONG|image",
        help="Resize images so that the shorter edge has SHORT pixels unless the longer would "
        "exceed LONG; image: as they are.",
        show_default="the network's maskomaly.json, else 1024,2048",
        rich_help_panel=NETWORK,
    ),
]
Amp = Annotated[
    str,
    typer.Option(
        metavar="no|bf16|fp16",
        autocompletion=completion.one_of("no|bf16|fp16"),
        help="Let the network compute in half precision where it may: faster on most GPUs.",
        rich_help_panel=NETWORK,
    ),
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile",
        help="Compile the network first: worth it for thousands of images.",
        rich_help_panel=NETWORK,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda",
        autocompletion=completion.one_of("auto|cpu|cuda"),
        help="Where the network runs.",
        rich_help_panel=NETWORK,
    ),
]
Batch = Annotated[
    int,
    typer.Option(
        metavar="N",
        help="Images that run together, if their inputs have one size.",
        rich_help_panel=NETWORK,
    ),
]
#: The keys of `SCORES`, which needs torch to be looked into.
SCORE_NAMES = (
    "maskomaly",
    "msp",
    "max-logit",
    "entropy",
    "energy",
    "rba",
    "eam",
    "void",
    "mask-sum",
    "unknown",
    "uno",
)
ScoreNames = Annotated[
    str,
    typer.Option(
        "--score",
        metavar="NAME[,NAME...]",
        autocompletion=completion.several_of(lambda: SCORE_NAMES),
        help=f"{', '.join(SCORE_NAMES)}; several get a folder each.",
        rich_help_panel=NUMBERS,
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="paper|release",
        autocompletion=completion.one_of("paper|release"),
        help="Thresholds of Maskomaly.",
        show_default="the network's own config, else paper",
        rich_help_panel=NETWORK,
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Thresholds and queries in TOML, as tune and mine write them.",
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
Queries = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|auto",
        help="Take the queries from there, as mine wrote them; auto: those registered for the "
        "network's weights.",
        show_default=False,
        rich_help_panel=NETWORK,
    ),
]
ForceQueries = Annotated[
    bool,
    typer.Option(
        "--force-queries", help="Use queries that belong to other weights.", rich_help_panel=NETWORK
    ),
]
Instances = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Average each score within the instance masks of these files (PNG or npy, a number "
        "for each instance, 0 for none).",
        show_default=False,
        rich_help_panel=INPUT,
    ),
]
MapsFolder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FOLDER",
        help="Of score maps.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Keep the score maps that are there, made with these settings of these images.",
        rich_help_panel=OUTPUT,
    ),
]
Replace = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace score maps; with --resume, those of other settings.",
        rich_help_panel=OUTPUT,
    ),
]
KeepGoing = Annotated[
    bool,
    typer.Option(
        "--keep-going",
        help="Leave broken files out, and list them at the end.",
        rich_help_panel=OUTPUT,
    ),
]
Format = Annotated[
    str,
    typer.Option(
        metavar="hdf5|npy",
        autocompletion=completion.one_of("hdf5|npy"),
        help="Files of score maps.",
        rich_help_panel=OUTPUT,
    ),
]
Dtype = Annotated[
    str,
    typer.Option(
        metavar="float16|float32",
        autocompletion=completion.one_of("float16|float32"),
        help="Numbers in them.",
        rich_help_panel=OUTPUT,
    ),
]


def parse_input_size(text: str) -> tuple[int | None, int | None]:
    """Shortest and longest edge of "1024,2048", "512" (no limit) or "image" (as they are)."""
    if text == "image":
        return None, None
    match = re.fullmatch(r"(\d+)(?:,(\d+))?", text.replace(" ", ""))
    if not match:
        raise InputError(
            f"expected SHORT,LONG such as 1024,2048, or image, found {text!r}",
            argument="input_size",
        )
    shortest, longest = int(match[1]), int(match[2]) if match[2] else None
    if longest is not None and longest < shortest:
        raise InputError(
            f"expected the shorter first, as in {longest},{shortest}, found {text!r}",
            argument="input_size",
        )
    return shortest, longest


def check_amp(text: str) -> None:
    """Refuse what is neither "no" nor the name of a half precision."""
    if text not in ("no", "bf16", "fp16"):
        raise InputError(f"expected no, bf16 or fp16, found {text!r}", argument="amp")
