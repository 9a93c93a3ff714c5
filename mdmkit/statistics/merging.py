"""Merging: counts that are added up field by field, in any order with the same result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import reduce
from operator import add, itemgetter
from typing import Any, ClassVar, TypeVar

from mdmkit.core.named_arrays import AsArrays

M = TypeVar("M", bound="Merging")

#: How the values of a field become one, by the name of the field.
Joined = Mapping[str, Callable[[list[Any]], Any]]
#: Of a field that all parts share.
SHARED = itemgetter(0)


class Merging(AsArrays):
    """A dataclass of counts, of one set of frames or several.

    Statistics in its fields merge as they do by themselves, and numbers and arrays are added, but
    for the fields that `joined` names.
    """

    #: Of the fields that are not added.
    joined: ClassVar[Joined] = {}

    @classmethod
    def merged(cls: type[M], parts: Iterable[M]) -> M:
        """Counts of several sets of frames together."""
        several = list(parts)
        columns = {f.name: [getattr(part, f.name) for part in several] for f in fields(cls)}  # type: ignore[arg-type]
        together = {name: cls.joined.get(name, _added)(own) for name, own in columns.items()}
        return cls(**together)


def _added(values: list[Any]) -> Any:
    kind: Any = type(values[0])
    return kind.merged(values) if issubclass(kind, AsArrays) else reduce(add, values)
