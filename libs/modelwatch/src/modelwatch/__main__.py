"""`python -m modelwatch`."""

from modelwatch.cli import app

app(prog_name="modelwatch")
