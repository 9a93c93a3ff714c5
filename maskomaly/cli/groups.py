"""Groups of options that commands of maskomaly share: see `mdmkit.cli.groups`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from maskomaly.cli import options
from mdmkit.cli.options import DataSetName, KeysFile, Target, find_ground_truth
from mdmkit.cli.terminal import Debug, Overwrite, Quiet, note
from mdmkit.core.errors import InputError

if TYPE_CHECKING:
    import torch

    from maskomaly.config import MaskomalyConfig
    from maskomaly.images import Source
    from maskomaly.networks import Network
    from mdmkit.datasets import DataSet


@dataclass(frozen=True)
class NetworkSource:
    """Options for the network, its input and its device."""

    model: options.Model
    input_size: options.InputSize = None
    device: options.Device = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be read before anything is done."""
        if self.input_size is not None:
            options.parse_input_size(self.input_size)

    def load(self, quiet: bool, compiled: bool = False) -> Network:
        """The network, with a note of what one should know of it."""
        from maskomaly.models import load_model

        note(f"loading {self.model}", quiet)
        network = self._resized(load_model(self.model, device=self.device))
        if network.note is not None:
            note(f"note: {network.note}", quiet)
        if self.input_size is None and network.square is None and not network.names_its_input:
            note(
                f"note: {self.model} has no maskomaly.json that says its input size; taken: "
                f"{network.preprocessing.input_size} (--input-size for another)",
                quiet,
            )
        return network.compiled() if compiled else network

    def load_masks(self, quiet: bool) -> Network:
        """A network that proposes masks."""
        network = self.load(quiet)
        need_masks(network)
        return network

    def _resized(self, network: Network) -> Network:
        if self.input_size is None:
            return network
        if network.square is not None:
            raise InputError(
                f"expected none with a {network.family} network, which takes "
                f"{network.square} x {network.square} pixels only, found {self.input_size}",
                argument="input_size",
            )
        edges = options.parse_input_size(self.input_size)
        return replace(network, preprocessing=network.preprocessing.at(*edges))


def need_masks(network: Network) -> None:
    """Refuse a network without masks."""
    if not network.has_masks:
        raise InputError(
            f"expected a network that proposes masks, found {network.source}, a dense one "
            f"({network.family})",
            argument="model",
        )


@dataclass(frozen=True)
class Running(NetworkSource):
    """Options for the network, and for many images."""

    batch: options.Batch = 1
    amp: options.Amp = "no"

    def __post_init__(self) -> None:
        """Refuse what cannot be read before anything is done."""
        super().__post_init__()
        options.check_amp(self.amp)
        if self.batch < 1:
            raise InputError(f"expected a number >= 1, found {self.batch}", argument="batch")

    @property
    def autocast(self) -> torch.dtype | None:
        """Dtype that the network computes in where it may; None for float32."""
        if self.amp == "no":
            return None
        import torch

        return torch.bfloat16 if self.amp == "bf16" else torch.float16


@dataclass(frozen=True)
class Thresholds:
    """Options for Maskomaly's thresholds and queries."""

    preset: options.Preset = None
    config: options.Config = None

    def __post_init__(self) -> None:
        """Refuse two at once, and a file that cannot be read, before anything is done."""
        if self.preset is not None and self.config is not None:
            raise InputError("expected --preset or --config, found both", argument="config")
        _check_readable(self.config)

    def resolve(
        self, source: str | Path = "", digest: str = "", quiet: bool = True
    ) -> MaskomalyConfig:
        """The config that these options mean for a network of this source and digest."""
        from maskomaly.config import MaskomalyConfig
        from maskomaly.registry import OWN_CONFIG, own_config

        own = own_config(source, digest)
        _say_changed([self.config, Path(source) / OWN_CONFIG], quiet)
        if self.config is not None:
            return MaskomalyConfig.read(self.config)
        if self.preset is None and own is not None:
            return own
        # the preset's thresholds, with queries that this network has
        chosen = MaskomalyConfig.preset(self.preset or "paper")
        return chosen if own is None else chosen.with_queries_of(own)


