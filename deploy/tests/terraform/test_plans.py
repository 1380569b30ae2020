"""Terraform itself: the configuration is valid, its own tests pass, and both can fail."""

import json
from collections.abc import Callable

import pytest

from terraform.configuration import CLOUDS
from terraform.conftest import NAMES, Checkout


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


DERIVED = """\
mock_provider "PROVIDER" {
  source = "./tests/mocks"
}

run "derived" {
  command = plan

  assert {
    condition     = local.model_readers == toset(["orders", "trips", "trips-nightly"])
    error_message = "Not the accounts of services.json."
  }
IMAGES}
"""
IMAGES = """
  assert {
    condition     = keys(module.registry.repository_arns) == ["orders-2", "orders-service", "trips"]
    error_message = "Not the images of services.json."
  }
"""
SERVICES = {
    "Orders-Service": {"accounts": ["orders"], "images": ["orders-service", "orders-2"]},
    "Trips": {"accounts": ["trips", "trips-nightly"], "images": ["trips"]},
}


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("accounts", [["orders"], []])
def test_images_and_identities_are_those_of_the_services_file(
    cloud: str, accounts: list[str], checkout: Callable[[str], Checkout]
) -> None:
    here = checkout(cloud)
    test = DERIVED.replace("PROVIDER", NAMES[cloud])
    registry = (here.path / "modules/registry/outputs.tf").read_text(encoding="utf-8")
    # Not every cloud has a repository for each image.
    test = test.replace("IMAGES", IMAGES if "repository_arns" in registry else "")
    (here.path / "tests/derived.tftest.hcl").write_text(test, encoding="utf-8")
    changed = SERVICES | {"Orders-Service": {**SERVICES["Orders-Service"], "accounts": accounts}}
    (here.path.parent / "services.json").write_text(json.dumps(changed), encoding="utf-8")
    here.initialise()

    options = ("-no-color", "-var-file=example.tfvars", "-filter=tests/derived.tftest.hcl")
    tested = here.run("test", *options)

    output = tested.stdout + tested.stderr
    assert tested.returncode == (0 if accounts else 1), output
    assert ("Not the accounts of services.json" in output) == (not accounts)


INVALID = [
    # begin cloud: aws
    ("aws", "modules/models/main.tf", "bucket_key_enabled", "bucket_keys_enabled"),
    ("aws", "modules/cluster/nodes.tf", "scaling_config {", "scale_config {"),
    # end cloud
    # begin cloud: gcp
    ("gcp", "modules/models/main.tf", "public_access_prevention ", "public_access_prevented "),
    ("gcp", "modules/cluster/main.tf", "ip_endpoints_config {", "ip_endpoint_config {"),
    ("gcp", "modules/registry/main.tf", '  format        = "DOCKER"\n', ""),
    # end cloud
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


# What is made weaker, and what the configuration's own tests say of it. All at once: each is looked
# at by a run of its own, and a run takes its time.
WEAKER = {
    # begin cloud: aws
    "aws": [
        # A role that every environment and branch of the repository may have.
        (
            "modules/access/github.tf",
            ":environment:${var",
            ":*${var",
            "one environment of one repo",
        ),
        # Nodes' credentials within a pod's reach.
        (
            "modules/cluster/nodes.tf",
            '= "required"',
            '= "optional"',
            "do not reach the node's cred",
        ),
        # Models that an overwriting loses, tags that change.
        (
            "modules/models/main.tf",
            '"Enabled"\n  }',
            '"Suspended"\n  }',
            "Every version of a model",
        ),
        ("modules/registry/main.tf", '"IMMUTABLE"', '"MUTABLE"', "A tag says the same for ever"),
    ],
    # end cloud
    # begin cloud: gcp
    "gcp": [
        # Every repository but the one.
        ("modules/access/github.tf", "repository == '", "repository != '", "get past the door"),
        # Public models, mutable tags, servers that may write models.
        ("modules/models/main.tf", '"enforced"', '"inherited"', "Nothing makes a model public"),
        (
            "modules/registry/main.tf",
            "_tags = true",
            "_tags = false",
            "A tag says the same for ever",
        ),
        ("modules/access/pods.tf", "objectViewer", "objectAdmin", "No pod deletes or overwrites"),
    ],
    # end cloud
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_weaker_configuration_fails_its_tests(
    cloud: str, checkout: Callable[[str], Checkout]
) -> None:
    here = checkout(cloud)
    for file, old, new, _ in WEAKER[cloud]:
        change(here, file, old, new)
    here.initialise()

    tested = here.run("test", "-no-color", "-filter=tests/system.tftest.hcl")

    assert tested.returncode == 1
    output = " ".join((tested.stdout + tested.stderr).split())
    assert [said for *_, said in WEAKER[cloud] if said not in output] == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_validation_that_is_gone_is_missed(
    cloud: str, checkout: Callable[[str], Checkout]
) -> None:
    here = checkout(cloud)
    change(here, "variables.tf", "var.model_writers)) == 0", "var.model_writers)) >= 0")
    here.initialise()

    tested = here.run("test", "-no-color", "-filter=tests/refusals.tftest.hcl")

    assert tested.returncode == 1
    assert 'run "a_server_that_writes_models"... fail' in tested.stdout


def change(here: Checkout, file: str, old: str, new: str) -> None:
    """Write the configuration differently."""
    path = here.path / file
    written = path.read_text(encoding="utf-8")
    assert old in written
    path.write_text(written.replace(old, new), encoding="utf-8")
