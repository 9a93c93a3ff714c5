"""Comparison: the results of several methods on the same frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mdmkit.comparison.data import ComparisonData
from mdmkit.comparison.differences import check_against, with_confidence
from mdmkit.comparison.records import record_of
from mdmkit.comparison.table import view_of
from mdmkit.core.arguments import check_kind
from mdmkit.core.errors import InputError
from mdmkit.core.records import Json
from mdmkit.tables.forms import Tabular
from mdmkit.tables.table import View

if TYPE_CHECKING:
    from mdmkit.uncertainty.resampling import Bootstrap


@dataclass(frozen=True)
class Comparison(ComparisonData, Tabular):
    """Holds the results of several methods on the same frames.

    Attributes
    ----------
    results : tuple of Result
        One per method, in the order given.
    measures : tuple of Measure
        The measures asked for, in the order of the table's columns.
    settings : dict
        All options, label codes and versions.
    published : PublishedTable or None
        Printed rows that tables show below.
    auxiliary : frozenset of str
        Methods that use auxiliary data.
    bootstrap : Bootstrap or None
        The same numbers on resampled frames: tables then show intervals and differences.
    against : str or None
        The method that differences are computed from; None: the best method of each measure.

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

    @property
    def remarks(self) -> tuple[str, ...]:
        """Masks and scores that look like mistakes, kept in the settings."""
        return tuple(self.settings.get("remarks", ()))

    def remarked(self, others: Iterable[str] = ()) -> Comparison:
        """The same with remarks in its settings: others, and those on each method's scores."""
        own = (f"{result.method}: {text}" for result in self.results for text in result.remarks)
        remarks = [*others, *own]
        settings = {name: value for name, value in self.settings.items() if name != "remarks"}
        settings |= {"remarks": remarks} if remarks else {}
        return replace(self, settings=settings)

    def to_dict(self) -> Json:
        """`{"settings": {...}, "rows": [...]}`, ready for JSON: fractions, undefined as None.

        Printed rows stand apart under "published".
        """
        return record_of(self)

    def view(self) -> View:
        """The content of the tables, before any form is chosen."""
        return view_of(self)

    def with_bootstrap(self, found: Bootstrap, against: str | None = None) -> Comparison:
        """Add intervals and differences of numbers that `bootstrap` resampled.

        Raises
        ------
        InputError
            If `found` lacks a method, or `against` is none.
        """
        from mdmkit.uncertainty.resampling import Bootstrap

        check_kind(found, (Bootstrap,), "found")
        methods = [result.method for result in self.results]
        check_against(against, methods)
        missing = [name for name in methods if name not in found.replicates]
        if missing:
            raise InputError(
                f"expected the methods {', '.join(methods)}, found none of {', '.join(missing)}",
                argument="found",
            )
        other = [
            f"{result.method} by {found.normalize[result.method]}, here by {result.normalize}"
            for result in self.results
            if found.normalize.get(result.method, result.normalize) != result.normalize
        ]
        if other:
            raise InputError(
                f"expected methods that are normalised as here, found {'; '.join(other)}",
                argument="found",
            )
        results = tuple(with_confidence(result, found) for result in self.results)
        return replace(self, results=results, bootstrap=found, against=against)
