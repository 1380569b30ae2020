"""No file of the deployment names a service: each can leave, and others come."""

import subprocess

from manifests.services import REPOSITORY, deployed_services

OURS = (
    *("kubernetes", "images", "local", "e2e", "release", "policy_scan.py", "pyproject.toml"),
    *("tests/kubernetes", "tests/images", "tests/local", "tests/conftest.py", "tests/tests.mk"),
    *("tests/real_services.py", "tests/test_service_files.py"),
)


def test_no_service_is_named_by_the_deployment() -> None:
    paths = [f"deploy/{one}" for one in OURS]
    files = subprocess.run(
        ["git", "ls-files", *paths], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    texts = {file: (REPOSITORY / file).read_text("utf-8").lower() for file in files}

    found = [
        f"{file} names {service.name}"
        for file, text in texts.items()
        for service in deployed_services()
        if service.image_name in without_generated_blocks(text)
    ]

    assert len(files) > 100
    assert found == []


def without_generated_blocks(text: str) -> str:
    """A document without what cog writes into it."""
    parts = text.split("<!-- [[[end]]] -->")
    return "".join(part.partition("]]] -->")[0] for part in parts)
