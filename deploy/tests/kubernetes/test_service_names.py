"""Nothing outside the folders of the services names one, so that each can be removed."""

import subprocess

from manifests.services import REPOSITORY, deployed_services

OURS = ("kubernetes", "images", "local", "e2e", "release", "tests/kubernetes", "tests/images")
OURS += ("tests/local", "tests/real_services.py", "tests/test_service_files.py")
# Results are keyed by what was measured, and quoted in generated blocks.
GENERATED = ("deploy/kubernetes/results", "deploy/images/results.json")


def test_no_service_is_named_by_the_deployment() -> None:
    paths = [f"deploy/{one}" for one in OURS]
    listed = subprocess.run(
        ["git", "ls-files", *paths], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    files = [one for one in listed if not one.startswith(GENERATED)]
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
