"""`python -m maskomaly`."""

from maskomaly.cli import main

if __name__ == "__main__":
    main()
