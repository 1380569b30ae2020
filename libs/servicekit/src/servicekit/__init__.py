"""The common parts of the services: `create_app` builds a service, `serve` runs it.

README.md describes them. The names below are imported on first use, so that a command that serves
nothing, and needs `servicekit.files` only, does not import a web framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from servicekit.app import create_app
    from servicekit.errors import ModelNotReadyError, NotReadyError, ServiceError
    from servicekit.json_body import Batch, ServiceRouter
    from servicekit.problems import ProblemSpec
    from servicekit.runtime import Runtime, RuntimeDep, get_runtime
    from servicekit.server import serve
    from servicekit.settings import ServiceSettings, load_settings
    from servicekit.spec import ServiceSpec

__all__ = [
    "Batch",
    "ModelNotReadyError",
    "NotReadyError",
    "ProblemSpec",
    "Runtime",
    "RuntimeDep",
    "ServiceError",
    "ServiceRouter",
    "ServiceSettings",
    "ServiceSpec",
    "create_app",
    "get_runtime",
    "load_settings",
    "serve",
]

_MODULES: Final = {
    "Batch": "json_body",
    "ModelNotReadyError": "errors",
    "NotReadyError": "errors",
    "ProblemSpec": "problems",
    "Runtime": "runtime",
    "RuntimeDep": "runtime",
    "ServiceError": "errors",
    "ServiceRouter": "json_body",
    "ServiceSettings": "settings",
    "ServiceSpec": "spec",
    "create_app": "app",
    "get_runtime": "runtime",
    "load_settings": "settings",
    "serve": "server",
}


def __getattr__(name: str) -> object:
    """Import the module of a public name when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
