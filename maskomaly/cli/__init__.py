"""The command line: `maskomaly predict`, `mine`, `tune`, ..., a file for each command.

Exit codes: 0 done, 1 failed, 2 wrong usage or input. Heavy imports wait inside the commands.
"""

from maskomaly.cli.app import app, main

__all__ = ["app", "main"]
