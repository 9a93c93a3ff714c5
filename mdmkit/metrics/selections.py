"""Measures by size, by place and by groups of frames: `--by size=0,300,3000,inf`."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

from mdmkit.core.arguments import check_that
from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.distribution import mean_where_defined
from mdmkit.core.errors import InputError, listing
from mdmkit.core.files import read_text
from mdmkit.core.margin import Margin
from mdmkit.core.number import Number
from mdmkit.core.transforms import FrameGroup, ImageScore
from mdmkit.metrics.measures import Measure
from mdmkit.metrics.names import parse_measures
from mdmkit.metrics.region_measures import TargetCount
from mdmkit.metrics.transformed import Through, in_bin
from mdmkit.statistics.kinds import Statistic, of_images
from mdmkit.statistics.target_bins import PROPERTIES, TargetBin

if TYPE_CHECKING:
    from typing import TypeGuard

    from mdmkit.metrics.normalized_totals import NormalizedTotals

Selection = TargetBin | FrameGroup
FOLDER = "folder"
_EXPECTED = f"{'=A,B,..., '.join(PROPERTIES)}=A,B,..., {FOLDER} or {FOLDER}=N, or TABLE.csv:COLUMN"


@dataclass(frozen=True)
class GroupMean(Measure):
    """`NAME@COLUMN=mean`: the mean of a measure over groups of frames where it is defined."""

    groups: tuple[Through, ...]
    key: str = field(init=False)

    def __post_init__(self) -> None:
        first = self.groups[0]
        assert isinstance(first.change, FrameGroup)
        object.__setattr__(self, "key", f"{first.measure.key}@{first.change.column}=mean")
        for trait in ("higher_is_better", "on_scale", "rates"):
            object.__setattr__(self, trait, getattr(first, trait))

    @property
    def in_bins(self) -> GroupMean:
        return GroupMean(tuple(replace(one, measure=one.measure.in_bins) for one in self.groups))

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        return tuple(dict.fromkeys(s for group in self.groups for s in group.statistics))

    def compute(self, totals: NormalizedTotals) -> Number:
        """The mean; exact where each group's number is."""
        numbers = [group.compute(totals) for group in self.groups]
        value = mean_where_defined(map(float, numbers))
        exact = all(n.value is None or n.bracket == (n.value, n.value) for n in numbers)
        mean = Number.exact(value) if exact else Number(value)
        return mean_of(numbers, mean)


def mean_of(numbers: Iterable[Number], mean: Number) -> Number:
    """The mean of some numbers as one of their kind: of margins with the highest trivial level.

    So it is marked where one group is passed by doing nothing.
    """
    margins: list[Number] = [number for number in numbers if isinstance(number, Margin)]
    if not margins:
        return mean
    levels = [margin.trivial for margin in margins if margin.trivial is not None]
    return replace(
        margins[0],
        value=mean.value,
        bracket=mean.bracket,
        interval=None,
        threshold=None,
        resolution=None,
        images=mean.images,
        trivial=max(levels, default=None),
    )


def is_count(measure: Measure) -> bool:
    """Whether a measure is a number of components, which stands in titles."""
    return isinstance(measure.measure if isinstance(measure, Through) else measure, TargetCount)


def selections_of(by: str, keys: Collection[str] = ()) -> tuple[Selection, ...]:
    """Holds the parts that `--by` asks for.

    Parameters
    ----------
    by : str
        `size=A,B,...`, `share=...` or `rows=...`: components in [A, B), [B, ...), ...; see
        `TargetBin`. `TABLE.csv:COLUMN`: frames with each value of a column of a table whose first
        column holds their keys. `folder` or `folder=N`: frames of each first (N-th) folder in
        their keys.
    keys : collection of str
        Those of all frames, for groups of frames.

    Raises
    ------
    InputError
        For anything else, edges that do not rise, and frames that the table does not know.

    Examples
    --------
    >>> [selection.name for selection in selections_of("size=0,300,inf")]
    ['size=0:300', 'size=300:inf']
    >>> [group.name for group in selections_of("folder", ["day/1", "day/2", "night/1"])]
    ['folder=day', 'folder=night']
    """
    name, sign, value = by.strip().partition("=")
    if name in PROPERTIES and sign:
        edges = [_edge(text, by) for text in value.split(",")]
        check_that(len(edges) > 1, f"at least two edges, as in {name}=0,300,inf", by, "by")
        try:
            return tuple(TargetBin(name, *ends) for ends in pairwise(edges))
        except InputError as error:
            raise InputError(f"{by!r}: {error}", argument="by") from None
    if name == FOLDER:
        return _groups(name, _folders(keys, value or "1", by), keys)
    table, colon, column = by.strip().rpartition(":")
    if colon and table.lower().endswith(".csv"):
        return _groups(column, _column(Path(table), column, keys), keys)
    raise InputError(f"expected {_EXPECTED}; found {by!r}", argument="by")


def _edge(text: str, by: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"expected numbers between commas in {by!r}, found {text!r}", argument="by"
        ) from None


