"""`python -m pinproof`."""

from pinproof.cli import app

app(prog_name="pinproof")
