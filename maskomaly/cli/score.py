"""`maskomaly score`: saved outputs of a network to score maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskomaly.cli import network as networks
from maskomaly.cli import options, scoring
from mdmkit.cli.options import OUTPUT
from mdmkit.cli.terminal import Debug, Quiet, progress_bars


def score_outputs(
    outputs: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUTS", help="Folder that --save-outputs wrote.", show_default=False
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Of score maps.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ],
    score: options.ScoreNames = "maskomaly",
    frames: options.Frames = None,
    preset: options.Preset = None,
    config: options.Config = None,
    queries: options.Queries = None,
    force_queries: options.ForceQueries = False,
    instances: options.Instances = None,
    format: options.Format = "hdf5",
    dtype: options.Dtype = "float16",
    resume: options.Resume = False,
    keep_going: options.KeepGoing = False,
    quiet: Quiet = False,
    overwrite: options.Replace = False,
    debug: Debug = False,
) -> None:
    """Write score maps from saved outputs, without the network.

    Example: maskomaly score scores/mine-outputs -o scores/rba --score rba
    """
    from maskomaly.algorithm import check_queries
    from maskomaly.images import Broken, chosen_frames
    from maskomaly.instances import InstanceMasks
    from maskomaly.outputs import MaskOutputs
    from maskomaly.predict import outputs_of_files, unfinished, write_score_maps
    from maskomaly.scores import SCORES
    from mdmkit.datasets.keys import existing_folder, files_by_key

    names = scoring.split_names(score)
    scoring.check_form(format, dtype)
    found = chosen_frames(
        files_by_key(existing_folder(outputs, "outputs"), (".npz",), "outputs"), frames
    )
    first = MaskOutputs.load(next(iter(found.values())))
    chosen = networks.resolve_config(preset, config, queries, digest=first.checkpoint, quiet=quiet)
    if any(SCORES[name].configured for name in names):
        check_queries(first, chosen, force_queries)
    masks = None if instances is None else InstanceMasks(instances)
    common: dict[str, object] = {"outputs": str(outputs)}
    if masks is not None:
        masks.check(list(found))
        common["instances"] = masks.digest
    folders = scoring.destinations(names, output, chosen, force_queries, format, dtype, common)
    for folder in folders:
        folder.refine = masks.average if masks else None
    left = unfinished(found, folders, resume=resume, overwrite=overwrite)
    scoring.say_left(found, left, folders, quiet)
    broken = Broken(keep_going)
    with progress_bars(quiet) as bar:
        progress = bar("score", len(left)) if bar else (lambda: None)
        stream = outputs_of_files({key: found[key] for key in left}, broken=broken)
        count = write_score_maps(stream, folders, progress=progress)
    scoring.say_written(count, folders, quiet)
    broken.raise_all()
