"""``python -m chicagotaxi``: the command line of the service."""

from chicagotaxi.cli import main

if __name__ == "__main__":
    main()
