"""Terraform itself: the configuration is valid, its own tests pass, and both can fail."""

from collections.abc import Callable

import pytest

from terraform.configuration import CLOUDS
from terraform.conftest import Checkout


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_configuration_is_valid_and_plans(
    cloud: str, checkout: Callable[[str], Checkout]
) -> None:
    here = checkout(cloud)
    here.initialise()

    validated = here.run("validate", "-no-color")
    assert "The configuration is valid" in validated.stdout, validated.stdout + validated.stderr
    tested = here.run("test", "-no-color")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert " 0 failed." in tested.stdout


INVALID = [
    ("aws", "modules/models/main.tf", "bucket_key_enabled", "bucket_keys_enabled"),
    ("aws", "modules/cluster/nodes.tf", "scaling_config {", "scale_config {"),
    ("gcp", "modules/models/main.tf", "public_access_prevention ", "public_access_prevented "),
    ("gcp", "modules/cluster/main.tf", "ip_endpoints_config {", "ip_endpoint_config {"),
    ("gcp", "modules/registry/main.tf", '  format        = "DOCKER"\n', ""),
]


@pytest.mark.parametrize(("cloud", "file", "old", "new"), INVALID)
def test_a_name_that_the_cloud_does_not_know_is_invalid(
    cloud: str, file: str, old: str, new: str, checkout: Callable[[str], Checkout]
) -> None:
    here = checkout(cloud)
    change(here, file, old, new)
    here.initialise()

    validated = here.run("validate", "-no-color")

    assert validated.returncode == 1
    assert "Unsupported" in validated.stderr or "Missing required" in validated.stderr


WEAKER = [
    # A role that any environment of the repository may have, and one that any repository may.
    ("aws", "modules/access/github.tf", ":environment:${var", ":*${var"),
    ("gcp", "modules/access/github.tf", "assertion.repository == '", "assertion.repository != '"),
    # Nodes' credentials within a pod's reach, public models, mutable tags.
    (
        "aws",
        "modules/cluster/nodes.tf",
        'http_tokens                 = "required"',
        'http_tokens = "optional"',
    ),
    ("gcp", "modules/models/main.tf", '"enforced"', '"inherited"'),
    ("gcp", "modules/registry/main.tf", "immutable_tags = true", "immutable_tags = false"),
    # Servers that may write models.
    ("gcp", "modules/access/pods.tf", "roles/storage.objectViewer", "roles/storage.objectAdmin"),
    # A validation that lets everything through.
    ("aws", "variables.tf", "contains([2, 3], length(var.zones))", "true"),
]


@pytest.mark.parametrize(("cloud", "file", "old", "new"), WEAKER)
def test_a_weaker_configuration_fails_its_tests(
    cloud: str, file: str, old: str, new: str, checkout: Callable[[str], Checkout]
) -> None:
    here = checkout(cloud)
    change(here, file, old, new)
    here.initialise()

    tested = here.run("test", "-no-color")

    assert tested.returncode == 1
    assert "Test assertion failed" in tested.stdout + tested.stderr or (
        "Missing expected failure" in tested.stdout + tested.stderr
    )


def change(here: Checkout, file: str, old: str, new: str) -> None:
    """Write the configuration differently."""
    path = here.path / file
    written = path.read_text(encoding="utf-8")
    assert old in written
    path.write_text(written.replace(old, new), encoding="utf-8")
