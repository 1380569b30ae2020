"""A service listens on the port of its service.toml, which is the only place to change it."""

from collections.abc import Iterator

from manifests.objects import Manifests, Violation
from manifests.services import deployed_services

__all__ = ["check"]


def check(manifests: Manifests) -> Iterator[Violation]:
    """Check the port of the container, and the PORT that the service reads."""
    services = {one.package: one for one in deployed_services()}
    for pod in manifests.pods:
        service = services.get(pod.name)
        if pod.kind != "Deployment" or service is None:
            continue
        for container in pod.containers:
            if container.init:
                continue
            given = {
                "containerPort": container.ports.get("http"),
                "PORT": manifests.environment(container).get("PORT"),
            }
            for name, value in given.items():
                if str(value) != str(service.port):
                    expected = f"{service.name}/service.toml has port = {service.port}"
                    where = f"{service.name}/deploy/base/{pod.name}"
                    yield pod.owner, f"{name} is {value}, but {expected}; change {name} in {where}"
