"""Sharding: a comparison whose counts are kept in folders, by one machine or several."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mdmkit.comparison.checkpoints.chunks import (
    Checkpoint,
    Chunk,
    check_content,
    content_of,
    files_of,
)
from mdmkit.comparison.checkpoints.folder import (
    Manifest,
    Shard,
    checkpoint_of,
    open_state,
    reading,
    same_frames,
)
from mdmkit.comparison.checkpoints.source import Resumed
from mdmkit.comparison.planning import (
    Planned,
    check_auxiliary,
    comparison_of,
    plan_comparison,
    versions,
)
from mdmkit.comparison.published import published_table
from mdmkit.comparison.result import Comparison
from mdmkit.core.arguments import check_kind, check_options
from mdmkit.core.errors import InputError, inside, listing
from mdmkit.core.files import as_path
from mdmkit.core.frame import Frame
from mdmkit.core.labels import LabelCodes
from mdmkit.core.progress import Bar, Progress, begin
from mdmkit.core.records import Json
from mdmkit.datasets import DataSet, Pairing, open_dataset
from mdmkit.datasets.suspicion import LabelSurvey
from mdmkit.evaluation.evaluation import Evaluation
from mdmkit.evaluation.executors import check_jobs
from mdmkit.evaluation.frame_set import FRAME_OPTIONS
from mdmkit.evaluation.gathering import FIRST
from mdmkit.evaluation.methods import load_frame
from mdmkit.evaluation.result import Result
from mdmkit.evaluation.threads import Load, Threads
from mdmkit.io import source_files


def keep_counts(
    planned: Planned,
    state: Path,
    shard: Shard = Shard(),  # noqa: B008  (immutable)
    *,
    jobs: int = 1,
    progress: Bar | None = None,
) -> None:
    """Evaluate the methods of a comparison, or a share of their frames, into a state folder.

    Raises
    ------
    InputError
        As `compare`; if the frames are arrays, or the folder belongs to another comparison.
    """
    methods, jobs = planned.methods, check_jobs(jobs)
    if methods.pairing is None:
        raise InputError("expected folders of score maps, found arrays", argument="counts")
    pairing = methods.pairing
    names = ("methods", "target", "dataset", *_LABELS, "key", "resize", "invert")
    request = {name: planned.settings[name] for name in names} | {
        f"options of {name}": evaluation.options()
        for name, evaluation in methods.evaluations.items()
    }
    order = list(methods.evaluations)

    def count(name: str, evaluation: Evaluation, progress: Progress) -> None:
        files = {
            key: files_of(path, pairing.targets[key]) for key, path in pairing.scores[name].items()
        }
        wanted = shard.frames(len(files))
        if shard.of > 1 and evaluation.needs_fit:
            raise InputError(
                f"expected a normaliser that needs no look at all frames first, found "
                f"{evaluation.kind.name!r} with per-image numbers; count all frames at once",
                argument="shard",
            )
        frames = Threads(methods.loads[name], jobs)
        counted = Resumed(frames, files, checkpoint_of(state, order.index(name), spoilt), wanted)
        if shard.of == 1:
            evaluation.run(counted, again=True, progress=progress)
            planned.finish(evaluation)
        else:
            evaluation.prepare()
            evaluation.one_pass(counted, progress)

    with open_state(state, Manifest(request, planned.settings, shard, pairing)) as spoilt:
        methods.each(count, progress)
    if spoilt:
        planned.settings["remarks"] = [*planned.settings.get("remarks", ()), *spoilt]


#: Options of `compare` that are no options of frames.
_PLANNED = ("normalize", "protocol", "published", "auxiliary", "jobs", "memory")


def count_shard(
    methods: Mapping[str, Any],
    target: Any = None,
    metrics: Any = None,
    *,
    counts: str | Path,
    shard: str,
    progress: Bar | None = None,
    **options: Any,
) -> tuple[int, int]:
    """Count a share of the frames of a comparison; `merge_states` joins the shares.

    Parameters
    ----------
    methods, target, metrics, progress, **options
        As in `compare`.
    counts : path
        Folder of this share's counts; the same call goes on where it was stopped.
    shard : str
        "3/8": the third of eight shares, which all see the same frames in the same order.

    Returns
    -------
    (int, int)
        Frames of the share, and all frames.

    Raises
    ------
    InputError
        As `compare`; with `normalize="minmax"` or `"rank"` of per-image numbers, whose constants
        come from all frames.

    Examples
    --------
    Two frames on disk; each half could be counted on a machine of its own:

    >>> import os, tempfile
    >>> import numpy as np
    >>> from mdmkit import count_shard, merge_states
    >>> folder = tempfile.TemporaryDirectory()
    >>> masks, scores, *halves = (f"{folder.name}/{n}" for n in ("masks", "scores", "one", "two"))
    >>> for path in masks, scores:
    ...     os.mkdir(path)
    >>> for name, map in ("a", [[0.1, 0.6, 0.9]]), ("b", [[0.2, 0.4, 0.7]]):
    ...     np.save(f"{scores}/{name}.npy", map)
    ...     np.save(f"{masks}/{name}.npy", np.array([[0, 0, 1]], np.uint8))
    >>> count_shard({"mine": scores}, masks, "ap", counts=halves[0], shard="1/2")
    (1, 2)
    >>> count_shard({"mine": scores}, masks, "ap", counts=halves[1], shard="2/2")
    (1, 2)
    >>> merge_states(halves)["mine"]["ap"]
    1.0
    >>> folder.cleanup()
    """
    check_options(count_shard, options, [*FRAME_OPTIONS, *_PLANNED])
    share = Shard.parse(shard)
    planned = plan_comparison(methods, target, metrics, **options)
    keep_counts(
        planned, as_path(counts, "counts"), share, jobs=options.get("jobs", 1), progress=progress
    )
    frames = len(next(iter(planned.methods.loads.values())))
    return len(share.frames(frames)), frames


def merge_states(
    states: Sequence[str | Path],
    *,
    published: str | None = None,
    auxiliary: Collection[str] = (),
    jobs: int = 1,
    progress: Bar | None = None,
) -> Comparison:
    """Join what `compare` kept in several state folders into one comparison.

    Parameters
    ----------
    states : sequence of path
        Folders of all shares, or one of a whole comparison. They are left as they are.
    published, auxiliary, jobs, progress
        As in `compare`.

    Returns
    -------
    Comparison
        The same to the last bit as `compare` over all frames. Where it takes a second pass over
        the files to make numbers exact and they are not here, numbers carry brackets, and
        `settings["second_pass"]` says so.

    Raises
    ------
    InputError
        If the shares are not of one comparison, a frame is in none, or files changed since.

    Examples
    --------
    One folder of a whole comparison will do, so that its table is made again without the frames;
    `count_shard` has an example of shares:

    >>> import os, tempfile
    >>> import numpy as np
    >>> from mdmkit import compare, merge_states
    >>> folder = tempfile.TemporaryDirectory()
    >>> masks, scores, state = (f"{folder.name}/{n}" for n in ("masks", "scores", "state"))
    >>> for path in masks, scores:
    ...     os.mkdir(path)
    >>> np.save(f"{scores}/a.npy", [[0.1, 0.6, 0.9]])
    >>> np.save(f"{masks}/a.npy", np.array([[0, 0, 1]], np.uint8))
    >>> compared = compare({"mine": scores}, masks, "ap,mdm_f1@0.7", counts=state)
    >>> merge_states([state])["mine"].numbers == compared["mine"].numbers
    True
    >>> folder.cleanup()
    """
    check_kind(states, (Iterable,), "states")
    folders = []
    for state in states:
        check_kind(state, (str, Path), "states")
        folders.append(Path(state))
    if not folders:
        raise InputError("expected at least one folder, found none", argument="states")
    manifests = {folder: Manifest.read(folder) for folder in folders}
    if len(manifests) < len(folders):
        raise InputError("expected each folder once, found one again", argument="states")
    same_frames(manifests)
    jobs = check_jobs(jobs)
    printed = None if published is None else published_table(published)
    first = manifests[folders[0]]
    results: list[Result] = []
    far: list[str] = []
    with reading(folders):
        for number, name in enumerate(first.settings["methods"]):
            advance = begin(progress, name, len(first.pairing.targets))
            with inside(name):
                evaluation, contents = _joined(manifests, number, name, advance)
                if evaluation.look_closer():
                    loads = _loads(manifests, name, contents)
                    if loads is None:
                        far.append(name)
                        evaluation.forget_second_pass()
                    else:
                        evaluation.one_pass(Threads(loads, jobs))
                results.append(evaluation.finish())
    settings = {
        **first.settings,
        "published": published,
        "jobs": jobs,
        "versions": versions(),
        **({"second_pass": f"not made for {', '.join(far)}: files are not here"} if far else {}),
    }
    chosen = check_auxiliary(auxiliary, first.settings["methods"])
    found = comparison_of(results, evaluation.measures, settings, printed, chosen)
    normal = evaluation.counts.normal_frames
    return found.remarked(_remarks_on_masks(manifests.values(), progress) if normal else ())


def _remarks_on_masks(manifests: Iterable[Manifest], progress: Bar | None) -> list[str]:
    """Remarks on masks that look like mistakes, which are read where their files are here."""
    for manifest in manifests:
        targets, settings = manifest.pairing.targets, manifest.settings
        if all(path.exists() for mask in targets.values() for path in source_files(mask)):
            break
    else:
        return ["masks were not looked at for mistakes, as compare does: their files are not here"]
    dataset = _dataset_of(settings)
    if dataset is not None and dataset.normal_frames:
        return []
    survey = LabelSurvey(LabelCodes(*(settings[label] for label in _LABELS)), dataset)
    advance = begin(progress, "masks", len(targets))
    for key, mask in targets.items():
        survey.complete({key: mask})
        advance()
    return survey.remarks()


def _dataset_of(settings: Json) -> DataSet | None:
    """The data set of a known layout that was compared, if it is still there."""
    try:
        name = settings["dataset"]
        return open_dataset(f"{name}:{settings['target']}") if name else None
    except InputError:
        return None


def _joined(
    manifests: Mapping[Path, Manifest], number: int, name: str, progress: Progress
) -> tuple[Evaluation, dict[str, str]]:
    """The sum of a method's chunks, and the content of each frame."""
    chunks: list[tuple[Checkpoint, Chunk]] = []
    found: dict[str, Path] = {}
    for folder in manifests:
        checkpoint = checkpoint_of(folder, number)
        for chunk in checkpoint.chunks(None, FIRST):
            for frame in chunk.frames:
                if frame.key in found:
                    raise InputError(
                        f"expected each frame in one of them, found {frame.key} in "
                        f"{found[frame.key]} and {folder}",
                        argument="states",
                    )
                found[frame.key] = folder
            chunks.append((checkpoint, chunk))
    keys = next(iter(manifests.values())).pairing.scores[name]
    lacking = [key for key in keys if key not in found]
    if lacking:
        shards = ", ".join(f"{folder} is {m.shard}" for folder, m in manifests.items())
        raise InputError(
            f"expected all {len(keys)} frames, found none of the counts of {len(lacking)} "
            f"({shards}); run each share to its end\n{listing(lacking, most=5)}",
            argument="states",
        )
    foreign = [key for key in found if key not in keys]
    if foreign:
        raise InputError(
            f"expected the frames of the last run, found {len(foreign)} that were counted "
            f"before; run it to its end\n{listing(foreign, most=5)}",
            argument="states",
        )
    total: Evaluation | None = None
    contents: dict[str, str] = {}
    for checkpoint, chunk in chunks:
        part = checkpoint.load(chunk)
        assert part is not None  # a damaged one is an error here
        if total is None:
            total = part
        else:
            total.merge(part)
        for frame in chunk.frames:
            contents[frame.key] = frame.content
            progress()
    assert total is not None  # frames that are lacking were refused above
    return total, contents


def _loads(
    manifests: Mapping[Path, Manifest], name: str, contents: Mapping[str, str]
) -> list[Load] | None:
    """Make loaders that read the frames again, wherever the files are; None if one is missing."""
    loads: list[Load] = []
    for key in next(iter(manifests.values())).pairing.targets:
        here = next((m for m in manifests.values() if _is_here(m.pairing, name, key)), None)
        if here is None:
            return None
        settings, pairing = here.settings, here.pairing
        load = partial(
            load_frame,
            pairing.scores[name][key],
            pairing.targets[key],
            LabelCodes(*(settings[label] for label in _LABELS)),
            key,
            settings["key"],
            pairing.resize,
            name in pairing.inverted,
        )
        loads.append(partial(_checked, load, contents[key], key))
    return loads


def _is_here(pairing: Pairing, name: str, key: str) -> bool:
    """Whether the files of a frame still are where they were."""
    files = (pairing.scores[name][key], *source_files(pairing.targets[key]))
    return all(path.exists() for path in files)


_LABELS = ("normal_label", "anomaly_label", "ignore_index")


def _checked(load: Load, content: str, key: str) -> Frame:
    frame = load()
    check_content(content_of(frame), content, key)
    return frame
