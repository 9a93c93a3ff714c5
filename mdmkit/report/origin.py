"""Origin of a page: version, date, command and settings."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version


def today() -> str:
    """The date in UTC; that of SOURCE_DATE_EPOCH where it is set, as reproducible builds ask."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(given), timezone.utc) if given.isdigit() else None
    return (when or datetime.now(timezone.utc)).date().isoformat()


@dataclass(frozen=True)
class Origin:
    """Holds what a reader needs to make a page again.

    Attributes
    ----------
    command : str
        The command line; empty where Python was asked.
    date : str
        ISO 8601.
    version : str
        Of mdmkit.
    """

    command: str = ""
    date: str = field(default_factory=today)
    version: str = field(default_factory=lambda: version("mdmkit"))

    @classmethod
    def of_command(cls, words: Sequence[str]) -> Origin:
        """Make an origin from the words of a command line, spelled as a shell takes them."""
        return cls(shlex.join(["mdmkit", *words]))


def told(settings: Mapping[str, object]) -> list[tuple[str, str]]:
    """Settings in words, those that say nothing left out."""
    return [(name, _spelled(value)) for name, value in settings.items() if value not in (None, "")]


def _spelled(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {each}" for key, each in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
