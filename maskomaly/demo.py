"""The demo: synthetic streets, the small network, Maskomaly beside other scores, tables, figures.

Scenes are synthetic; every score comes from the network, every number from `mdmkit.compare`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from maskomaly.ablation import why_equal
from maskomaly.config import MaskomalyConfig, ablation_configs
from maskomaly.images import find_sources, read_image
from maskomaly.mining import anomaly_mask
from maskomaly.models import load_model
from maskomaly.networks import Network
from maskomaly.outputs import MaskOutputs
from maskomaly.pages import queries_page
from maskomaly.predict import outputs_of_images, unfinished, write_score_maps
from maskomaly.queries import PALE_THRESHOLD, query_overlaps
from maskomaly.registry import registered
from maskomaly.score_maps import Destination
from maskomaly.scores import SCORES, score
from maskomaly.tiny.labels import anomaly_mask as mask_of_labels
from maskomaly.tiny.network import CHECKPOINT
from maskomaly.tiny.scenes import draw_scene
from mdmkit.comparison.compare_methods import compare
from mdmkit.comparison.result import Comparison
from mdmkit.core.errors import InputError
from mdmkit.core.files import check_new_folder, write_text
from mdmkit.core.labels import LabelCodes
from mdmkit.core.progress import Bar
from mdmkit.evaluation.frame_set import FrameSet, evaluate_methods
from mdmkit.evaluation.methods import load_frame
from mdmkit.io import read_mask
from mdmkit.metrics import F1
from mdmkit.metrics.measures import MarginAt
from mdmkit.plots import margin_figure, save_figure, thresholds_figure
from mdmkit.uncertainty.resampling import bootstrap

SCENES = 24
T_MARGIN = 0.5
MIN_PREDICTION, MIN_TARGET = 25, 15
METRICS = f"ap,auroc,fpr95,best_f1,siou_gt,ppv,mean_f1,mdm_f1@{T_MARGIN},mdm_siou@0.25"
LEAD_METRICS = "ap,fpr95"
ABLATION_METRICS = f"ap,fpr95,auroc,best_f1,mdm_f1@{T_MARGIN}"
#: Scores that are compared: those of papers on anomaly segmentation.
COMPARED = ("maskomaly", "msp", "max-logit", "entropy", "energy", "rba", "eam")
#: Scores in [0, 1] by nature: their margins are on their own scale, and drawn.
DRAWN = ("maskomaly", "msp", "entropy")
#: The method beside Maskomaly on the page of one scene.
BESIDE = "msp"

#: So many scenes, those with the largest anomalies, are looked at for the page of queries.
LOOKED_AT = 8


def draw_scenes(folder: Path, count: int = SCENES, kind: str = "test") -> None:
    """Write scenes as PNG: `images/`, and `masks/` with 1 anomaly, 255 unlabelled clutter."""
    from PIL import Image

    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for seed in range(count):
        scene = draw_scene(seed, kind)
        name = f"scene{seed:03d}.png"
        Image.fromarray(scene.image).save(folder / "images" / name)
        Image.fromarray(mask_of_labels(scene.labels)).save(folder / "masks" / name)


@dataclass(frozen=True)
class Demo:
    """Holds the results of the demo, and their files."""

    comparison: Comparison
    ablation: Comparison
    differences: str | None
    tables: tuple[Path, ...]
    figures: tuple[Path, ...]
    folders: Mapping[str, Path]
    target: Path


def normalizers(names: Mapping[str, Path]) -> dict[str, str]:
    """Scores that are not in [0, 1] by nature are stretched from their least to their largest."""
    return {name: "none" if SCORES[name].unit else "minmax" for name in names}


def score_scenes(
    folder: Path, network: Network, config: MaskomalyConfig, bar: Bar | None = None
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Run the network once over `images/`; folders of every score, and of the ablation."""
    others = {
        name: Destination(
            folder / "scores" / name,
            {"score": name},
            scorer=partial(score, name=name, config=config),
            dtype="float32",
        )
        for name in COMPARED
    }
    rows = {
        row: Destination(
            folder / "ablation" / row,
            {"config": changed.to_toml().splitlines()},
            scorer=partial(score, name="maskomaly", config=changed),
            dtype="float32",
        )
        for row, changed in ablation_configs(config).items()
    }
    destinations = [*others.values(), *rows.values()]
    left = unfinished(find_sources(folder / "images"), destinations)
    progress = bar("predict", len(left)) if bar else (lambda: None)
    stream = outputs_of_images(left, network, batch=4)
    write_score_maps(stream, destinations, progress=progress)
    folders = {name: d.folder for name, d in others.items()}
    return folders, {row: d.folder for row, d in rows.items()}


