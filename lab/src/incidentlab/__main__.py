"""`python -m incidentlab`."""

from incidentlab.cli import app

if __name__ == "__main__":
    app()
