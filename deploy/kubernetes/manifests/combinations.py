"""Builds and checks every combination of components."""

import os
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Final

import yaml

from manifests.composition import compose
from manifests.leave_out import (
    optional_names,
    report_images,
    retraining_images,
    retrains,
    supplied,
)
from manifests.objects import ManifestFinding, read_manifests
from manifests.release import ClusterFile, Model, Release, Shadow
from manifests.render import OVERLAYS, build, read_values, render
from manifests.rules import check
from manifests.services import shadow_names

__all__ = [
    "build_combinations",
    "check_combinations",
    "combinations",
    "example_release",
    "with_shadows",
]

# Canary includes autoscaling; both together do not build.
_SCALING: Final = ((), ("autoscaling",), ("canary",))
_OTHERS: Final = ("network-policy", "disruption-budget", "monitoring", "retraining", "reports")


def example_release(overlay: str, *left_out: str) -> Release:
    """A well-formed release with made-up values, for checks."""
    # Signed models and prediction logs in one overlay: manifests are checked with and without them.
    optional = overlay == OVERLAYS[0]
    signers = (_key("signer"), _key("signer before")) if optional else ()
    images, models = supplied(left_out)
    if optional:
        images |= set(report_images(left_out).values())
    cluster_file = None
    if retrains(overlay, left_out):
        images |= retraining_images(left_out)
        cluster_file = ClusterFile(f"deploy/clusters/{overlay}.toml", "# Made up.\n[models]\n")
    return Release(
        images={name: _example_image(name) for name in sorted(images)},
        models={
            name: Model(
                f"s3://example-models/{name}/1",
                _digest(f"model {name}"),
                signers,
                f"s3://example-predictions/{name}" if optional else "",
            )
            for name in sorted(models)
        },
        values=read_values(overlay, "example.env"),
        leave_out=left_out,
        cluster_file=cluster_file,
    )


def with_shadows(release: Release) -> Release:
    """A release with a prediction log and a challenger for each model that may have one."""
    models = {
        name: replace(
            model,
            prediction_log=f"s3://example-predictions/{name}",
            shadow=Shadow(f"s3://example-models/{name}/2", _digest(f"challenger {name}")),
        )
        if name in shadow_names()
        else model
        for name, model in release.models.items()
    }
    images = {
        image: _example_image(image)
        for name, image in report_images(release.leave_out).items()
        if name in models and models[name].prediction_log
    }
    return replace(release, models=models, images={**release.images, **images})


def combinations() -> Iterator[tuple[str, ...]]:
    """Every valid set of components."""
    for scaling in _SCALING:
        for chosen in product((False, True), repeat=len(_OTHERS)):
            others = tuple(name for name, wanted in zip(_OTHERS, chosen, strict=True) if wanted)
            # The analysis of a canary queries Prometheus.
            if "canary" not in scaling or "monitoring" in others:
                yield scaling + others


def check_combinations() -> tuple[list[ManifestFinding], int]:
    """Check the overlays with an example release, and the base with every set of components.

    Each overlay is checked whole, with challengers in the shadow, and with each service and
    component left out.

    Returns:
        The findings, and how many builds were checked.
    """
    sets = list(combinations())
    releases = [
        (overlay, left_out, example_release(overlay, *left_out))
        for overlay in OVERLAYS
        for left_out in ((), *((name,) for name in optional_names(overlay)))
    ]
    releases += [
        (overlay, ("shadow",), with_shadows(example_release(overlay))) for overlay in OVERLAYS
    ]
    # Threads, because the work is done by kubectl.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        overlays = list(pool.map(lambda one: render(one[0], one[2]), releases))
    built = build_combinations(sets)
    findings: list[ManifestFinding] = []
    for (overlay, names, _), text in zip(releases, overlays, strict=True):
        found = check(read_manifests(text, local=overlay == "local"))
        findings += _labelled("-".join((overlay, *names)), found)
    for components, text in zip(sets, built, strict=True):
        # Placeholders are checked in the overlays, which have a release.
        found = [one for one in check(read_manifests(text)) if one.code != "placeholders"]
        findings += _labelled("+".join(components) or "base", found)
    return findings, len(overlays) + len(built)


def build_combinations(sets: Sequence[tuple[str, ...]]) -> list[str]:
    """The base with each set of components, without a release."""
    with tempfile.TemporaryDirectory(prefix="manifests-") as folder:
        kubernetes = compose(Path(folder))
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda components: _build(kubernetes, components), sets))


def _labelled(label: str, findings: Iterable[ManifestFinding]) -> Iterator[ManifestFinding]:
    for one in findings:
        yield ManifestFinding(f"{label}: {one.where}", one.code, one.message)


def _build(kubernetes: Path, components: tuple[str, ...]) -> str:
    folder = kubernetes / "built" / ("-".join(components) or "base")
    folder.mkdir(parents=True)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "ml-services",
        "resources": ["../../base"],
        "components": [f"../../components/{name}" for name in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), encoding="utf-8")
    return build(folder)


def _example_image(name: str) -> str:
    return f"registry.sample.test/{name}@sha256:{_digest(name)}"


def _key(text: str) -> str:
    return f"ed25519:{b64encode(sha256(text.encode()).digest()).decode()}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
