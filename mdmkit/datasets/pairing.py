"""Pairing: frames of a data set with the score maps of every method."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mdmkit.core.arguments import as_choice, check_kind
from mdmkit.core.errors import InputError
from mdmkit.core.files import as_path
from mdmkit.datasets import keys, roadanomaly
from mdmkit.datasets.dataset import DataSet, FrameFiles
from mdmkit.datasets.inverted import as_inverted, check_inverted
from mdmkit.datasets.missing import Targets, what_is_missing
from mdmkit.io.formats import mask_suffixes, score_suffixes
from mdmkit.io.images import IMAGE_SUFFIXES
from mdmkit.io.resize import check_resize


@dataclass(frozen=True)
class Pairing:
    """Holds the frames that every method has, by key.

    Attributes
    ----------
    targets : mapping of Path, AllNormal or RegionMasks
        Ground truth of each frame, in order of key; see `mdmkit.io.read_mask`.
    scores : dict of dict of Path
        For each method, the score map of each frame.
    left_out : tuple of str
        Keys that were skipped on request.
    folders : dict of Path
        For each method, the folder below which the keys of its frames begin.
    resize, score_ending, inverted
        As in `DataSet`.

    See Also
    --------
    pair : makes one.

    Examples
    --------
    >>> Pairing({"a": Path("masks/a.png")}, {"mine": {"a": Path("mine/a.npy")}}, ()).left_out
    ()
    """

    targets: Targets
    scores: dict[str, dict[str, Path]]
    left_out: tuple[str, ...]
    folders: dict[str, Path] = field(default_factory=dict)
    resize: str | None = None
    score_ending: str = ""
    inverted: frozenset[str] = frozenset()


def check_missing(missing: object) -> None:
    """Refuse all but "error" and "skip".

    Parameters
    ----------
    missing : object

    Raises
    ------
    InputError
        For any other value.

    Examples
    --------
    >>> check_missing("skip")
    """
    as_choice(missing, ("error", "skip"), "missing")


def find_targets(target: str | Path) -> dict[str, Path]:
    """Find masks of a folder by key; the RoadAnomaly layout is understood.

    Parameters
    ----------
    target : path

    Returns
    -------
    dict of Path
        By key, the path below the folder without suffix.

    Raises
    ------
    InputError
        No such folder, nothing in it, two files of one key.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "night").mkdir()
    ...     (Path(folder) / "night" / "a.png").touch()
    ...     list(find_targets(folder))
    ['night/a']
    """
    root = keys.existing_folder(target, "target")
    return roadanomaly.published_masks(root) or keys.files_by_key(root, mask_suffixes(), "target")


def find_images(images: str | Path) -> dict[str, Path]:
    """Find images of a folder by key; of the RoadAnomaly layout, those beside the labels.

    Parameters
    ----------
    images : path

    Returns
    -------
    dict of Path

    Raises
    ------
    InputError
        As `find_targets`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "a.webp").touch()
    ...     list(find_images(folder))
    ['a']
    """
    root = keys.existing_folder(images, "images")
    return roadanomaly.published_images(root) or keys.files_by_key(root, IMAGE_SUFFIXES, "images")


def from_folders(
    target: str | Path,
    images: str | Path | None = None,
    *,
    score_ending: str = "",
    resize: str | None = None,
    invert: str | Collection[str] = (),
) -> DataSet:
    """Make a data set of a folder of masks, and perhaps one of images.

    Images beside the masks of the RoadAnomaly layout are found without being named.

    Parameters
    ----------
    target : path
        Folder of masks.
    images : path, optional
        Folder of images, under the same keys.
    score_ending, resize
        As in `DataSet`.
    invert : str or collection of str
        Methods of whose scores higher means normal.

    Returns
    -------
    DataSet
        Without a name; label codes and sizes are the usual ones.

    Raises
    ------
    InputError
        If there are no masks, or the images are of other frames.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "a.png").touch()
    ...     from_folders(folder).frames["a"].image is None
    True
    """
    masks = find_targets(target)
    root = as_path(target, "target")
    pictures = roadanomaly.published_images(root) or {}
    if images is not None:
        pictures = find_images(images)
        if not pictures.keys() & masks.keys():
            raise InputError(
                f"expected images of the frames of {target} in {images}, found none in "
                f"common (masks are named like {next(iter(masks))!r}, "
                f"images like {next(iter(pictures))!r})",
                argument="images",
            )
    frames = {key: FrameFiles(masks[key], pictures.get(key)) for key in sorted(masks)}
    published = roadanomaly.published_masks(root) is not None
    return DataSet(
        "",
        root,
        root.name,
        frames,
        recognised=f"roadanomaly:{root}" if published else "",
        score_ending=score_ending,
        resize=check_resize(resize),
        inverted=as_inverted(invert),
    )


def find_scores(method: str, scores: str | Path, ending: str = "") -> dict[str, Path]:
    """Find score maps of a folder by key.

    Parameters
    ----------
    method : str
        Its name, for error messages.
    scores : path
    ending : str
        Text between a frame's name and the suffix, as `_score`.

    Returns
    -------
    dict of Path

    Raises
    ------
    InputError
        No such folder, nothing in it, two files of one key.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / "a.npy").touch()
    ...     list(find_scores("mine", folder))
    ['a']
    """
    root = keys.existing_folder(scores, method)
    return keys.files_by_key(root, score_suffixes(), method, ending)


def find_scores_of(
    method: str, scores: str | Path, targets: Iterable[str], ending: str = ""
) -> tuple[Path, dict[str, Path]]:
    """The folder where a method's score maps of these frames lie, and the score maps by key.

    SegmentMeIfYouCan's tools write `anomaly_p/METHOD/DATASET/FRAME.hdf5`: where none of the score
    maps is of one of the frames, but those in one folder below are, it is that folder.
    """
    wanted = set(targets)
    root, paths = as_path(scores, method), paired(find_scores(method, scores, ending), wanted)
    if wanted & paths.keys():
        return root, paths
    below: dict[str, dict[str, Path]] = {}
    for key, path in paths.items():
        folder, slash, rest = key.partition("/")
        if slash:
            below.setdefault(folder, {})[rest] = path
    below = {folder: paired(found, wanted) for folder, found in below.items()}
    fitting = [folder for folder, found in below.items() if wanted & found.keys()]
    if len(fitting) > 1:
        raise InputError(
            f"{method}: expected score maps of one data set in {root}, found frames of it in "
            f"{', '.join(fitting)}; choose one: {method}={root / fitting[0]}"
        )
    return (root / fitting[0], below[fitting[0]]) if fitting else (root, paths)


def paired(found: dict[str, Path], wanted: Collection[str]) -> dict[str, Path]:
    """Files by the keys of their partners, of which they may be spelled a little differently."""

    def key_for(key: str) -> str:
        if key in wanted:
            return key
        return next((k for k in _spellings(key) if k in wanted and k not in found), key)

    return {key_for(key): path for key, path in found.items()}


def _spellings(key: str) -> Iterator[str]:
    """Keys that may be meant: without an image's suffix (`a.jpg.npz`), and without a split."""
    stem, dot, suffix = key.rpartition(".")
    for name in [key, stem] if dot and f".{suffix.lower()}" in IMAGE_SUFFIXES else [key]:
        yield name
        parts = name.split("/")
        for place, part in enumerate(parts[:-1]):
            if part in _SPLITS:
                yield "/".join(parts[:place] + parts[place + 1 :])


