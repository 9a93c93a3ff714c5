"""Several configs of Maskomaly on the same labelled images, compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from maskomaly.config import MaskomalyConfig
from maskomaly.mining import labelled_images
from maskomaly.predict import Predicts, outputs_of_images, unfinished, write_score_maps
from maskomaly.score_maps import Destination
from maskomaly.scores import score
from mdmkit import Evaluation
from mdmkit.comparison.compare_methods import compare
from mdmkit.comparison.result import Comparison
from mdmkit.core.errors import InputError
from mdmkit.datasets import DataSet, choose

if TYPE_CHECKING:
    import torch

ABLATION_METRICS = "ap,fpr95,auroc"


def compare_configs(
    dataset: DataSet,
    network: Predicts,
    configs: Mapping[str, MaskomalyConfig],
    metrics: str = ABLATION_METRICS,
    *,
    force_queries: bool = False,
    keep: Path | None = None,
    batch: int = 1,
    autocast: torch.dtype | None = None,
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
    force_queries : bool
        Use queries that belong to other weights.
    keep : Path, optional
        Folder for the score maps (float32 HDF5), one folder a config; by default they are not kept.
    batch, autocast
        As in `Network.predict`.
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

    Raises
    ------
    InputError
        Before the network runs: unknown metrics, labels that do not fit, a folder in use.

    Notes
    -----
    Maps are float32, so that no two scores are tied by rounding. They lie in files (4 bytes per
    pixel and config); the scores of one config at a time lie in memory.
    """
    Evaluation(metrics)  # refuses unknown names
    codes = choose(dataset, **labels).codes
    frames = labelled_images(dataset, codes)
    place = TemporaryDirectory(prefix="maskomaly-") if keep is None else nullcontext(str(keep))
    with place as folder:
        destinations = [
            Destination(
                Path(folder) / name,
                {"config": config.to_toml().splitlines()},
                scorer=partial(score, name="maskomaly", config=config, force_queries=force_queries),
                dtype="float32",
            )
            for name, config in configs.items()
        ]
        try:
            left = unfinished(frames.images, destinations, overwrite=overwrite)
        except InputError as error:
            raise error.of("keep") from error
        stream = outputs_of_images(left, network, batch=batch, autocast=autocast)
        progress = bar("predict", len(left)) if bar else (lambda: None)
        write_score_maps(stream, destinations, progress=progress)
        return _joined(
            compare(
                {d.folder.name: d.folder}, None, metrics, dataset=dataset, progress=bar, **labels
            )
            for d in destinations
        )


def _joined(rows: Iterable[Comparison]) -> Comparison:
    """Comparisons of one config each as one, so that the scores of one lie in memory at a time."""
    first, *others = rows
    settings = dict(first.settings)
    for each in ("methods", "normalize"):
        settings[each] = {**first.settings[each]}
        for other in others:
            settings[each].update(other.settings[each])
    remarks = [r for row in (first, *others) for r in row.settings.get("remarks", ())]
    if remarks:
        settings["remarks"] = list(dict.fromkeys(remarks))
    results = [result for row in (first, *others) for result in row.results]
    return replace(first, results=tuple(results), settings=settings)


def why_equal(comparison: Comparison, config: MaskomalyConfig) -> str | None:
    """Why the rows ARB and ARBI of an ablation are equal; None if they are not."""
    if not config.init_queries:
        return (
            "ARBI is ARB, as the config has no init_queries (I_0); maskomaly mine --inlier-label "
            "finds them"
        )
    without, with_init = (comparison[row].numbers for row in ("ARB", "ARBI"))
    if without != with_init:
        return None
    return (
        "ARBI is ARB in every number: the init_queries (I_0) "
        f"{', '.join(map(str, config.init_queries))} are confident by themselves on these images, "
        f"at or above T_mask {config.t_mask:g}, or their masks are nowhere the largest"
    )
