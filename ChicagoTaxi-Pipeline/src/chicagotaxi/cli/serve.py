"""The command `serve`."""

from servicekit import serve

from chicagotaxi.api.app import create_app


def command() -> None:
    """Serve the predictions over HTTP, with a map at /, until the process is stopped.

    Settings are environment variables, such as MODEL_DIR, PREDICTIONS_DIR and PORT. This service's
    README lists its own settings, the README of libs/servicekit the others.
    """
    serve(create_app())
