"""`python -m mdmkit`."""

from mdmkit.cli import main

main()
