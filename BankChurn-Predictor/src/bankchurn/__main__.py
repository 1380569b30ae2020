"""``python -m bankchurn``: the command line of the service."""

from bankchurn.cli import main

if __name__ == "__main__":
    main()
