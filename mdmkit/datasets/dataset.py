"""DataSet: the frames of a folder tree and how they are judged; Layout: how such a tree looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, listing
from mdmkit.core.labels import LabelCodes
from mdmkit.datasets.keys import existing_folder
from mdmkit.io import AllNormal, RegionMasks, Target

#: Component sizes of SegmentMeIfYouCan's two tracks.
#: Where a data set says nothing about sizes, none is dropped.
EVERY_COMPONENT = ComponentSizes()
ANOMALY_TRACK = ComponentSizes(min_prediction=500, min_target=100)
OBSTACLE_TRACK = ComponentSizes(min_prediction=50, min_target=10)


@dataclass(frozen=True)
class FrameFiles:
    """Names the files of one frame.

    Attributes
    ----------
    mask : Path, RegionMasks or None
        Ground truth; None means that all of the frame is normal.
    image : Path or None
        The picture. Without it the frame can be measured, but not drawn.

    Examples
    --------
    >>> FrameFiles(Path("masks/a.png")).image is None
    True
    """

    mask: Path | RegionMasks | None
    image: Path | None = None


@dataclass(frozen=True)
class DataSet:
    """Holds labelled frames, with their labels, component sizes and aggregation.

    Attributes
    ----------
    name : str
        Name of its layout; empty for a plain folder of masks.
    root : Path
        The folder that holds it.
    title : str
        The data set's own name.
    frames : mapping of str to FrameFiles
        The labelled frames by key, in order.
    codes : LabelCodes
        The meaning of label values.
    sizes : ComponentSizes
        Component sizes of its benchmark.
    aggregate : {"pooled", "per_image"}
        The aggregation of its benchmark.
    notes : tuple of str
        Remarks for users of its numbers.
    unlabelled : frozenset of str
        Keys of frames without ground truth.
    only_labelled : str
        Says in words which frames have ground truth, where not all have.
    aside : frozenset of str
        Keys of its frames that were not asked for; their score maps may be there, too.
    labelled : str
        A pattern of the keys of labelled frames, as `validation*`.
    normal_frames : bool
        Whether frames that show nothing anomalous belong to it.
    recognised : str
        Of a plain folder, "LAYOUT:ROOT" of the data set that it looks like.
    score_ending : str
        Text between a frame's key and the suffix in names of score maps, as `_score`.
    resize : {"bilinear", "nearest"}, optional
        Interpolation that brings score maps of another size to that of their mask; without it
        they are refused.
    inverted : frozenset of str
        Methods of whose scores higher means normal: 1 - score is judged.
    groups : mapping of str to str
        The group of each frame, as a category of products; empty where there are none.

    See Also
    --------
    open_dataset : opens one by layout and root.

    Examples
    --------
    >>> frames = {"a": FrameFiles(Path("masks/a.png"), Path("images/a.jpg"))}
    >>> dataset = DataSet("mine", Path("."), "My set", frames, codes=LabelCodes(0, (2, 3), None))
    >>> str(dataset), list(dataset.images), str(dataset.codes)
    ('mine:.', ['a'], '0 (normal), 2-3 (anomaly)')
    """

    name: str
    root: Path
    title: str
    frames: Mapping[str, FrameFiles] = field(default_factory=dict)
    codes: LabelCodes = LabelCodes()  # noqa: RUF009  (immutable)
    sizes: ComponentSizes = EVERY_COMPONENT
    aggregate: str = "pooled"
    notes: tuple[str, ...] = ()
    unlabelled: frozenset[str] = frozenset()
    only_labelled: str = ""
    aside: frozenset[str] = frozenset()
    labelled: str = ""
    normal_frames: bool = False
    recognised: str = ""
    score_ending: str = ""
    resize: str | None = None
    inverted: frozenset[str] = frozenset()
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def targets(self) -> dict[str, Target]:
        """Ground truth of each frame, as `read_mask` takes it."""
        return {key: self._target(files) for key, files in self.frames.items()}

    @property
    def images(self) -> dict[str, Path]:
        """Images of the frames that have one."""
        return {key: files.image for key, files in self.frames.items() if files.image}

    def _target(self, files: FrameFiles) -> Target:
        if files.mask is not None:
            return files.mask
        assert files.image is not None
        assert isinstance(self.codes.normal_label, tuple)
        return AllNormal(files.image, self.codes.normal_label[0])

    def __str__(self) -> str:
        return f"{self.name}:{self.root}" if self.name else str(self.root)

    def __repr__(self) -> str:
        return f"DataSet({str(self)!r}, {len(self.frames)} frames)"


@dataclass(frozen=True)
class Layout:
    """Describes the folder tree of a data set, and the labels and sizes by which it is judged.

    Parameters
    ----------
    name : str
        The name in `--dataset NAME:ROOT`.
    title : str
        The data set's own name.
    tree : str
        A drawing of the folders below ROOT.
    find : callable
        Given a `DataSet` without frames, the same with them (`dataclasses.replace`), and with
        whatever else depends on what lies at its root; without frames if the root looks otherwise.
    codes, sizes, aggregate, notes, only_labelled, labelled, normal_frames
        As in `DataSet`.

    Examples
    --------
    >>> from mdmkit.datasets import layout
    >>> obstacles = layout("smiyc-obstacle")
    >>> obstacles.title, str(obstacles.sizes)
    ('SegmentMeIfYouCan RoadObstacle21', 'min_prediction=50, min_target=10')
    """

    name: str
    title: str
    tree: str
    find: Callable[[DataSet], DataSet]
    codes: LabelCodes = LabelCodes()  # noqa: RUF009  (immutable)
    sizes: ComponentSizes = EVERY_COMPONENT
    aggregate: str = "pooled"
    notes: tuple[str, ...] = ()
    only_labelled: str = ""
    labelled: str = ""
    normal_frames: bool = False

    def open(self, root: str | Path) -> DataSet:
        """The data set at `root`.

        Raises
        ------
        InputError
            If the root looks otherwise, or a labelled frame lacks what it must have.
        """
        found = self.find(self.at(existing_folder(root, "dataset")))
        if not found.frames:
            raise InputError(self.expected(found.root), argument="dataset")
        return found

    def at(self, root: Path) -> DataSet:
        """The data set at `root` before its frames are looked for."""
        shared = {each.name for each in fields(self)} & {each.name for each in fields(DataSet)}
        return DataSet(root=root, **{name: getattr(self, name) for name in shared})

    def expected(self, root: Path) -> str:
        """Compose the message that `root` looks otherwise."""
        drawing = "\n".join(f"  {line}" for line in self.tree.splitlines())
        entries = sorted(entry.name for entry in root.iterdir()) if root.is_dir() else []
        found = listing(entries, most=8) if entries else "  nothing"
        return f"expected {self.title} at {root}:\n{drawing}\nfound there:\n{found}"
