"""The workflow that deploys: its rollback, its time, and that each rule finds a break in it."""

import re
from collections.abc import Callable, Iterator

import pytest
from clouds import OVERLAY
from manifests.combinations import example_release
from manifests.first_batch import first_batches
from manifests.objects import read_manifests
from manifests.render import render

from workflows.reading import ROOT, SERVICES, Workflow, load
from workflows.test_hygiene import (
    commands,
    concurrency,
    credentials,
    handed_over,
    identities,
    permissions,
    pins,
    runners,
    timeouts,
)

DEPLOY = ROOT / ".github/workflows/deploy.yml"
BREAKS = [
    (permissions, "permissions: {}\n\n#", "permissions: write-all\n\n#"),
    (permissions, "    permissions:\n      contents: read\n      id-token: write\n", ""),
    (timeouts, "    timeout-minutes: 210\n", ""),
    (timeouts, "timeout-minutes: 210", "timeout-minutes: 3600"),
    (runners, "ubuntu-24.04", "ubuntu-latest"),
    (concurrency, "  cancel-in-progress: false\n", ""),
    (pins, "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6"),
    (pins, "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@de0fac2 # v6.0.2"),
    (pins, " # v6.0.2", ""),
    (pins, " # v6.0.2", " # v6"),
    (credentials, "persist-credentials: false", "persist-credentials: true"),
    (credentials, "        with:\n          persist-credentials: false\n", ""),
    (commands, "run: make smoke", "run: kubectl get pods"),
    (commands, "run: make smoke", "run: make smoke && kubectl get pods"),
    (commands, "run: make smoke", "run: make smoke CONTEXT=${{ inputs.cluster }}"),
    (handed_over, "run: make release-file", 'run: make release-file "VERSION=$VERSION"'),
    (handed_over, "run: make release-file", "run: make release-file VERSION=$VERSION"),
    (handed_over, "      - run: make check-version\n", ""),
    (handed_over, "run: make check-version", "run: make take-snapshot"),
    (identities, "    environment: ${{ inputs.cluster }}\n", ""),
    (identities, "role-to-assume:", "aws-access-key-id:"),  # only cloud: aws
    (identities, "service_account:", "credentials_json:"),  # only cloud: gcp
]


@pytest.mark.parametrize(("rule", "old", "new"), BREAKS)
def test_each_rule_can_be_broken(
    rule: Callable[[Workflow], Iterator[str]], old: str, new: str
) -> None:
    text = DEPLOY.read_text(encoding="utf-8")
    assert old in text
    assert list(rule(Workflow(text))) == []

    assert list(rule(Workflow(text.replace(old, new)))) != []


def test_a_failed_roll_out_is_taken_back_and_an_unapplied_one_is_not() -> None:
    steps = load(DEPLOY).jobs["deploy"]["steps"]
    names = [
        step.get("run", "").split(" ")[1].strip('"') if "run" in step else "" for step in steps
    ]

    commands = [name for name in names if name]
    assert commands[-3:] == ["deploy-$CLUSTER", "smoke", "roll-back-$CLUSTER"]
    deploy, smoke = (steps[names.index(name)] for name in ("deploy-$CLUSTER", "smoke"))
    back = steps[-1]
    # begin cloud: gcp
    renewed = steps[-2]
    assert "get-gke-credentials@" in renewed["uses"]
    assert renewed["if"] == back["if"].replace("always()", "always() && inputs.cluster == 'gke'")
    # end cloud
    assert (deploy["id"], smoke["id"]) == ("deploy", "smoke")
    assert "if" not in deploy
    assert back["if"] == (
        "always() && steps.deploy.outcome != 'skipped' && steps.smoke.outcome != 'success'"
    )
    before = names[: names.index("deploy-$CLUSTER")]
    assert before[-2:] == ["verify-release", "take-snapshot"]


@pytest.mark.usefixtures("kubectl")
def test_a_deployment_may_take_as_long_as_what_it_waits_for() -> None:
    job = load(DEPLOY).jobs["deploy"]
    manifests = read_manifests(render(OVERLAY, example_release(OVERLAY)))
    batches = sum(batch.limit_s for batch in first_batches(manifests))
    each = _number("manifests/cli.py", r'"--timeout", type=int, default=(\d+)')
    services = len(list(manifests.of("Deployment")))
    # As long again to take each back, and ten minutes for everything else.
    longest = batches + 2 * services * each + 600
    assert services == len(SERVICES)

    allowed = 60 * job["timeout-minutes"]
    assert allowed >= longest
    # begin cloud: aws
    (login,) = [
        step["with"]["role-duration-seconds"]
        for step in job["steps"]
        if "configure-aws-credentials@" in step.get("uses", "")
    ]
    assert login >= allowed
    access = "../terraform/aws/modules/access/github.tf"
    assert _number(access, r'max_session_duration = each.key == "deploy" \? (\d+)') >= login
    # end cloud


def _number(file: str, pattern: str) -> int:
    text = (ROOT / "deploy/kubernetes" / file).read_text(encoding="utf-8")
    (number,) = {int(found) for found in re.findall(pattern, text)}
    return number
