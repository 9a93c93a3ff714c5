"""Options that drawing commands share, and how a figure is finished."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from mdmkit.cli import completion
from mdmkit.cli.groups import Counting, Labels
from mdmkit.cli.options import INPUT, NUMBERS, option
from mdmkit.cli.terminal import deliver_file, note, note_remarks, progress_bars
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mdmkit.comparison.study import Study
    from mdmkit.core.component_sizes import ComponentSizes
    from mdmkit.datasets import DataSet, Pairing
    from mdmkit.metrics.base import Metric

MetricNames = Annotated[
    str,
    option(
        NUMBERS,
        "METRIC[,METRIC...]",
        "f1, iou, precision, recall, siou, ppv, mean_f1; several stand side by side.",
        complete=completion.metrics,
    ),
]
FrameKeys = Annotated[
    list[str],
    option(
        INPUT,
        "[NAME=]KEY",
        "A frame, by its path below the folder without suffix; may be repeated. NAME=KEY "
        "writes NAME beside it.",
        default="those with most anomalous pixels",
    ),
]


def parse_metrics(text: str, sizes: ComponentSizes) -> list[Metric]:
    """Metrics by name, each once."""
    from mdmkit.metrics.registry import as_metric

    names = [name.strip() for name in text.split(",")]
    return [as_metric(name, sizes) for name in dict.fromkeys(names)]


def study_frames(
    folders: dict[str, str], truth: DataSet, labels: Labels, counting: Counting, quiet: bool
) -> Study:
    """Count pixels and keep at hand where the frames are."""
    from mdmkit.comparison.study import study_methods

    how: Json = counting.of(folders) | labels.given()
    how |= {"min_prediction": 0, "min_target": 0, "aggregate": "pooled"}
    with progress_bars(quiet) as progress:
        study = study_methods(folders, "best_f1", dataset=truth, progress=progress, **how)
    note_remarks(study.comparison.remarks, quiet)
    return study


def named(method: str, normalizer: str) -> str:
    """A method's name in a figure of thresholds, which says how its scores were normalised."""
    return method if normalizer == "none" else f"{method} ({normalizer})"


def common_normalizer(kinds: Mapping[str, str]) -> str:
    """What all methods were normalised by, which an axis says once; "" where nothing or several."""
    used = set(kinds.values()) - {"none"}
    return used.pop() if len(set(kinds.values())) == len(used) == 1 else ""


def parse_frames(items: list[str], known: Collection[str]) -> dict[str, str]:
    """The name of each frame's row, by key, from NAME=KEY; empty for a key alone."""
    rows: dict[str, str] = {}
    for item in items:
        name, sign, key = item.partition("=")
        if not sign or item in known:
            name, key = "", item
        if key in rows:
            raise InputError(f"expected each frame once, found {key!r} again", argument="frame")
        rows[key] = name
    return rows


def row_names(keys: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """Text beside each frame: the given name, else the last part of its key."""
    short = [key.rpartition("/")[2] for key in keys]
    names = short if len(set(short)) == len(keys) else keys
    found = {key: given.get(key) or name for key, name in zip(keys, names, strict=True)}
    if len(set(found.values())) < len(found):
        raise InputError(f"expected a name each, found {list(found.values())}", argument="frame")
    return found


def left_out(pairing: Pairing) -> str:
    """Note how many frames a figure does not show."""
    return f"{len(pairing.left_out)} frames left out that not every method has"


def finish(figure: Figure, output: Path, quiet: bool, pairing: Pairing | None = None) -> None:
    """Write a figure and say so, and how many frames it does not show."""
    from mdmkit.plots import save_figure

    if pairing and pairing.left_out:
        note(left_out(pairing), quiet)
    deliver_file(partial(save_figure, figure), output, quiet)