@dataclass(frozen=True)
class Chosen(Thresholds):
    """Options for Maskomaly's thresholds and queries, perhaps those of other weights."""

    queries: options.Queries = None
    force_queries: options.ForceQueries = False

    def __post_init__(self) -> None:
        """Refuse files that cannot be read before anything is done."""
        super().__post_init__()
        _check_readable(None if self.queries == "auto" else self.queries)

    def resolve(
        self, source: str | Path = "", digest: str = "", quiet: bool = True
    ) -> MaskomalyConfig:
        """The config that these options mean for a network of this source and digest."""
        from maskomaly.config import MaskomalyConfig
        from maskomaly.registry import registered

        chosen = super().resolve(source, digest, quiet)
        if self.queries is None:
            return chosen
        _say_changed([self.queries], quiet)
        auto = self.queries == "auto"
        found = registered(digest) if auto else MaskomalyConfig.read(self.queries)
        return chosen.with_queries_of(found)

    def of(self, network: Network, quiet: bool = True) -> MaskomalyConfig:
        """The config for a network, whose queries it has: judged before it runs."""
        from maskomaly.algorithm import check_indices

        chosen = self.resolve(network.source, network.digest, quiet)
        check_indices(chosen, network.queries, network.digest, self.force_queries)
        return chosen


def _check_readable(path: str | Path | None) -> None:
    """Refuse a file of queries or thresholds that cannot be read."""
    from maskomaly.config import MaskomalyConfig

    if path is not None:
        MaskomalyConfig.read(path)


def _say_changed(paths: list[str | Path | None], quiet: bool) -> None:
    """Say which files of queries are not as they were written: it changes all scores."""
    from maskomaly.config import was_changed

    for path in paths:
        if path is not None and Path(path).is_file() and was_changed(path):
            note(f"note: {path} was changed since it was written, by hand or by damage", quiet)


def _one_source(images: Path | None, dataset: str | None) -> None:
    if images is not None and dataset is not None:
        raise InputError("expected IMAGES or --dataset LAYOUT:ROOT, found both", argument="images")


@dataclass(frozen=True)
class Unlabelled:
    """Images to be scored."""

    images: options.Images = None
    dataset: DataSetName = None
    frames: options.Frames = None

    def find(self) -> dict[str, Source]:
        """Images of IMAGES, or of all frames of a data set under its own keys."""
        from maskomaly.images import chosen_frames, find_sources
        from mdmkit.datasets import open_dataset

        _one_source(self.images, self.dataset)
        if self.images is not None:
            found = find_sources(self.images)
        elif self.dataset is not None:
            found = dict(open_dataset(self.dataset).images)
        else:
            raise InputError(
                "expected IMAGES or --dataset LAYOUT:ROOT, found neither", argument="images"
            )
        return chosen_frames(found, self.frames)


@dataclass(frozen=True)
class Labelled:
    """Images with their ground truth."""

    images: options.LabelledImages = None
    dataset: DataSetName = None
    target: Target = None
    frames: KeysFile = None

    def find(self) -> DataSet:
        """The labelled frames."""
        _one_source(self.images, self.dataset)
        return find_ground_truth(self.dataset, self.target, self.images, self.frames)


@dataclass(frozen=True)
class ConfigFile:
    """Options for the output of a config."""

    output: options.TomlFile
    quiet: Quiet = False
    overwrite: Overwrite = False
    debug: Debug = False

    def check(self) -> None:
        """Refuse a file that cannot be written, before the work is done."""
        from mdmkit.core.files import check_output

        check_output(self.output, self.overwrite, suffixes=(".toml",))


@dataclass(frozen=True)
class ScoreMaps:
    """Options for score maps: which are written, where and how."""

    output: options.MapsFolder
    score: options.ScoreNames = "maskomaly"
    instances: options.Instances = None
    format: options.Format = "hdf5"
    dtype: options.Dtype = "float16"
    resume: options.Resume = False
    keep_going: options.KeepGoing = False
    quiet: Quiet = False
    overwrite: options.Replace = False
    debug: Debug = False
