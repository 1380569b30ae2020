"""What the deploy workflow may do in a cluster: all that an overlay needs, and nothing secret."""

import ast
import itertools
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


PROGRAMS = (
    "kubernetes/manifests/deploy.py",
    "kubernetes/manifests/rollouts.py",
    "release/revisions.py",
    "release/smoke.py",
)
# What kubectl asks of the API for a command, where the command does not say it.
ASKS = {
    "create -f": {("jobs", "create")},  # the pipeline's, which deploy.py writes
    "create configmap": {("configmaps", "create")},
    "create job": {("cronjobs", "get"), ("jobs", "create")},
    "get job": {("jobs", "get")},  # a name, in a variable
    "patch cronjob/": {("cronjobs", "get"), ("cronjobs", "patch")},
    "patch configmap/": {("configmaps", "get"), ("configmaps", "patch")},
    "port-forward service/": {
        *(("services", "get"), ("pods", "get"), ("pods", "list"), ("pods/portforward", "create")),
    },
    "rollout status": {("deployments", "list"), ("deployments", "watch")},
    "rollout undo": {("deployments", "get"), ("deployments", "patch"), ("replicasets", "list")},
}
STARTS = ("*kubectl", "*ours")


def commands() -> list[list[str]]:
    """Every command line of kubectl in the programs, from its verb on, as far as code tells it."""
    found = []
    for name in PROGRAMS:
        tree = ast.parse((ROOT / "deploy" / name).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.List) and node.elts and _written(node.elts[0]) in STARTS:
                words = [_written(one) for one in node.elts[1:]]
                if words[:1] == ["-n"]:
                    words = words[2:]
                if words and not words[0].startswith("-"):
                    found.append(words)
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
    named = list(itertools.takewhile(lambda word: not word.startswith("-"), words[1:]))
    assert named, line
    return {(f"{one.partition('/')[0]}s", "get") if "/" in one else (one, "list") for one in named}


def test_what_the_programs_of_a_deployment_ask_is_allowed() -> None:
    given = {
        (resource, verb)
        for rule in rules("Role")
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    # What `apply` asks is in the manifests, see above.
    needed = {right for words in commands() if words[0] != "*apply" for right in asked(words)}

    assert {
        ("jobs", "list"), ("jobs", "get"), ("jobs", "create"), ("cronjobs", "list"),
        ("cronjobs", "patch"), ("deployments", "patch"), ("rollouts", "get"), ("pods", "list"),
        ("pods/portforward", "create"),
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
