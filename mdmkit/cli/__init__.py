"""The command line, one file a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mdmkit.cli.command_line import app as app
    from mdmkit.cli.command_line import main as main


def __getattr__(name: str) -> Any:
    # on first use, so that a command of another package can use the options without all commands
    if name not in ("app", "main"):
        raise AttributeError(f"module 'mdmkit.cli' has no attribute {name!r}")
    from mdmkit.cli import command_line

    return getattr(command_line, name)
