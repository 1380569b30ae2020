"""Asks the services about themselves, with the settings that their pods give them."""

import json
import subprocess
from pathlib import Path
from typing import Any

from manifests.objects import Container, Manifests, Pod
from manifests.services import REPOSITORY, deployed_services

FOLDERS = {one.package: one.name for one in deployed_services()}
APPLICATION = Path(__file__).with_name("application.py")


def python_of(service: str) -> Path:
    python = REPOSITORY / FOLDERS[service] / ".venv/bin/python"
    assert python.exists(), (
        f"make {FOLDERS[service]}/.venv/.installed first, as make test-deploy does"
    )
    return python


def pod_of(manifests: Manifests, service: str) -> tuple[Pod, Container]:
    [pod] = [pod for pod in manifests.pods if pod.owner == f"Deployment/{service}"]
    [app] = [container for container in pod.containers if not container.init]
    return pod, app


def settings_of(manifests: Manifests, service: str) -> dict[str, str]:
    _, app = pod_of(manifests, service)
    return manifests.environment(app) | {"API_KEYS": "0123456789abcdef" * 4}


def ask_service(manifests: Manifests, service: str) -> dict[str, Any]:
    done = subprocess.run(
        [python_of(service), APPLICATION, service],
        env=settings_of(manifests, service),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
