"""compare(): the numbers of several methods on the same frames."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mdmkit.comparison.planning import plan_comparison
from mdmkit.comparison.result import Comparison
from mdmkit.core.arguments import check_options
from mdmkit.core.errors import InputError
from mdmkit.core.files import as_path
from mdmkit.core.progress import Bar
from mdmkit.evaluation.frame_set import FRAME_OPTIONS, FrameOptions
from mdmkit.metrics.measures import Measure
from mdmkit.statistics.accumulator import DEFAULT_MEMORY

if TYPE_CHECKING:
    from typing_extensions import Unpack


def compare(
    methods: Mapping[str, object],
    target: object = None,
    metrics: str | Iterable[str | Measure] | None = None,
    *,
    normalize: str | Mapping[str, str] | None = "none",
    protocol: str = "exact",
    published: str | None = None,
    auxiliary: Collection[str] = (),
    jobs: int = 1,
    scheduler: object = None,
    memory: int = DEFAULT_MEMORY,
    counts: str | Path | None = None,
    progress: Bar | None = None,
    **frames: Unpack[FrameOptions],
) -> Comparison:
    """Compare the score maps of several methods on the same frames.

    Parameters
    ----------
    methods : mapping of str to path, or to iterables of frames
        With a folder of masks or `dataset`: each method's folder of score maps. Without: frames
        as in `evaluate`; with `target` arrays: score maps as there.
    target : path, or arrays, optional
        Folder of ground-truth masks; the RoadAnomaly layout is understood. Frames pair by their
        path below the folder, without suffix. Or targets of score maps that are arrays.
    metrics, protocol
        As in `evaluate`.
    published : str, optional
        Name of a printed table (`published_names()`), whose rows tables show below, marked as
        published. It does not enter the results.
    auxiliary : collection of str
        Methods that were trained with auxiliary data; tables then have such a column.
    normalize : str, or mapping of method to str
        Normaliser of all methods, or of some (the others: "none").
    jobs : int
        Threads over frames; the result is the same to the last bit.
    scheduler : str or distributed.Client, optional
        A Dask cluster, by the address of its scheduler or a client, whose workers go through the
        frames in place of threads: the same bits. They must see files under the same paths.
    memory : int
        Bytes that the statistics of one method may take; see `evaluate`. Files are read again
        where that makes numbers exact.
    counts : path, optional
        A folder in which counts are kept: a run that was stopped anywhere goes on with the same
        call, and gives the same bits. Frames whose files have changed since, by size or time of
        change, are counted anew. For files, not for arrays.
    progress : callable, optional
        `progress(method, frames)` returns a function that is called after each frame.
    **frames
        Which frames, and what they are judged by; see `FrameSet.of`. `dataset`: `"LAYOUT:ROOT"`,
        as `"smiyc-anomaly:FOLDER"`, instead of `target`, which sets labels, component sizes and
        aggregation. `min_prediction`, `min_target`, `aggregate`, `anomaly_label`, `normal_label`,
        `ignore_index`: unless given, the data set's, else as in `evaluate`. `missing`: "error", or
        "skip" to leave out (and count in the settings) frames that not every method has. `key`:
        array of `.npz` archives, or data set of HDF5 files. `score_ending`: what score maps have
        between a frame's name and the suffix. `resize`: "bilinear" or "nearest" brings score maps
        of another size to that of their masks. `invert`: methods of whose scores higher means
        normal, as confidences: 1 - score is judged. `by`: every number once more by parts, as
        "size=0,300,inf", "folder" or "TABLE.csv:COLUMN", or several of them. `image_score`: score
        of an image as a whole, "max", "mean-top:K" or "mean-top:P%".

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        As `evaluate`; and listing the frames that are missing, surplus or cannot be used.

    Notes
    -----
    Anomaly is the positive class; a pixel is predicted where score > z. Each method costs what
    `evaluate` costs; files are read twice where scores do not fit into `memory`.

    Examples
    --------
    >>> from mdmkit import compare
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> compare({"mine": frames}, metrics="ap,mdm_f1@0.5")["mine"]["ap"]
    1.0
    """
    check_options(compare, frames, FRAME_OPTIONS)
    planned = plan_comparison(
        methods,
        target,
        metrics,
        normalize=normalize,
        protocol=protocol,
        published=published,
        auxiliary=auxiliary,
        jobs=jobs,
        memory=memory,
        **frames,
    )
    if counts is None:
        planned.methods.run(jobs, progress, scheduler, planned.finish)
    elif scheduler is not None:
        raise InputError(
            "expected none beside a scheduler, which counts what it lost anew; found both",
            argument="counts",
        )
    else:
        from mdmkit.comparison.checkpoints.sharding import keep_counts

        keep_counts(planned, as_path(counts, "counts"), jobs=jobs, progress=progress)
    return planned.comparison()
