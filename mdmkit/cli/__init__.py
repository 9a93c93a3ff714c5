"""The command line, one file a command."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from mdmkit.core.extras import MissingLibraryError, needed_by

if TYPE_CHECKING:
    from mdmkit.cli.command_line import app as app


def main() -> None:
    """Run `mdmkit`; where the libraries of commands lack, say in a line what to install."""
    gc.set_threshold(200_000)  # imports make 140,000 objects that live on: to see so takes 0.4 s
    try:
        with needed_by("mdmkit"):
            from mdmkit.cli import command_line
    except MissingLibraryError as error:
        sys.exit(str(error))
    command_line.main()


def __getattr__(name: str) -> Any:
    # on first use, so that a command of another package can use the options without all commands
    if name != "app":
        raise AttributeError(f"module 'mdmkit.cli' has no attribute {name!r}")
    from mdmkit.cli import command_line

    return command_line.app
