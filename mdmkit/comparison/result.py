"""Comparison: the results of several methods on the same frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mdmkit.comparison.differences import check_against, with_intervals
from mdmkit.comparison.published import PublishedTable
from mdmkit.core.errors import InputError
from mdmkit.evaluation.result import Result
from mdmkit.metrics.measures import Measure

if TYPE_CHECKING:
    from mdmkit.uncertainty.resampling import Bootstrap


@dataclass(frozen=True)
class Comparison:
    """Results of several methods on the same frames.

    Attributes
    ----------
    results : tuple of Result
        One a method, in the order given.
    measures : tuple of Measure
        What was asked for, in the order of the table's columns.
    settings : dict
        All options, label codes and versions.
    published : PublishedTable or None
        Printed rows that tables show below.
    auxiliary : frozenset of str
        Methods that use auxiliary data.
    bootstrap : Bootstrap or None
        The same numbers on resampled frames: tables then show intervals and leads.
    against : str or None
        Whose lead is shown; None: that of the best method of each measure.

    Examples
    --------
    >>> from mdmkit import compare
    >>> frames = [([[0.1, 0.2, 0.9]], [[0, 0, 1]])]
    >>> found = compare({"mine": frames, "other": frames}, metrics="ap,fpr95")
    >>> [result.method for result in found.results], found["other"]["fpr95"]
    (['mine', 'other'], 0.0)
    >>> found.to_text("csv").splitlines()[0].startswith("method,frames,pixels")
    True
    """

    results: tuple[Result, ...]
    measures: tuple[Measure, ...]
    settings: dict[str, Any]
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

    def to_dict(self) -> dict[str, Any]:
        """`{"settings": {...}, "rows": [...]}`, ready for JSON: fractions, undefined as None.

        Printed rows stand apart under "published".
        """
        rows = []
        for result in self.results:
            uses = self.uses_auxiliary(result.method)
            rows.append(result.to_dict() | ({"auxiliary": uses} if uses else {}))
        record = {"settings": self.settings, "rows": rows}
        if self.bootstrap:
            record |= with_intervals(self, rows)
        return record | {"published": self.published.to_dict()} if self.published else record

    def uses_auxiliary(self, method: str) -> str | None:
        """Whether a method uses auxiliary data, "yes" or "no"; None where nobody asked."""
        if not (self.published or self.auxiliary):
            return None
        return "yes" if method in self.auxiliary else "no"

    def with_bootstrap(self, found: Bootstrap, against: str | None = None) -> Comparison:
        """The same with intervals and leads, of numbers that `bootstrap` resampled.

        Raises
        ------
        InputError
            If `found` lacks a method, or `against` is none.
        """
        methods = [result.method for result in self.results]
        check_against(against, methods)
        missing = [name for name in methods if name not in found.replicates]
        if missing:
            raise InputError(
                f"bootstrap: expected the methods {', '.join(methods)}, found none of "
                f"{', '.join(missing)}"
            )
        return replace(self, bootstrap=found, against=against)

    def to_text(self, form: str = "table") -> str:
        """As "table", "markdown", "csv", "json", "latex", "csv-long" or "json-long"."""
        from mdmkit.tables.forms import render

        return render(self, form)

    def __str__(self) -> str:
        return self.to_text()
