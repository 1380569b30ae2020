"""``python -m {{ package }}``: the command line of the service."""

from {{ package }}.cli import main

if __name__ == "__main__":
    main()
