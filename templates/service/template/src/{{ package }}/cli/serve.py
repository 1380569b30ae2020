"""``{{ package }} serve``."""

from servicekit import serve

from {{ package }}.api import create_app


def command() -> None:
    """Serve the sealed model over HTTP until SIGTERM or SIGINT.

    Settings are environment variables, such as MODEL_DIR, PORT and MODEL_SIGNERS; the README of
    libs/servicekit lists them all. With APP_ENV=production, unsafe settings are refused.
    """
    serve(create_app())
