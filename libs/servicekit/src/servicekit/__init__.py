"""The common parts of the services: `create_app` builds a service, `serve` runs it.

README.md describes them. The names below are imported on first use, so that a command that serves
nothing, and needs `servicekit.files` only, does not import a web framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from servicekit.app import create_app as create_app
    from servicekit.errors import ModelNotReadyError as ModelNotReadyError
    from servicekit.errors import NotReadyError as NotReadyError
    from servicekit.errors import ServiceError as ServiceError
    from servicekit.json_body import Batch as Batch
    from servicekit.json_body import ServiceRouter as ServiceRouter
    from servicekit.problems import ProblemSpec as ProblemSpec
    from servicekit.runtime import Runtime as Runtime
    from servicekit.runtime import RuntimeDep as RuntimeDep
    from servicekit.runtime import get_runtime as get_runtime
    from servicekit.server import serve as serve
    from servicekit.settings import ServiceSettings as ServiceSettings
    from servicekit.settings import load_settings as load_settings
    from servicekit.spec import ServiceSpec as ServiceSpec

_MODULES: Final = {
    "app": ("create_app",),
    "errors": ("ModelNotReadyError", "NotReadyError", "ServiceError"),
    "json_body": ("Batch", "ServiceRouter"),
    "problems": ("ProblemSpec",),
    "runtime": ("Runtime", "RuntimeDep", "get_runtime"),
    "server": ("serve",),
    "settings": ("ServiceSettings", "load_settings"),
    "spec": ("ServiceSpec",),
}


def __getattr__(name: str) -> object:
    """Import the module of a public name on its first use (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