#: Folders of a split, which some tools repeat in the paths of score maps.
_SPLITS = ("test", "test_public")


def pair(
    methods: Mapping[str, str | Path],
    target: str | Path | DataSet,
    missing: str = "error",
) -> Pairing:
    """Pair the score maps of several methods with the masks of a data set.

    Parameters
    ----------
    methods : mapping of str to path
        Folder of each method.
    target : path or DataSet
        Folder of masks, or a data set.
    missing : {"error", "skip"}
        What to do with frames that not every method has, or that have no mask: refuse, or keep
        the frames that are complete.

    Returns
    -------
    Pairing

    Raises
    ------
    InputError
        Frames that are not complete, listed; or none that is.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = Path(folder)
    ...     for name in ("masks/a.png", "masks/b.png", "mine/a.npy"):
    ...         (root / name).parent.mkdir(exist_ok=True)
    ...         (root / name).touch()
    ...     found = pair({"mine": root / "mine"}, root / "masks", missing="skip")
    >>> list(found.targets), found.left_out
    (['a'], ('b',))
    """
    check_kind(methods, (Mapping,), "methods")
    check_missing(missing)
    dataset = target if isinstance(target, DataSet) else None
    inverted = dataset.inverted if dataset else frozenset()
    check_inverted(inverted, methods)
    score_ending = dataset.score_ending if dataset else ""
    targets: Targets = find_targets(target) if not isinstance(target, DataSet) else target.targets
    targets = _renamed_targets(targets, methods, score_ending)
    found = {
        name: find_scores_of(name, path, targets, score_ending) for name, path in methods.items()
    }
    aside = dataset.aside if dataset else frozenset()
    scores = {
        name: {key: path for key, path in paths.items() if key not in aside}
        for name, (_, paths) in found.items()
    }
    common = set(targets).intersection(*scores.values())
    left_out = set(targets).union(*scores.values()) - common
    if left_out and missing == "error":
        raise InputError("\n".join(what_is_missing(targets, scores, dataset)))
    if not common:
        raise InputError(
            f"expected frames of {', '.join(scores)} in {target}, found none in common "
            f"(masks are named like {next(iter(targets))!r}, "
            f"score maps like {next(iter(next(iter(scores.values()))))!r})",
            argument="target",
        )
    shared = sorted(common)
    return Pairing(
        {key: targets[key] for key in shared},
        {name: {key: paths[key] for key in shared} for name, paths in scores.items()},
        tuple(sorted(left_out)),
        {name: folder for name, (folder, _) in found.items()},
        dataset.resize if dataset else None,
        score_ending,
        inverted,
    )


def _renamed_targets(
    targets: Targets, methods: Mapping[str, str | Path], score_ending: str
) -> Targets:
    """Masks under the keys of score maps, where they are named as images are."""
    if not any(Path(key).suffix.lower() in IMAGE_SUFFIXES for key in targets):
        return targets
    wanted = {
        key for name, path in methods.items() for key in find_scores(name, path, score_ending)
    }
    return paired(dict(targets), wanted)  # type: ignore[arg-type]
