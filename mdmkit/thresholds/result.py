"""Thresholds of several methods, on one set of frames and another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mdmkit.thresholds.transfer import Recommendation, Transfer


@dataclass(frozen=True)
class Thresholds:
    """Recommended thresholds of several methods; `thresholds["mine"]` is one of them.

    Attributes
    ----------
    methods : tuple of str
    recommendations : dict of Recommendation
        Of the methods that have a margin.
    transfers : dict of Transfer
        What they give on the second set; empty without one.
    without : dict of str
        Why the other methods have no threshold.
    settings : dict
        What was asked for, and on which frames.

    Examples
    --------
    >>> from mdmkit import choose_thresholds
    >>> found = choose_thresholds(
    ...     {
    ...         "sharp": [([[0.125, 0.25, 0.75]], [[0, 0, 1]])],
    ...         "blind": [([[0.5, 0.5, 0.25]], [[0, 0, 1]])],
    ...     },
    ...     t_margin=0.7,
    ... )
    >>> found["sharp"].threshold, sorted(found.without)
    (0.5, ['blind'])
    """

    methods: tuple[str, ...]
    recommendations: dict[str, Recommendation]
    transfers: dict[str, Transfer]
    without: dict[str, str]
    settings: dict[str, Any]

    def __getitem__(self, method: str) -> Recommendation:
        return self.recommendations[method]

    def to_dict(self) -> dict[str, Any]:
        """`{"settings": {...}, "rows": [...]}`, ready for JSON: fractions, undefined as None."""
        rows: list[dict[str, Any]] = []
        for method in self.methods:
            if method in self.without:
                rows.append({"method": method, "no_threshold": self.without[method]})
                continue
            row = self.recommendations[method].to_dict()
            if method in self.transfers:
                row["transfer"] = self.transfers[method].to_dict()
            rows.append(row)
        return {"settings": self.settings, "rows": rows}

    def to_text(self, form: str = "table") -> str:
        """As "table", "markdown", "csv", "json", "latex", "csv-long" or "json-long"."""
        from mdmkit.tables.forms import FORMATS, check_form
        from mdmkit.thresholds.table import view_of_thresholds

        return FORMATS[check_form(form)](view_of_thresholds(self))

    def __str__(self) -> str:
        return self.to_text()