def difference_table(
    folders: Mapping[str, Path], target: Path, replicates: int, bar: Bar | None = None
) -> str:
    """Make a table of the differences between Maskomaly and each other score, in Markdown."""
    comparison = compare(folders, target, LEAD_METRICS, progress=bar)
    found = bootstrap(folders, target, LEAD_METRICS, replicates=replicates, progress=bar)
    return comparison.with_bootstrap(found, "maskomaly").to_text("markdown")


def run_demo(
    folder: Path,
    count: int = SCENES,
    *,
    kind: str = "test",
    replicates: int = 0,
    bar: Bar | None = None,
) -> Demo:
    """Draw scenes, score them, compare, and write tables and figures into a new folder.

    Parameters
    ----------
    folder : Path
        New or empty.
    count : int
        How many scenes, with the seeds 0 .. count - 1.
    kind : str
        Which scenes; see `maskomaly.tiny.scenes.draw_scene`.
    replicates : int
        If not 0, resample the images so often for intervals of the differences to Maskomaly.
    bar : callable, optional
        `bar(title, frames)` returns a function that is called after each frame.

    Raises
    ------
    InputError
        If the folder exists and is not empty.
    """
    if count < 4:
        raise InputError(f"expected at least 4, found {count}", argument="scenes")
    check_new_folder(folder)
    draw_scenes(folder, count, kind)
    network = load_model(CHECKPOINT)
    config = registered(network.digest)
    folders, rows = score_scenes(folder, network, config, bar)
    target = folder / "masks"
    comparison = compare(
        folders,
        target,
        METRICS,
        min_prediction=MIN_PREDICTION,
        min_target=MIN_TARGET,
        normalize=normalizers(folders),
        progress=bar,
    )
    ablation = compare(rows, target, ABLATION_METRICS, progress=bar)
    why = why_equal(ablation, config)
    if why:
        ablation.settings["remarks"] = [*ablation.settings.get("remarks", ()), why]
    tables = []
    for name, found in (("comparison", comparison), ("ablation", ablation)):
        tables.append(folder / f"{name}.md")
        write_text(tables[-1], found.to_text("markdown"))
        write_text(folder / f"{name}.json", found.to_text("json"))
    differences = None
    if replicates:
        differences = difference_table(folders, target, replicates, bar)
        tables.append(folder / "differences.md")
        write_text(tables[-1], differences)
    figures = draw_figures(folder, folders, network, config)
    return Demo(comparison, ablation, differences, tuple(tables), figures, folders, target)


def scenes_to_show(target: Path) -> list[str]:
    """Scenes with the most anomalous pixels first: on paper, the others are small."""
    sizes = {path.stem: int((read_mask(path) == 1).sum()) for path in sorted(target.glob("*.png"))}
    return sorted(sizes, key=lambda name: -sizes[name])


def draw_queries(
    folder: Path, scenes: Sequence[str], network: Network, config: MaskomalyConfig
) -> Figure:
    """The queries on that of the scenes in which an anomaly query overlaps an anomaly most."""
    pages = []
    for scene in scenes:
        image = read_image(folder / "images" / f"{scene}.png")
        truth, valid = anomaly_mask(folder / "masks" / f"{scene}.png", LabelCodes())
        (outputs,) = network.predict([image])
        assert isinstance(outputs, MaskOutputs)
        overlaps = query_overlaps(outputs, truth, valid, PALE_THRESHOLD)
        seen = max(overlaps[list(config.anomaly_queries)])
        pages.append((seen, image, outputs, truth, valid))
    _, image, outputs, truth, valid = max(pages, key=lambda page: page[0])
    return queries_page(
        image,
        outputs,
        anomaly_queries=config.anomaly_queries,
        init_queries=config.init_queries,
        target=truth,
        valid=valid,
        threshold=PALE_THRESHOLD,
        most=14,
    )


def draw_figures(
    folder: Path, folders: Mapping[str, Path], network: Network, config: MaskomalyConfig
) -> tuple[Path, ...]:
    """The margins, one scene at three thresholds, and the queries that see it."""
    codes, target = LabelCodes(), folder / "masks"
    compared = FrameSet.of({name: folders[name] for name in DRAWN}, target)
    evaluations = evaluate_methods(compared, metrics=[MarginAt(F1(), T_MARGIN)])
    curves = {name: evaluation.curve(F1()) for name, evaluation in evaluations.items()}
    scenes = scenes_to_show(target)
    shown = scenes[0]
    image = read_image(folder / "images" / f"{shown}.png")
    mask = target / f"{shown}.png"
    frames = {
        name: load_frame(folders[name] / f"{shown}.hdf5", mask, codes, name, None)
        for name in ("maskomaly", BESIDE)
    }
    figures = {
        "margin.pdf": margin_figure(curves, T_MARGIN),
        "margin.png": margin_figure(curves, T_MARGIN),
        "thresholds.png": thresholds_figure(frames, image=image),
        "queries.png": draw_queries(folder, scenes[:LOOKED_AT], network, config),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    return tuple(folder / name for name in figures)
