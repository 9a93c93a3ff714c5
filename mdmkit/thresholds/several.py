"""RequiredThresholds: thresholds of several methods under the same requirements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mdmkit.core.component_sizes import ComponentSizes
from mdmkit.core.errors import InputError, NoMarginError
from mdmkit.evaluation.sources import Progress, no_progress
from mdmkit.evaluation.threads import Load
from mdmkit.thresholds.certify import Certification
from mdmkit.thresholds.error_bars import error_bars
from mdmkit.thresholds.required import (
    RequiredThreshold,
    RequiredTransfer,
    apply_required,
    require_threshold,
)
from mdmkit.thresholds.requirements import Requirement

if TYPE_CHECKING:
    from mdmkit.tables.table import View

Loads = Mapping[str, Sequence[Load]]


@dataclass(frozen=True)
class RequiredThresholds:
    """Thresholds of several methods under the same requirements; `found["mine"]` is one of them.

    Attributes
    ----------
    methods : tuple of str
    recommendations : dict of RequiredThreshold
        Of the methods with which the requirements can be met.
    transfers : dict of RequiredTransfer
        What they give on the second set; empty without one.
    without : dict of str
        Why the other methods have no threshold, and how near they come.
    settings : dict
        What was asked for, and on which frames.
    """

    methods: tuple[str, ...]
    recommendations: dict[str, RequiredThreshold]
    transfers: dict[str, RequiredTransfer]
    without: dict[str, str]
    settings: dict[str, Any]

    def __getitem__(self, method: str) -> RequiredThreshold:
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

    def view(self) -> View:
        """As a table before any form."""
        from mdmkit.thresholds.required_table import view_of_required

        return view_of_required(self)

    def to_text(self, form: str = "table") -> str:
        """As "table", "markdown", "csv", "json", "latex", "csv-long" or "json-long"."""
        from mdmkit.tables.forms import FORMATS, check_form

        return FORMATS[check_form(form)](self.view())

    def __str__(self) -> str:
        return self.to_text()


def require_thresholds(
    first: Loads,
    requirements: Sequence[Requirement],
    second: Loads | None = None,
    *,
    normalize: Mapping[str, str],
    sizes: ComponentSizes,
    how: Certification | None,
    replicates: int,
    memory: int,
    jobs: int,
    settings: Mapping[str, Any],
    progress: Callable[[str, int], Progress] | None = None,
) -> RequiredThresholds:
    """A threshold under requirements for each of several methods.

    Parameters
    ----------
    first, second : mapping of sequence of callable
        How to load the frames of each method.
    replicates : int
        Resampled sets for error bars; 0 for none.

    Raises
    ------
    NoMarginError
        If the requirements cannot be met with any method.
    """
    found: dict[str, RequiredThreshold] = {}
    transfers: dict[str, RequiredTransfer] = {}
    without: dict[str, str] = {}
    for name, loads in first.items():
        work: dict[str, Any] = {"memory": memory, "jobs": jobs}
        ticks = progress(name, 2 * len(loads)) if progress else no_progress
        try:
            own = require_threshold(
                loads,
                requirements,
                normalize=normalize[name],
                method=name,
                sizes=sizes,
                how=how,
                progress=ticks,
                **work,
            )
            there = None if second is None else second[name]
            if there is not None:
                transfers[name] = apply_required(own, there, **work)
            if replicates:
                bars = error_bars(
                    own.ranges, loads, there, own.raw_threshold, replicates=replicates, jobs=jobs
                )
                own = replace(own, error_bars=bars)
            found[name] = own
        except NoMarginError as error:
            without[name] = "; ".join(str(error).splitlines())  # one line of notes
        except InputError as error:
            raise type(error)(f"{name}: {error}") from error
    if not found:
        raise NoMarginError("\n".join(f"{name}: {why}" for name, why in without.items()))
    return RequiredThresholds(tuple(first), found, transfers, without, dict(settings))
