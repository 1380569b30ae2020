"""What holds of the Dockerfiles as text; no image is needed."""

import re

import pytest

from images.services import ROOT, SERVICES, Service

PINNED = r"docker\.io/library/python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}"
OPENMP = re.compile(r"# OpenMP[^\n]*\n# hadolint[^\n]*\nRUN apt-get update.*?\n\n", re.DOTALL)
services = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.package)


def dockerfile(service: Service) -> str:
    return (ROOT / service.folder / "Dockerfile").read_text(encoding="utf-8")


def neutral(service: Service) -> str:
    """The Dockerfile with what is the service's own turned into the same for all."""
    text = dockerfile(service)
    text = re.sub(r'description="[^"]*"', 'description="..."', text)
    text = OPENMP.sub("", text)
    for own, common in (
        (service.folder, "FOLDER"),
        (service.name, "IMAGE"),
        (f'"{service.package}"', "PACKAGE"),
        (str(service.port), "PORT"),
    ):
        assert own in text
        text = text.replace(own, common)
    return text


def test_the_three_differ_in_their_names_only() -> None:
    first, *others = map(neutral, SERVICES)

    assert all(other == first for other in others)


@services
def test_openmp_is_installed_where_lightgbm_is_and_nothing_else_is_anywhere(
    service: Service,
) -> None:
    pins = (ROOT / service.folder / "requirements-prod.txt").read_text(encoding="utf-8")
    needed = re.search(r"^lightgbm\b", pins, flags=re.MULTILINE) is not None

    installed = re.findall(r"apt-get install (.*?)\s*\\\n", dockerfile(service))
    assert installed == ["--yes --no-install-recommends libgomp1"] * needed


@services
def test_both_stages_are_the_base_that_is_pinned_by_tag_and_digest(service: Service) -> None:
    text = dockerfile(service)

    assert re.search(rf"^ARG BASE={PINNED}$", text, flags=re.MULTILINE)
    assert re.findall(r"^FROM .*$", text, flags=re.MULTILINE) == [
        "FROM ${BASE} AS builder",
        "FROM ${BASE}",
    ]


@services
def test_no_frontend_is_fetched_and_no_health_check_is_left_to_an_orchestrator_that_has_its_own(
    service: Service,
) -> None:
    text = dockerfile(service)

    assert "# syntax" not in text
    assert "HEALTHCHECK" not in text
