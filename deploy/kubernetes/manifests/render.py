"""Renders an overlay with a release."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from manifests.composition import compose
from manifests.errors import RenderError
from manifests.release import Release
from manifests.services import KUBERNETES

__all__ = [
    "CLOUDS",
    "KUBERNETES",
    "NAMESPACE",
    "OVERLAYS",
    "build",
    "read_values",
    "render",
    "value_names",
]

NAMESPACE = "ml-services"
OVERLAYS = tuple(sorted(folder.name for folder in (KUBERNETES / "overlays").iterdir()))
CLOUDS = tuple(name for name in OVERLAYS if name != "local")
"""The overlays for clusters in a cloud."""

_CLUSTER_FILE = "cluster.toml"
_TIMEOUT_S = 120


def value_names(overlay: str) -> frozenset[str]:
    """The names of the values that an overlay requires from a release."""
    return frozenset(read_values(overlay, "values.env"))


def read_values(overlay: str, file: str) -> dict[str, str]:
    """The lines ``NAME=value`` of a file of an overlay."""
    lines = (KUBERNETES / "overlays" / overlay / file).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def render(overlay: str, release: Release) -> str:
    """The manifests of an overlay with a release. The same input gives the same bytes.

    Raises:
        RenderError: kubectl is not installed or cannot build them.
    """
    with tempfile.TemporaryDirectory(prefix="manifests-") as folder:
        root = Path(folder)
        shadows = {name for name, model in release.models.items() if model.shadow}
        kubernetes = compose(root, release.leave_out, shadows=shadows)
        values = (f"{name}={value}\n" for name, value in sorted(release.values.items()))
        (kubernetes / "overlays" / overlay / "values.env").write_text(
            "".join(values), encoding="utf-8"
        )
        (root / "release").mkdir()
        if release.cluster_file:
            (root / "release" / _CLUSTER_FILE).write_bytes(release.cluster_file.text.encode())
        (root / "release/kustomization.yaml").write_text(
            yaml.safe_dump(_kustomization(overlay, release)), encoding="utf-8"
        )
        return build(root / "release")


def build(folder: Path) -> str:
    """The output of ``kubectl kustomize`` for a folder.

    Raises:
        RenderError: kubectl is not installed or cannot build it.
    """
    kubectl = shutil.which(os.environ.get("KUBECTL", "kubectl"))
    if kubectl is None:
        raise RenderError(
            "kubectl is not installed and builds the manifests: install it, or set KUBECTL to it"
        )
    return _run([kubectl, "kustomize", str(folder)])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(  # noqa: S603 - kubectl, without a cluster
        command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
    )
    if done.returncode != 0:
        raise RenderError(f"{' '.join(command[1:])}: {done.stderr.strip()}")
    return done.stdout


def _kustomization(overlay: str, release: Release) -> dict[str, object]:
    """A layer above the overlay with the images and models of the release."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"../deploy/kubernetes/overlays/{overlay}"],
        "images": [_image(name, image) for name, image in sorted(release.images.items())],
        "configMapGenerator": [*_models(release), *_cluster_file(release)],
        "patches": list(_without_reports(release)),
    }


def _without_reports(release: Release) -> Iterable[dict[str, object]]:
    """Patches that remove the report of each model whose predictions are not logged."""
    job = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "any"}}
    patch = yaml.safe_dump(job | {"$patch": "delete"})
    for name, model in sorted(release.models.items()):
        if not model.prediction_log:
            yield {"patch": patch, "target": {"kind": "CronJob", "name": f"{name}-report"}}


def _image(name: str, image: str) -> dict[str, str]:
    new, at, digest = image.partition("@")
    if at:
        return {"name": name, "newName": new, "digest": digest}
    new, _, tag = image.rpartition(":")
    return {"name": name, "newName": new, "newTag": tag}


def _models(release: Release) -> Iterable[dict[str, object]]:
    for service, model in sorted(release.models.items()):
        literals = [f"MODEL_URI={model.uri}", f"MODEL_SHA256={model.sha256}"]
        if model.signers:
            literals.append(f"MODEL_SIGNERS={','.join(model.signers)}")
        if model.prediction_log:
            literals.append(f"PREDICTION_LOG={model.prediction_log}")
        yield _settings(f"{service}-model", *literals)
        if model.shadow:
            # A ConfigMap of its own: a new challenger restarts only the workload that takes it.
            yield _settings(
                f"{service}-shadow",
                f"SHADOW_MODEL_URI={model.shadow.uri}",
                f"SHADOW_MODEL_SHA256={model.shadow.sha256}",
            )


def _cluster_file(release: Release) -> Iterable[dict[str, object]]:
    """What a retraining needs for the patch of a promotion."""
    if release.cluster_file:
        yield _settings("retraining-settings", f"RELEASE_PATH={release.cluster_file.path}")
        yield _merged("retraining-release", files=[_CLUSTER_FILE])


def _settings(name: str, *literals: str) -> dict[str, object]:
    """Adds settings to a ConfigMap of the overlay."""
    return _merged(name, literals=list(literals))


def _merged(name: str, **contents: list[str]) -> dict[str, object]:
    return {"name": name, "namespace": NAMESPACE, "behavior": "merge", **contents}
