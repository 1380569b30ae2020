"""Does what the manifests ask for fit on the nodes that Terraform makes?"""

import os
import re

import pytest
from manifests.combinations import example_release
from manifests.objects import Manifests, Node, Pod, dig, read_manifests
from manifests.render import render
from needed import program

from terraform.configuration import TERRAFORM, Module

MACHINES = {"m6i.large": (2000, 8 * 1024, 29), "m6i.xlarge": (4000, 16 * 1024, 58)}
"""CPU in thousandths, memory in MiB, pods: AWS's list of instance types, and of their addresses."""

AGENTS = (300, 512)
"""What network, proxy, identity, shared files and the node's metrics ask for on every node."""

UNITS = {"Ki": 1 / 1024, "Mi": 1, "Gi": 1024}


def allocatable(machine: str) -> tuple[float, float]:
    """CPU and memory for pods that are ours, as EKS reserves the rest; an estimate."""
    cpu, memory, pods = MACHINES[machine]
    # Of each core less than of the one before. A sixteenth of the memory never reaches the system.
    reserved = sum((60, 10, 5, 5)[: cpu // 1000])
    return cpu - reserved - AGENTS[0], memory * 15 / 16 - (255 + 11 * pods) - 100 - AGENTS[1]


def asked(pod: Pod) -> tuple[float, float]:
    """What the scheduler finds room for: all containers, or the largest that comes first."""
    first = [_requests(one.node) for one in pod.containers if one.init]
    then = [_requests(one.node) for one in pod.containers if not one.init]
    cpu, memory = (
        max([sum(one[kind] for one in then), *(one[kind] for one in first)]) for kind in (0, 1)
    )
    return cpu, memory


def _requests(container: Node) -> tuple[float, float]:
    requests = dig(container, "resources", "requests")
    cpu, memory = str(requests["cpu"]), str(requests["memory"])
    thousandths = float(cpu[:-1]) if cpu.endswith("m") else 1000 * float(cpu)
    return thousandths, float(memory[:-2]) * UNITS[memory[-2:]]


@pytest.fixture(scope="module")
def manifests() -> Manifests:
    program(os.environ.get("KUBECTL", "kubectl"))
    return read_manifests(render("eks", example_release("eks")))


@pytest.fixture(scope="module")
def machine() -> str:
    """The machine type that nobody has to name."""
    kind = str(Module(TERRAFORM / "aws").named("variable")["nodes"]["type"])
    found = re.search(r'types = optional\(list\(string\), \["([\w.]+)"\]\)', kind)
    assert found is not None, kind
    return found[1]


def too_large(machine: str, manifests: Manifests) -> list[str]:
    """The pods that no node has room for."""
    cpu, memory = allocatable(machine)
    sizes = {pod.owner: asked(pod) for pod in manifests.pods}
    return [owner for owner, (ours, mib) in sizes.items() if ours > cpu or mib > memory]


def test_every_pod_fits_on_a_node(machine: str, manifests: Manifests) -> None:
    assert too_large(machine, manifests) == []


JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {{name: orders-{cpu}-{memory}}}
spec:
  template:
    spec:
      containers:
        - name: app
          resources: {{requests: {{cpu: "{cpu}", memory: {memory}}}}}
"""


def test_a_pod_that_is_too_large_is_found() -> None:
    jobs = [("1", "6400Mi"), ("1", "6600Mi"), ("1500m", "1Gi"), ("1700m", "1Gi")]
    text = "---\n".join(JOB.format(cpu=cpu, memory=memory) for cpu, memory in jobs)

    found = too_large("m6i.large", read_manifests(text))

    assert found == ["Job/orders-1-6600Mi", "Job/orders-1700m-1Gi"]


def test_what_always_runs_fits_on_the_fewest_nodes_beside_the_largest_job(
    machine: str, manifests: Manifests
) -> None:
    replicas = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["minReplicas"]
        for _, one in manifests.of("HorizontalPodAutoscaler")
    }
    variables = (TERRAFORM / "aws/variables.tf").read_text(encoding="utf-8")
    (nodes,) = re.findall(r"minimum = optional\(number, (\d+)\)", variables)

    for kind, offered in enumerate(allocatable(machine)):
        always = sum(
            replicas[pod.name] * asked(pod)[kind]
            for pod in manifests.pods
            if pod.kind == "Deployment"
        )
        job = max(asked(pod)[kind] for pod in manifests.pods if pod.kind == "CronJob")
        assert always + job <= int(nodes) * offered
