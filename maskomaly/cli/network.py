"""What commands do with a network: load it, find its config, judge both before it runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from maskomaly.cli.options import parse_amp, parse_input_size
from mdmkit.cli.options import choose_judging, find_ground_truth
from mdmkit.cli.terminal import as_options, note
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    import torch

    from maskomaly.config import MaskomalyConfig
    from maskomaly.images import Source
    from maskomaly.mining import LabelledImages
    from maskomaly.networks import Network
    from mdmkit.datasets import Choice, DataSet


def load_network(
    model: str, device: str, quiet: bool, input_size: str | None = None, compiled: bool = False
) -> Network:
    """The network of these options, with a note of what one should know of it."""
    from maskomaly.models import load_model

    edges = None if input_size is None else parse_input_size(input_size)
    note(f"loading {model}", quiet)
    network = load_model(model, device=device)
    if edges is not None:
        if network.square is not None:
            raise InputError(
                f"expected none with a {network.family} network, which takes "
                f"{network.square} x {network.square} pixels only, found {input_size}",
                argument="input_size",
            )
        network = replace(network, preprocessing=network.preprocessing.at(*edges))
    if network.note is not None:
        note(f"note: {network.note}", quiet)
    if edges is None and network.square is None and not network.names_its_input:
        note(
            f"note: {model} has no maskomaly.json that says its input size; taken: "
            f"{network.preprocessing.input_size} (--input-size for another)",
            quiet,
        )
    return network.compiled() if compiled else network


def need_masks(network: Network) -> None:
    """Refuse a network without masks."""
    if not network.has_masks:
        raise InputError(
            f"expected a network that proposes masks, found {network.source}, a dense one "
            f"({network.family})",
            argument="model",
        )


def resolve_config(
    preset: str | None,
    config: Path | None,
    queries: str | None,
    source: str | Path = "",
    digest: str = "",
    quiet: bool = False,
) -> MaskomalyConfig:
    """The config that these options mean for a network of this source and digest.

    A note says which of its files were changed since they were written.
    """
    from maskomaly.config import MaskomalyConfig, was_changed
    from maskomaly.registry import OWN_CONFIG, own_config, registered

    if preset is not None and config is not None:
        raise InputError("expected --preset or --config, found both", argument="config")
    own = own_config(source, digest)
    for path in filter(None, (config, queries, Path(source) / OWN_CONFIG)):
        if Path(path).is_file() and was_changed(path):
            note(f"note: {path} was changed since it was written, by hand or by damage", quiet)
    if config is not None:
        chosen = MaskomalyConfig.read(config)
    elif preset is None and own is not None:
        chosen = own
    else:  # the preset's thresholds, with queries that this network has
        chosen = MaskomalyConfig.preset(preset or "paper")
        chosen = chosen if own is None else chosen.with_queries_of(own)
    if queries is None:
        return chosen
    found = registered(digest) if queries == "auto" else MaskomalyConfig.read(queries)
    return chosen.with_queries_of(found)


def config_of(
    network: Network,
    preset: str | None,
    config: Path | None,
    queries: str | None,
    force: bool,
    quiet: bool = False,
) -> MaskomalyConfig:
    """The config for a network, whose queries it has: judged before it runs."""
    from maskomaly.algorithm import check_indices

    chosen = resolve_config(preset, config, queries, network.source, network.digest, quiet)
    check_indices(chosen, network.queries, network.digest, force)
    return chosen


def images_of(images: Path | None, dataset: str | None) -> dict[str, Source]:
    """Images of IMAGES, or of all frames of a data set under its own keys."""
    from maskomaly.images import find_sources
    from mdmkit.datasets import open_dataset

    if (images is None) == (dataset is None):
        found = "neither" if images is None else "both"
        raise InputError(
            f"expected IMAGES or --dataset LAYOUT:ROOT, found {found}", argument="images"
        )
    if images is not None:
        return find_sources(images)
    assert dataset is not None
    return dict(open_dataset(dataset).images)


def labelled(
    images: Path | None,
    dataset: str | None,
    target: Path | None,
    frames: Path | None,
    anomaly_label: str | None,
    normal_label: str | None,
    ignore_index: str | None,
) -> tuple[DataSet, Choice]:
    """The labelled frames of these options, and what their labels mean."""
    from maskomaly.images import chosen_frames

    found = find_ground_truth(dataset, target, images)
    found = replace(found, frames=chosen_frames(found.frames, frames))
    return found, choose_judging(found, anomaly_label, normal_label, ignore_index, None, None)


@dataclass(frozen=True)
class Lesson:
    """What queries and thresholds are learnt from: labelled images, and the network to run."""

    dataset: DataSet
    images: LabelledImages
    network: Network
    autocast: torch.dtype | None
    amp: str

    @property
    def origin(self) -> str:
        """What they depend on, for the head of their file."""
        return made_with(self.network, self.dataset, self.amp)


def lesson(
    judged: tuple[DataSet, Choice],
    model: str,
    device: str,
    quiet: bool,
    input_size: str | None,
    amp: str,
    inlier_label: str = "none",
) -> Lesson:
    """Judge labels and options, then load the network, which has to propose masks."""
    from maskomaly.mining import labelled_images
    from mdmkit.core.label_values import parse_labels

    dataset, choice = judged
    autocast = parse_amp(amp)
    images = labelled_images(dataset, choice.codes, parse_labels(inlier_label, "inlier_label"))
    for remark in images.remarks:
        note(f"remark: {as_options(remark)}", quiet)
    network = load_network(model, device, quiet, input_size)
    need_masks(network)
    return Lesson(dataset, images, network, autocast, amp)


def made_with(network: Network, dataset: DataSet, amp: str) -> str:
    """What queries and thresholds depend on, for the head of their file."""
    half = "" if amp == "no" else f", {amp}"
    return (
        f"network: {network.source} ({network.family}), {network.preprocessing.input_size}{half}\n"
        f"images: {len(dataset.frames)} of {dataset.title or dataset.root}\n"
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
