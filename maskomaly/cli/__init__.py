"""The command line: `maskomaly predict`, `mine`, `tune`, ..., a file for each command.

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from mdmkit.core.extras import MissingLibraryError, needed_by

if TYPE_CHECKING:
    from maskomaly.cli.command_line import app as app


def main() -> None:
    """Run `maskomaly`; where the libraries of commands lack, say in a line what to install."""
    try:
        with needed_by("maskomaly"):
            from maskomaly.cli import command_line
    except MissingLibraryError as error:
        sys.exit(str(error))
    command_line.main()


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module 'maskomaly.cli' has no attribute {name!r}")
    from maskomaly.cli import command_line

    return command_line.app
