"""`maskomaly predict`: images to score maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskomaly.cli import options, scoring
from maskomaly.cli.groups import Chosen, Running, ScoreMaps, Unlabelled, need_masks
from mdmkit.cli import completion
from mdmkit.cli.groups import with_groups
from mdmkit.cli.options import OUTPUT
from mdmkit.cli.terminal import note, progress_bars
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.networks import Network
    from maskomaly.outputs import DenseOutputs, MaskOutputs
    from maskomaly.score_maps import Request, SavedOutputs

SaveOutputs = Annotated[
    str | None,
    typer.Option(
        "--save-outputs",
        metavar="acting|all",
        autocompletion=completion.one_of("acting|all"),
        help="Keep the network's outputs in FOLDER-outputs in float16, for `maskomaly score`: "
        "masks of the queries that act in Maskomaly, or all, which the other scores need.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]


@with_groups
def predict(
    maps: ScoreMaps,
    running: Running,
    images: Unlabelled,
    base: Chosen,
    compile: options.Compile = False,
    save_outputs: SaveOutputs = None,
) -> None:
    """Write a score map for each image, which `mdmkit compare` reads.

    Example: maskomaly predict images -o scores/mine --model my-mask2former --queries queries.toml
    """
    from maskomaly.images import Broken
    from maskomaly.predict import outputs_of_images, unfinished, write_score_maps

    asked = scoring.Asked.of(maps, base)
    if save_outputs not in (None, "acting", "all"):
        raise InputError(f"expected acting or all, found {save_outputs!r}", argument="save_outputs")
    found = images.find()
    asked.check_frames(found)
    request = _request(asked, running, save_outputs)
    places = dict.fromkeys(asked.folders.values(), f".{maps.format}")
    if save_outputs is not None:
        places[outputs_folder(maps.output)] = ".npz"
    if maps.resume and files_of(running.model) and request.nothing_left(places, found):
        note(
            f"nothing left: all {len(found)} score maps are there, made by these settings",
            maps.quiet,
        )
        return

    network = running.load(maps.quiet, compile)
    chosen = _config_for(network, asked)
    common: dict[str, object] = {
        "checkpoint": network.digest,
        "preprocessing": repr(network.preprocessing),
        "amp": running.amp,
    }
    folders = asked.destinations(chosen, common)
    kept = _outputs_folder(network, maps.output, save_outputs, chosen, common)
    everything = [*folders, *([kept] if kept else [])]
    left = unfinished(found, everything, resume=maps.resume, overwrite=maps.overwrite)
    request.keep(places)
    scoring.say_left(found, left, everything, maps.quiet)
    broken = Broken(maps.keep_going)
    with progress_bars(maps.quiet) as bar:
        progress = bar("predict", len(left)) if bar else (lambda: None)
        stream = outputs_of_images(
            left, network, batch=running.batch, autocast=running.autocast, broken=broken
        )
        if kept is not None:
            stream = _announced(stream, kept, len(left), maps.quiet)
        count = write_score_maps(stream, everything, progress=progress)
    scoring.say_written(count, folders, maps.quiet)
    broken.raise_all()


def _request(asked: scoring.Asked, running: Running, save_outputs: str | None) -> Request:
    """Describe what the run was asked for, with the stamps of the files that it names."""
    from maskomaly.score_maps import Request

    maps, base = asked.maps, asked.base
    files = [*files_of(running.model), *([base.config] if base.config else [])]
    return Request(
        {
            "model": running.model,
            "score": list(asked.names),
            "preset": base.preset,
            "queries": base.queries,
            "force_queries": base.force_queries,
            "input_size": running.input_size,
            "amp": running.amp,
            "format": maps.format,
            "dtype": maps.dtype,
            "save_outputs": save_outputs,
            "instances": asked.instances,
            "files": stamps(files, base.queries),
        }
    )


def files_of(model: str) -> list[Path]:
    """Files that decide a local network; none for a name on the hub, which may change unseen."""
    from maskomaly.models import TINY, packaged_checkpoint

    path = packaged_checkpoint() if model == TINY else Path(model)
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return [path] if path.is_file() else []


def stamps(files: list[Path], queries: str | None) -> list[object]:
    """Size and time of files, and of those that queries may come from."""
    from maskomaly.registry import PACKAGED, users_folder
    from mdmkit.core.files import stamp

    registered = [*sorted(users_folder().glob("*.toml")), *sorted(PACKAGED.glob("*.toml"))]
    everything = [*files, *([Path(queries)] if queries else []), *registered]
    return [[file.name, *stamp(file)] for file in everything if file.is_file()]


def _config_for(network: Network, asked: scoring.Asked) -> MaskomalyConfig:
    """The config that the scores use, once it is known that the network has what they need."""
    from maskomaly.scores import SCORES, check_classes

    dense = [name for name in SCORES if SCORES[name].dense]
    lacking = [name for name in asked.names if not SCORES[name].dense]
    if lacking and not network.has_masks:
        raise InputError(
            f"expected one of {', '.join(dense)} for {network.source}, a dense network "
            f"({network.family}) that proposes no masks, found {', '.join(lacking)}; choose with "
            f"--score {dense[0]}",
            argument="score",
        )
    for name in asked.names:
        check_classes(name, network.class_names)
    if any(SCORES[name].configured for name in asked.names):
        return asked.base.of(network, asked.maps.quiet)
    return asked.base.resolve(network.source, network.digest, asked.maps.quiet)


def outputs_folder(output: Path) -> Path:
    """Folder of the network's outputs, beside the score maps."""
    return output.with_name(f"{output.name}-outputs")


def _outputs_folder(
    network: Network,
    output: Path,
    which: str | None,
    config: MaskomalyConfig,
    common: dict[str, object],
) -> SavedOutputs | None:
    from maskomaly.algorithm import acting_queries, check_indices
    from maskomaly.score_maps import SavedOutputs

    if which is None:
        return None
    need_masks(network)
    folder = outputs_folder(output)
    if which == "all":
        return SavedOutputs(folder, {**common, "masks": "all"})
    check_indices(config, network.queries, network.digest, force_queries=True)
    settings = {**common, "masks": config.to_toml().splitlines()}
    return SavedOutputs(folder, settings, acting=lambda outputs: acting_queries(outputs, config))


def _announced(
    stream: Iterable[tuple[str, MaskOutputs | DenseOutputs]],
    kept: SavedOutputs,
    frames: int,
    quiet: bool,
) -> Iterator[tuple[str, MaskOutputs | DenseOutputs]]:
    """The outputs, as they come; the first says how much room all of them will take."""
    import shutil

    for number, (key, outputs) in enumerate(stream):
        if number == 0:
            size = kept.size_of(outputs)
            total = size * frames
            note(
                f"outputs: at most {size / 2**20:.1f} MB a frame like the first, "
                f"{total / 2**20:.0f} MB in all, go to {kept.folder}",
                quiet,
            )
            free = shutil.disk_usage(kept.folder).free
            if total > free:
                raise InputError(
                    f"expected {total / 2**20:.0f} MB of room for {kept.folder}, "
                    f"found {free / 2**20:.0f} MB; --save-outputs acting needs least",
                    argument="save_outputs",
                )
        yield key, outputs
