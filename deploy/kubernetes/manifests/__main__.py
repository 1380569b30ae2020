"""``python -m manifests``."""

from manifests.cli import main

main()
