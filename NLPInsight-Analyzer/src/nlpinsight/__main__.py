"""``python -m nlpinsight``: the command line of the service."""

from nlpinsight.cli import main

if __name__ == "__main__":
    main()
