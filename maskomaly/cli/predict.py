"""`maskomaly predict`: images to score maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from maskomaly.cli import network as networks
from maskomaly.cli import options, scoring
from mdmkit.cli import completion
from mdmkit.cli.options import OUTPUT, DataSetName
from mdmkit.cli.terminal import Debug, Quiet, note, progress_bars
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    from maskomaly.config import MaskomalyConfig
    from maskomaly.networks import Network
    from maskomaly.outputs import DenseOutputs, MaskOutputs
    from maskomaly.score_maps import SavedOutputs

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


def predict(
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
    model: options.Model,
    images: options.Images = None,
    dataset: DataSetName = None,
    score: options.ScoreNames = "maskomaly",
    frames: options.Frames = None,
    preset: options.Preset = None,
    config: options.Config = None,
    queries: options.Queries = None,
    force_queries: options.ForceQueries = False,
    input_size: options.InputSize = None,
    device: options.Device = "auto",
    batch: options.Batch = 1,
    amp: options.Amp = "no",
    compile: options.Compile = False,
    instances: options.Instances = None,
    save_outputs: SaveOutputs = None,
    format: options.Format = "hdf5",
    dtype: options.Dtype = "float16",
    resume: options.Resume = False,
    keep_going: options.KeepGoing = False,
    quiet: Quiet = False,
    overwrite: options.Replace = False,
    debug: Debug = False,
) -> None:
    """Write a score map for each image, which `mdmkit compare` reads.

    Example: maskomaly predict images -o scores/mine --model my-mask2former --queries queries.toml
    """
    from maskomaly.images import Broken, chosen_frames
    from maskomaly.instances import InstanceMasks
    from maskomaly.predict import outputs_of_images, unfinished, write_score_maps
    from maskomaly.score_maps import Request

    names = scoring.split_names(score)
    scoring.check_form(format, dtype)
    autocast = options.parse_amp(amp)
    if save_outputs not in (None, "acting", "all"):
        raise InputError(f"expected acting or all, found {save_outputs!r}", argument="save_outputs")
    if batch < 1:
        raise InputError(f"expected a number >= 1, found {batch!r}", argument="batch")
    found = chosen_frames(networks.images_of(images, dataset), frames)
    masks = None if instances is None else InstanceMasks(instances)
    if masks is not None:
        masks.check(list(found))
    files = [*networks.files_of(model), *([config] if config else [])]
    asked = {
        "model": model,
        "score": names,
        "preset": preset,
        "queries": queries,
        "force": force_queries,
        "input_size": input_size,
        "amp": amp,
        "format": format,
        "dtype": dtype,
        "save_outputs": save_outputs,
        "instances": masks.digest if masks else None,
    }
    request = Request({**asked, "files": networks.stamps(files, queries)})
    places = dict.fromkeys(scoring.folders_of(names, output).values(), f".{format}")
    if save_outputs is not None:
        places[outputs_folder(output)] = ".npz"
    if resume and networks.files_of(model) and request.nothing_left(places, found):
        note(f"nothing left: all {len(found)} score maps are there, made by these settings", quiet)
        return

    network = networks.load_network(model, device, quiet, input_size, compile)
    chosen = _config_for(network, names, preset, config, queries, force_queries, quiet)
    common: dict[str, object] = {
        "checkpoint": network.digest,
        "preprocessing": repr(network.preprocessing),
        "amp": amp,
    }
    if masks is not None:
        common["instances"] = masks.digest
    folders = scoring.destinations(names, output, chosen, force_queries, format, dtype, common)
    for folder in folders:
        folder.refine = masks.average if masks else None
    kept = _outputs_folder(network, output, save_outputs, chosen, common)
    everything = [*folders, *([kept] if kept else [])]
    left = unfinished(found, everything, resume=resume, overwrite=overwrite)
    request.keep(places)
    scoring.say_left(found, left, everything, quiet)
    broken = Broken(keep_going)
    with progress_bars(quiet) as bar:
        progress = bar("predict", len(left)) if bar else (lambda: None)
        stream = outputs_of_images(left, network, batch=batch, autocast=autocast, broken=broken)
        if kept is not None:
            stream = _announced(stream, kept, len(left), quiet)
        count = write_score_maps(stream, everything, progress=progress)
    scoring.say_written(count, folders, quiet)
    broken.raise_all()


def _config_for(
    network: Network,
    names: list[str],
    preset: str | None,
    config: Path | None,
    queries: str | None,
    force: bool,
    quiet: bool,
) -> MaskomalyConfig:
    """The config that the scores use, once it is known that the network has what they need."""
    from maskomaly.scores import SCORES, check_unknown

    dense = [name for name in SCORES if SCORES[name].dense]
    lacking = [name for name in names if not SCORES[name].dense]
    if lacking and not network.has_masks:
        raise InputError(
            f"expected one of {', '.join(dense)} for {network.source}, a dense network "
            f"({network.family}) that proposes no masks, found {', '.join(lacking)}; choose with "
            f"--score {dense[0]}",
            argument="score",
        )
    for name in names:
        if SCORES[name].needs_unknown:
            check_unknown(name, network.class_names)
    if any(SCORES[name].configured for name in names):
        return networks.config_of(network, preset, config, queries, force, quiet)
    return networks.resolve_config(preset, config, queries, network.source, network.digest, quiet)


def outputs_folder(output: Path) -> Path:
    """Where the network's outputs go, beside the score maps."""
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
    networks.need_masks(network)
    folder = outputs_folder(output)
    if which == "all":
        return SavedOutputs(folder, {**common, "masks": "all"})
    check_indices(config, network.queries, network.digest, force=True)
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
