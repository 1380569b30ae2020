"""What the deploy workflow may do in a cluster: all that an overlay needs, and nothing secret."""

import ast
import itertools
import os
from typing import Any

import pytest
import yaml
from manifests.combinations import example_release
from manifests.render import CLOUDS, NAMESPACE, render
from needed import program

from workflows.reading import ROOT

RIGHTS = list(yaml.safe_load_all((ROOT / "deploy/release/deployer.yaml").read_text("utf-8")))
# How the API names the kinds whose plural is not their name and an s.
PLURALS = {
    "GCPBackendPolicy": "gcpbackendpolicies",  # only cloud: gcp
    "HealthCheckPolicy": "healthcheckpolicies",  # only cloud: gcp
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


@pytest.mark.parametrize("overlay", CLOUDS)
def test_everything_that_an_overlay_has_may_be_applied(overlay: str) -> None:
    program(os.environ.get("KUBECTL", "kubectl"))
    objects = list(yaml.safe_load_all(render(overlay, example_release(overlay))))

    refused = [
        f"{one['kind']}/{one['metadata']['name']}"
        for one in objects
        if not {"get", "patch"} <= allowed(one)
        or ("namespace" in one["metadata"] and "create" not in allowed(one))
    ]

    assert objects
    assert refused == []
    assert {one["metadata"].get("namespace", NAMESPACE) for one in objects} == {NAMESPACE}


PROGRAMS = (
    *sorted(
        str(path.relative_to(ROOT / "deploy"))
        for path in (ROOT / "deploy/kubernetes/manifests").glob("*.py")
    ),
    "release/smoke.py",
)
# What kubectl asks of the API for a command, where the command does not say it.
ASKS = {
    "apply": {("configmaps", "patch"), ("configmaps", "create")},  # the snapshot
    "create -f": {("jobs", "create")},  # what first_batch.py writes
    "get job": {("jobs", "get")},  # a name, in a variable
    "get .../...": {("deployments", "get"), ("rollouts", "get")},  # what an autoscaler scales
    "patch .../...": {("deployments", "patch"), ("rollouts", "patch")},
    "delete configmap/": {("configmaps", "delete")},
    "port-forward service/": {
        *(("services", "get"), ("pods", "get"), ("pods", "list")),
        # By WebSocket since 1.31, else by SPDY.
        *(("pods/portforward", "get"), ("pods/portforward", "create")),
    },
    "rollout status": {("deployments", "list"), ("deployments", "watch")},
}
ASKING = ("ask", "show")


def commands() -> list[list[str]]:
    """Every command line of kubectl in the programs, from its verb on, as far as code tells it."""
    found = []
    for name in PROGRAMS:
        tree = ast.parse((ROOT / "deploy" / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            words: list[str] = []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                words = [_written(one) for one in node.args if node.func.attr in ASKING]
            if isinstance(node, ast.List) and node.elts and _written(node.elts[0]) == "*kubectl":
                words = [_written(one) for one in node.elts[1:]]
                words = words[2:] if words[:1] == ["-n"] else words
            if words and words[0] not in {"*words", "*_APPLY"}:
                found.append(["apply"] if words[0] == "*apply" else words)
    return found


def _written(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(one) for one in node.values)
    if isinstance(node, ast.Starred):
        return f"*{_written(node.value)}"
    return node.id if isinstance(node, ast.Name) else "..."


def asked(words: list[str]) -> set[tuple[str, str]]:
    """The rights that a command needs: resources and verbs."""
    line = " ".join(words)
    for start, rights in ASKS.items():
        if line.startswith(start) and line[len(start) :][:1] != "s":
            return rights
    assert words[0] == "get", f"what does {line!r} ask?"
    before = itertools.takewhile(lambda word: not word.startswith("-"), words[1:])
    named = [one for word in before for one in word.split(",")]
    assert named, line
    return {(f"{one.partition('/')[0]}s", "get") if "/" in one else (one, "list") for one in named}


def test_what_the_programs_of_a_deployment_ask_is_allowed() -> None:
    given = {
        (resource, verb)
        for rule in rules("Role")
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    # What applying the manifests asks is in them, see above.
    needed = {right for words in commands() for right in asked(words)}

    assert {
        ("jobs", "list"), ("jobs", "get"), ("jobs", "create"), ("cronjobs", "list"),
        ("configmaps", "get"), ("configmaps", "list"), ("configmaps", "patch"),
        ("deployments", "patch"), ("replicasets", "list"), ("rollouts", "get"), ("pods", "list"),
        ("pods/portforward", "get"), ("pods/portforward", "create"),
    } <= needed  # fmt: skip
    assert needed - given == set()


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


def test_nothing_but_config_of_versions_before_can_be_deleted() -> None:
    every = [*rules("Role"), *rules("ClusterRole")]
    deleting = [rule["resources"] for rule in every if "delete" in rule["verbs"]]

    assert deleting == [["configmaps"]]
    assert {verb for rule in every for verb in rule["verbs"]} == {
        "get", "list", "watch", "create", "patch", "delete",
    }  # fmt: skip


# begin cloud: aws
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


# end cloud
