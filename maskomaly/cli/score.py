"""`maskomaly score`: saved outputs of a network to score maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskomaly.cli import options, scoring
from maskomaly.cli.groups import Chosen, ScoreMaps
from mdmkit.cli.groups import with_groups
from mdmkit.cli.terminal import progress_bars
from mdmkit.core.errors import InputError
from mdmkit.core.progress import Progress

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.outputs import MaskOutputs


@with_groups
def score_outputs(
    outputs: Annotated[
        Path,
        typer.Argument(
            metavar="OUTPUTS", help="Folder that --save-outputs wrote.", show_default=False
        ),
    ],
    maps: ScoreMaps,
    base: Chosen,
    frames: options.Frames = None,
) -> None:
    """Write score maps from saved outputs, without the network.

    Example: maskomaly score scores/mine-outputs -o scores/rba --score rba
    """
    from maskomaly.images import Broken, chosen_frames
    from maskomaly.predict import outputs_of_files, unfinished, write_score_maps
    from mdmkit.datasets.keys import existing_folder, files_by_key

    asked = scoring.Asked.of(maps, base)
    found = chosen_frames(
        files_by_key(existing_folder(outputs, "outputs"), (".npz",), "outputs"), frames
    )
    asked.check_frames(found)
    first = next(_heads(found, maps.keep_going), None)
    chosen = base.resolve("", first[1].checkpoint if first else "", maps.quiet)
    with progress_bars(maps.quiet) as bar:
        progress = bar("check", len(found)) if bar else (lambda: None)
        _check_outputs(found, asked, chosen, progress)
        folders = asked.destinations(chosen, {"outputs": str(outputs)})
        left = unfinished(found, folders, resume=maps.resume, overwrite=maps.overwrite)
        scoring.say_left(found, left, folders, maps.quiet)
        broken = Broken(maps.keep_going)
        progress = bar("score", len(left)) if bar else (lambda: None)
        stream = outputs_of_files({key: found[key] for key in left}, broken=broken)
        count = write_score_maps(stream, folders, progress=progress)
    scoring.say_written(count, folders, maps.quiet)
    broken.raise_all()


def _heads(files: Mapping[str, Path], keep_going: bool) -> Iterator[tuple[Path, MaskOutputs]]:
    """Read outputs without their masks; with `keep_going`, those that can be read."""
    from maskomaly.images import Broken
    from maskomaly.outputs import MaskOutputs

    broken = Broken(keep_going)  # told when their turn to be scored comes
    for path in files.values():
        outputs = broken.attempt(partial(MaskOutputs.load, masks=False), path)
        if outputs is not None:
            yield path, outputs


def _check_outputs(
    files: Mapping[str, Path], asked: scoring.Asked, config: MaskomalyConfig, progress: Progress
) -> None:
    """Refuse files that lack what the scores need, before anything is written."""
    from maskomaly.algorithm import check_queries
    from maskomaly.scores import SCORES, check_classes

    for path, outputs in _heads(files, asked.maps.keep_going):
        progress()
        try:
            for name in asked.names:
                check_classes(name, outputs.class_names)
                if SCORES[name].configured:
                    check_queries(outputs, config, asked.base.force_queries)
                outputs.check_held(SCORES[name].masks_of(outputs, config))
        except InputError as error:
            raise error.inside(path) from error
