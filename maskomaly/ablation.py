"""Several configs of Maskomaly on the same labelled images, compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from maskomaly.config import MaskomalyConfig
from maskomaly.mining import labelled_images
from maskomaly.predict import (
    Broken,
    Destination,
    Predicts,
    outputs_of_images,
    unfinished,
    write_score_maps,
)
from maskomaly.scores import score
from mdmkit.comparison.compare_methods import compare
from mdmkit.comparison.result import Comparison
from mdmkit.datasets import DataSet

ABLATION_METRICS = "ap,fpr95,auroc"


def compare_configs(
    dataset: DataSet,
    network: Predicts,
    configs: Mapping[str, MaskomalyConfig],
    metrics: str = ABLATION_METRICS,
    *,
    force: bool = False,
    keep: Path | None = None,
    batch: int = 1,
    overwrite: bool = False,
    bar: Callable[[str, int], Callable[[], None]] | None = None,
    **labels: Any,
) -> Comparison:
    """Run a network once over labelled images, score them by each config, compare the maps.

    Parameters
    ----------
    dataset : DataSet
        Frames, all of which have an image; see `mdmkit.datasets`.
    network : Network
    configs : mapping of str to MaskomalyConfig
        By name of the row.
    metrics : str
        As in `mdmkit.compare`.
    force : bool
        Use queries that belong to other weights.
    keep : Path, optional
        Folder for the score maps (float32 HDF5), one folder a config; by default they are not
        kept.
    batch : int
        Images that run together.
    overwrite : bool
        Replace score maps in `keep`.
    bar : callable, optional
        `bar(title, frames)` returns a function that is called after each frame.
    **labels
        Label values of the masks, as in `mdmkit.compare`; the data set's by default.

    Returns
    -------
    Comparison
        Pooled over all images, exact at every threshold.
    """
    found = labelled_images(dataset, dataset.codes).images
    place = TemporaryDirectory(prefix="maskomaly-") if keep is None else nullcontext(str(keep))
    with place as folder:
        destinations = [
            Destination(
                Path(folder) / name, partial(score, name="maskomaly", config=config, force=force),
                {"config": config.to_toml().splitlines()}, dtype="float32",
            )
            for name, config in configs.items()
        ]  # fmt: skip
        left = unfinished(found, destinations, overwrite=overwrite)
        stream = outputs_of_images(left, network, batch=batch, broken=Broken())
        progress = bar("predict", len(left)) if bar else (lambda: None)
        write_score_maps(stream, destinations, progress=progress)
        folders = {d.folder.name: d.folder for d in destinations}
        return compare(folders, None, metrics, dataset=dataset, progress=bar, **labels)
