"""ComparisonData: what is known of several methods on the same frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mdmkit.comparison.published import PublishedTable
from mdmkit.core.records import Json
from mdmkit.evaluation.result import Result
from mdmkit.metrics.measures import Measure

if TYPE_CHECKING:
    from mdmkit.core.number import Number
    from mdmkit.uncertainty.resampling import Bootstrap


@dataclass(frozen=True)
class ComparisonData:
    """The fields of a `Comparison`, which tables and records are made of."""

    results: tuple[Result, ...]
    measures: tuple[Measure, ...]
    settings: Json
    published: PublishedTable | None = None
    auxiliary: frozenset[str] = frozenset()
    bootstrap: Bootstrap | None = None
    against: str | None = None

    def __getitem__(self, method: str) -> Result:
        for result in self.results:
            if result.method == method:
                return result
        raise KeyError(method)

    def __iter__(self) -> Iterator[str]:
        """Over the names of its methods."""
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.results)

    def keys(self) -> tuple[str, ...]:
        """The names of its methods."""
        return tuple(result.method for result in self.results)

    def numbers(self, measure: Measure) -> list[Number]:
        """The numbers of a measure, of all methods."""
        return [result.numbers[measure.key] for result in self.results]

    def uses_auxiliary(self, method: str) -> str | None:
        """Whether a method uses auxiliary data, "yes" or "no"; None where nobody asked."""
        if not (self.published or self.auxiliary):
            return None
        return "yes" if method in self.auxiliary else "no"
