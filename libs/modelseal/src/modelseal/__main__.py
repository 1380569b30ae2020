"""`python -m modelseal`."""

from modelseal.cli import app

app(prog_name="modelseal")
