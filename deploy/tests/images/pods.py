"""A service as its pod runs it."""

from collections.abc import Mapping, Sequence
from secrets import token_hex

import httpx2

from images.containers import Container
from images.services import Model, Service

__all__ = ["KEY", "ask", "serving"]

KEY = token_hex(32)


def serving(
    service: Service, model: Model, options: Sequence[str] = (), **settings: str
) -> Container:
    """A service's container, with the settings and mounts of its pod."""
    production = {
        "APP_ENV": "production",
        "AUTH": "keys",
        "API_KEYS": KEY,
        "MODEL_SHA256": model.sha256,
        "DRAIN_S": "2",
    }
    mounts = [(model.folder.parent, "/model", "ro")]
    if model.data is not None:
        mounts.append((model.data, "/data", "ro"))
    container = Container(
        service.image,
        environment=production | dict(service.settings) | settings,
        mounts=mounts,
        options=options,
    )
    container.client.headers["X-API-Key"] = KEY
    return container


def ask(client: httpx2.Client, request: Mapping[str, object]) -> httpx2.Response:
    """Send a request as service.toml writes it."""
    return client.request(str(request["method"]), str(request["path"]), json=request.get("body"))
