"""What holds of the Dockerfile as text, and of its arguments; no image is needed."""

import re
import subprocess

import pytest
from service_files import read_service

from images.services import ROOT, SERVICES, Service

PINNED = r"docker\.io/library/python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}"
TEXT = (ROOT / "deploy/images/Dockerfile").read_text(encoding="utf-8")
services = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.package)


def arguments(service: Service) -> dict[str, str]:
    """The build arguments that make gives for a service."""
    recipe = run("make", "--no-print-directory", "--dry-run", f"build-{service.folder}")
    [program] = re.findall(r'lines="\$\((.*)\)";', recipe)
    given = re.findall(r"^--build-arg=([A-Z_]+)=(.*)$", run("sh", "-c", program), re.MULTILINE)
    return dict(given + re.findall(r'--build-arg "([A-Z_]+)=([^"]*)"', recipe))


def run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_one_dockerfile_builds_every_service_and_names_none() -> None:
    own = {word for one in SERVICES for word in (one.folder, one.name, one.package, str(one.port))}
    instructions = re.sub(r"^#.*$", "", TEXT, flags=re.MULTILINE)

    assert not [word for word in own if word in instructions]
    assert not list(ROOT.glob("*/Dockerfile"))


@services
def test_make_gives_the_arguments_of_the_service(service: Service) -> None:
    given = arguments(service)

    assert given.keys() == set(re.findall(r"^ARG (\w+)", TEXT, flags=re.MULTILINE)) - {"BASE"}
    assert given["SERVICE"] == service.folder
    assert given["PACKAGE"] == service.package
    assert given["TITLE"] == service.name
    assert given["PORT"] == str(service.port)
    assert re.fullmatch(r"\d+\.\d+\.\d+", given["VERSION"])
    assert len(given["DESCRIPTION"]) > 20


@services
def test_the_packages_of_the_service_are_installed_and_openmp_where_lightgbm_is(
    service: Service,
) -> None:
    pins = (ROOT / service.folder / "requirements-prod.txt").read_text(encoding="utf-8")
    needed = re.search(r"^lightgbm\b", pins, flags=re.MULTILINE) is not None
    packages = read_service(ROOT / service.folder).image.get("packages", [])

    assert ("libgomp1" in packages) == needed
    assert arguments(service)["DEBIAN_PACKAGES"] == " ".join(packages)
    assert "sh /tmp/debian_packages.sh ${DEBIAN_PACKAGES}\n" in TEXT
    assert "apt-get" not in TEXT


def test_both_stages_are_the_base_that_is_pinned_by_tag_and_digest() -> None:
    assert re.search(rf"^ARG BASE={PINNED}$", TEXT, flags=re.MULTILINE)
    assert re.findall(r"^FROM .*$", TEXT, flags=re.MULTILINE) == [
        "FROM ${BASE} AS builder",
        "FROM ${BASE}",
    ]


def test_no_frontend_is_fetched_and_health_checks_are_left_to_the_orchestrator() -> None:
    assert "# syntax" not in TEXT
    assert "HEALTHCHECK" not in TEXT
