"""What the deploy workflow may do in a cluster: all that an overlay needs, and nothing secret."""

import os
from typing import Any

import pytest
import yaml
from manifests.combinations import specimen
from manifests.render import NAMESPACE, render
from needed import program

from workflows.reading import ROOT

RIGHTS = list(yaml.safe_load_all((ROOT / "deploy/release/deployer.yaml").read_text("utf-8")))
# How the API names the kinds whose plural is not their name and an s.
PLURALS = {
    "GCPBackendPolicy": "gcpbackendpolicies",
    "HealthCheckPolicy": "healthcheckpolicies",
    "Ingress": "ingresses",
    "NetworkPolicy": "networkpolicies",
    "StorageClass": "storageclasses",
}


def rules(kind: str) -> list[dict[str, Any]]:
    return [rule for one in RIGHTS if one["kind"] == kind for rule in one["rules"]]


def allowed(one: dict[str, Any]) -> set[str]:
    """The verbs that the deployer has on an object."""
    group = one["apiVersion"].rpartition("/")[0]
    resource = PLURALS.get(one["kind"], one["kind"].lower() + "s")
    inside = "namespace" in one["metadata"]
    return {
        verb
        for rule in rules("Role" if inside else "ClusterRole")
        if group in rule["apiGroups"] and resource in rule["resources"]
        if one["metadata"]["name"] in rule.get("resourceNames", [one["metadata"]["name"]])
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("overlay", ["gke", "eks"])
def test_everything_that_an_overlay_has_may_be_applied(overlay: str) -> None:
    program(os.environ.get("KUBECTL", "kubectl"))
    objects = list(yaml.safe_load_all(render(overlay, specimen(overlay))))

    refused = [
        f"{one['kind']}/{one['metadata']['name']}"
        for one in objects
        if not {"get", "patch"} <= allowed(one)
        or ("namespace" in one["metadata"] and "create" not in allowed(one))
    ]

    assert objects
    assert refused == []
    assert {one["metadata"].get("namespace", NAMESPACE) for one in objects} == {NAMESPACE}


# What deploy.py, revisions.py and smoke.py ask of kubectl beside `apply`, by words of their code.
ASKED = {
    '"get", "jobs"': ("jobs", "list"),
    '"get", job': ("jobs", "get"),
    '"create", "-f"': ("jobs", "create"),
    '"get", "pods"': ("pods", "list"),
    'f"rollout/{name}", f"deployment/{name}"': ("rollouts", "get"),
    '"get", "deployments"': ("deployments", "list"),
    '"get", "cronjobs"': ("cronjobs", "list"),
    '"patch", f"cronjob/': ("cronjobs", "patch"),
    '"rollout", "undo"': ("deployments", "patch"),
    '"rollout", "status"': ("deployments", "watch"),
    '"port-forward", f"service/': ("pods/portforward", "create"),
}


def test_what_the_programs_of_a_deployment_ask_is_allowed() -> None:
    files = ("kubernetes/manifests/deploy.py", "release/revisions.py", "release/smoke.py")
    code = "".join((ROOT / "deploy" / one).read_text(encoding="utf-8") for one in files)
    given = {
        (resource, verb)
        for rule in rules("Role")
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }

    assert [words for words in ASKED if words not in code] == []
    assert set(ASKED.values()) - given == set()


def test_nothing_secret_and_no_rights_are_within_reach() -> None:
    given = {
        resource
        for rule in [*rules("Role"), *rules("ClusterRole")]
        for resource in rule["resources"]
    }

    assert given.isdisjoint({
        "secrets", "roles", "rolebindings", "clusterroles", "clusterrolebindings",
        "pods/exec", "serviceaccounts/token", "*",
    })  # fmt: skip
    assert all("resourceNames" in rule for rule in rules("ClusterRole"))


def test_nothing_can_be_deleted() -> None:
    verbs = {
        verb for kind in ("Role", "ClusterRole") for rule in rules(kind) for verb in rule["verbs"]
    }

    assert verbs == {"get", "list", "watch", "create", "patch"}


def test_the_group_is_the_one_that_terraform_puts_the_workflow_into() -> None:
    github = (ROOT / "deploy/terraform/aws/modules/access/github.tf").read_text(encoding="utf-8")
    bound = {
        subject["name"]
        for one in RIGHTS
        if one["kind"].endswith("Binding")
        for subject in one["subjects"]
    }

    assert bound == {"deployers"}
    assert 'kubernetes_groups = ["deployers"]' in github
