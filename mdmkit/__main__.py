"""`python -m mdmkit`."""

from mdmkit.cli.app import main

main()
