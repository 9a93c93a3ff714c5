"""`python -m mdmkit`."""

from mdmkit.cli.command_line import main

main()
