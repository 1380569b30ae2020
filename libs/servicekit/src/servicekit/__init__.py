"""What every HTTP service of this repository needs, and nothing of any one of them.

See the README beside this package: `create_app` builds a service, `serve` runs it.
"""

from servicekit.app import create_app
from servicekit.errors import ModelNotReadyError, ServiceError
from servicekit.problems import ProblemSpec
from servicekit.runtime import Runtime, RuntimeDep, get_runtime
from servicekit.server import serve
from servicekit.settings import ServiceSettings, load_settings
from servicekit.spec import ServiceSpec

__all__ = [
    "ModelNotReadyError",
    "ProblemSpec",
    "Runtime",
    "RuntimeDep",
    "ServiceError",
    "ServiceSettings",
    "ServiceSpec",
    "create_app",
    "get_runtime",
    "load_settings",
    "serve",
]
