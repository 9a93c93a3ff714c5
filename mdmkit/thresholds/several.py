"""require_thresholds(): a threshold under the same requirements for each of several methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

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
from mdmkit.thresholds.required_table import RequiredThresholds
from mdmkit.thresholds.requirements import Requirement

Loads = Mapping[str, Sequence[Load]]


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
            if name in settings.get("invert", ()):
                own = replace(own, chosen=replace(own.chosen, inverted=True))
            found[name] = own
        except NoMarginError as error:
            without[name] = "; ".join(str(error).splitlines())  # one line of notes
        except InputError as error:
            raise type(error)(f"{name}: {error}") from error
    if not found:
        raise NoMarginError("\n".join(f"{name}: {why}" for name, why in without.items()))
    return RequiredThresholds(tuple(first), found, transfers, without, dict(settings))