def _folders(keys: Collection[str], level: str, by: str) -> dict[str, str]:
    """The folder of each key at a level, from 1."""
    whole = level.isdigit() and int(level) >= 1
    check_that(whole, "folder or folder=N with N >= 1", by, "by")
    parts = {key: key.split("/")[:-1] for key in keys}
    flat = [key for key, folders in parts.items() if len(folders) < int(level)]
    if flat:
        raise InputError(
            f"expected frames in {level} folder(s) or more below the root, found\n{listing(flat)}",
            argument="by",
        )
    return {key: folders[int(level) - 1] for key, folders in parts.items()}


def _column(path: Path, column: str, keys: Collection[str]) -> dict[str, str]:
    """The value of each frame in a table."""
    try:
        reader = csv.DictReader(StringIO(read_text(path), newline=""))
        names, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"expected a table of frames, found {path}: {error}", argument="by"
        ) from None
    if column not in names[1:]:
        raise InputError(
            f"expected a column of {path} among {', '.join(names[1:]) or 'none'}, found {column!r}",
            argument="by",
        )
    values: dict[str, str] = {}
    for row in rows:
        key = normalize("NFC", row[names[0]] or "")  # as all keys are
        if key in values and values[key] != row[column]:
            raise InputError(
                f"expected one row per frame in {path}, found {key} twice", argument="by"
            )
        values[key] = row[column]
    unknown = [key for key in keys if not values.get(key)]
    if unknown:
        raise InputError(
            f"expected a {column} for every frame in {path}, whose first column, "
            f"{names[0]}, holds their keys; found none for\n{listing(unknown)}",
            argument="by",
        )
    return values


def _groups(column: str, values: dict[str, str], keys: Collection[str]) -> tuple[FrameGroup, ...]:
    groups: dict[str, set[str]] = {}
    for key in keys:
        groups.setdefault(values[key], set()).add(key)
    return tuple(
        FrameGroup(column, value, frozenset(names)) for value, names in sorted(groups.items())
    )


def with_selections(
    measures: Iterable[Measure], selections: Sequence[Selection], sizes: ComponentSizes
) -> tuple[Measure, ...]:
    """The measures, and each of them by each selection, with the number of components.

    Measures of images are not divided by size or place, and none twice.
    """
    whole = tuple(measures)
    found = {measure.key: measure for measure in whole}
    for measure in (*whole, TargetCount(sizes)):
        if isinstance(measure, Through) and measure.change.selects:
            continue
        parts = [_selected(measure, selection) for selection in selections]
        groups = tuple(
            part for part in parts if part is not None and isinstance(part.change, FrameGroup)
        )
        for part in parts:
            if part is not None:
                found.setdefault(part.key, part)
        if groups and not isinstance(measure, TargetCount):
            mean = GroupMean(groups)
            found.setdefault(mean.key, mean)
    return tuple(found.values())


def measures_by(
    metrics: str | Iterable[str | Measure] | None,
    by: str | Iterable[str],
    *,
    sizes: ComponentSizes | None = None,
    keys: Collection[str] = (),
) -> tuple[Measure, ...]:
    """Measures, and each of them by size, by place or by group of frames.

    Parameters
    ----------
    metrics : str, iterable of str or Measure, or None
        As in `compare`.
    by : str or iterable of str
        As `--by` takes them; see `selections_of`.
    sizes : ComponentSizes, optional
        Of component metrics given by name; 0 / 0 by default.
    keys : collection of str
        Keys of all frames, for groups of frames.

    Returns
    -------
    tuple of Measure

    Raises
    ------
    InputError
        Unknown measures, and what `selections_of` refuses.

    Examples
    --------
    >>> from mdmkit import evaluate
    >>> result = evaluate([([[0.9, 0.2, 0.4]], [[1, 0, 1]])], measures_by("ap", "size=0,2,inf"))
    >>> result["ap@size=0:2"], result["components@size=0:2"], result["components@size=2:inf"]
    (1.0, 2, 0)
    """
    sizes = sizes or ComponentSizes()
    texts = [by] if isinstance(by, str) else list(by)
    selections = [selection for text in texts for selection in selections_of(text, keys)]
    return with_selections(parse_measures(metrics, sizes), selections, sizes)


def with_image_score(
    metrics: str | Iterable[str | Measure] | None, image_score: str | None
) -> str | Iterable[str | Measure] | None:
    """Names of measures of images with the score of an image spelled out, where they name none.

    Raises
    ------
    InputError
        An unknown score; or no measure of images that it could be for.

    Examples
    --------
    >>> with_image_score("ap, image_auroc", "mean-top:1%")
    ['ap', 'image_auroc@score=mean-top:1%']
    """
    if image_score is None:
        return metrics
    score = ImageScore(image_score)
    names = metrics.split(",") if isinstance(metrics, str) else list(metrics or ())
    asked = [name.strip() if isinstance(name, str) else name for name in names]
    if not any(map(_of_images, asked)):
        raise InputError(
            "expected a measure of images with it, as image_auroc, found none",
            argument="image_score",
        )
    return [f"{n}@score={score.kind}" if _of_images(n) and "@score=" not in n else n for n in asked]


def _of_images(name: str | Measure) -> TypeGuard[str]:
    return isinstance(name, str) and name.lower().startswith("image_")


def _selected(measure: Measure, selection: Selection) -> Through | None:
    if isinstance(selection, TargetBin):
        if any(of_images(statistic) for statistic in measure.statistics):
            return None
        return in_bin(measure, selection)
    return Through(selection, measure, f"{measure.key}@{selection.name}")
