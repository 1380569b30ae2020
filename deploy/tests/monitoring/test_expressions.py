"""Every expression of rules, dashboards and analyses asks for what a running service tells."""

import itertools
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import promql_parser
import pytest
import yaml
from workflows.reading import SERVICES

MONITORING = Path(__file__).resolve().parents[2] / "monitoring"
ANALYSIS = MONITORING.parent / "kubernetes/components/canary/analysis.yaml"

# What Prometheus adds to every sample of a pod.
OF_THE_TARGET = {"namespace", "job", "pod"}
# kube-state-metrics, the kubelet and Prometheus itself: not ours to check. Reports of modelwatch
# have their own names, which the tests of modelwatch check.
ELSEWHERE = ("kube_", "kubelet_", "container_", "modelwatch_", "up")
# Only services with such predictions show these; the tests of those services have the names.
OF_SOME_SERVICES = {
    "model_predictions_total",
    "prediction_batches_refused_total",
    "predictions_created_timestamp_seconds",
}

# The first test trains the models, on a machine that may be busy.
pytestmark = pytest.mark.timeout(1200)


def plain(text: str, job: str) -> str:
    """An expression with the variables of dashboards and analyses filled in."""
    for name, value in (
        ("$__rate_interval", "10s"),
        ("$job", job),
        ("{{args.service}}-{{args.hash}}", job),
        ("{{args.service}}", job),
    ):
        text = text.replace(name, value)
    return text


def of_dashboard(name: str) -> Iterator[tuple[str, str]]:
    dashboard = json.loads((MONITORING / "dashboards" / name).read_bytes())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"{name}: {panel['title']}: {target['refId']}", target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert found
            yield f"{name}: variable {variable['name']}", found[1]


def of_rules() -> Iterator[tuple[str, str]]:
    for file in sorted((MONITORING / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_bytes()).get("spec", {}).get("groups", []):
            for rule in group["rules"]:
                yield rule.get("alert", rule.get("record")), rule["expr"]


def of_analysis() -> Iterator[tuple[str, str]]:
    for metric in yaml.safe_load(ANALYSIS.read_bytes())["spec"]["metrics"]:
        yield f"analysis: {metric['name']}", metric["provider"]["prometheus"]["query"]


EXPRESSIONS = [
    (name, plain(text, "orders"))
    for name, text in (
        *of_rules(),
        *of_analysis(),
        *of_dashboard("services.json"),
        *of_dashboard("jobs.json"),
    )
]
RECORDED = {name for name, _ in of_rules() if ":" in name}

PARTS = ("expr", "lhs", "rhs", "param", "vector_selector", "vs")
"""Where the parser keeps the parts of an expression."""


def selectors(expression: str) -> Iterator[Any]:
    """The selectors of an expression, wherever they stand in it."""
    todo = [promql_parser.parse(expression)]
    while todo:
        node = todo.pop()
        if isinstance(node, promql_parser.VectorSelector):
            yield node
        parts = (getattr(node, name, None) for name in PARTS)
        todo += [part for part in parts if part is not None]
        todo += getattr(node, "args", None) or []


def exposed(url: str) -> dict[str, list[dict[str, str]]]:
    """The labels of every sample that a service shows, by metric."""
    samples: dict[str, list[dict[str, str]]] = {}
    for line in httpx2.get(f"{url}/metrics").text.splitlines():
        if found := re.match(r"(\w+)(?:\{(.*)\})? ", line):
            labels = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            samples.setdefault(found[1], []).append(labels)
    return samples


def send_traffic(services: dict[str, str]) -> None:
    """Send the requests of every service.toml, and a body that is too large."""
    for service in SERVICES.values():
        url, requests = services[service.package], service.demo["requests"]
        for one in requests:
            httpx2.request(one["method"], url + one["path"], json=one.get("body"))
        httpx2.post(url + requests[0]["path"], content=b"x" * 2**21)


@pytest.fixture(scope="module")
def samples(services: dict[str, str], refusing: str) -> dict[str, list[dict[str, str]]]:
    # Traffic of every kind first, since a counter with labels is shown once it has counted.
    send_traffic(services)
    found: dict[str, list[dict[str, str]]] = {}
    for url in (*services.values(), refusing):
        for metric, labels in exposed(url).items():
            found.setdefault(metric, []).extend(labels)
    # The only one that takes a refused batch to be shown with its label.
    found.setdefault("prediction_batches_refused_total", [{"code": "incomplete"}])
    return found


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_every_series_of_an_expression_is_one_that_a_service_has(
    samples: dict[str, list[dict[str, str]]], name: str, expression: str
) -> None:
    found = list(selectors(expression))
    assert found, name
    for selector in found:
        if selector.name.startswith(ELSEWHERE) or selector.name in RECORDED:
            continue
        if selector.name in OF_SOME_SERVICES - samples.keys():
            continue
        assert selector.name in samples, f"{selector.name}: no service tells it"
        labels = set().union(*(one.keys() for one in samples[selector.name])) | OF_THE_TARGET
        for matcher in selector.matchers.matchers:
            assert matcher.name in labels, f"{selector.name} has no label {matcher.name}"
            if matcher.name == "le":
                output = {one["le"] for one in samples[selector.name]}
                assert matcher.value in output, f"there is no bucket {matcher.value}"


def test_recorded_series_that_are_asked_for_are_recorded() -> None:
    asked = {one.name for _, text in EXPRESSIONS for one in selectors(text) if ":" in one.name}
    assert asked <= RECORDED
    assert asked  # the walk found them


def test_a_metric_that_no_service_has_is_found(samples: dict[str, list[dict[str, str]]]) -> None:
    # What the test above rests on.
    with pytest.raises(AssertionError, match="no service tells it"):
        test_every_series_of_an_expression_is_one_that_a_service_has(
            samples, "x", "sum(rate(http_request_total[5m]))"
        )
    with pytest.raises(AssertionError, match="no label code"):
        test_every_series_of_an_expression_is_one_that_a_service_has(
            samples, "x", 'http_requests_total{code="500"}'
        )
    with pytest.raises(AssertionError, match="no bucket"):
        test_every_series_of_an_expression_is_one_that_a_service_has(
            samples, "x", 'http_request_duration_seconds_bucket{le="0.3"}'
        )


def test_panels_do_not_overlap_and_say_what_they_show() -> None:
    for file in sorted((MONITORING / "dashboards").glob("*.json")):
        dashboard = json.loads(file.read_bytes())
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
            apart = (
                one["x"] + one["w"] <= other["x"]
                or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"]
                or other["y"] + other["h"] <= one["y"]
            )
            assert apart, (file.name, one, other)
        assert all(panel["title"] for panel in panels)


def test_a_real_prometheus_answers_every_panel(
    program: Callable[[str], str],
    rules: Path,
    services: dict[str, str],
    samples: dict[str, list[dict[str, str]]],
    tmp_path: Path,
) -> None:
    """It scrapes every service, evaluates the rules, and gets each query of the dashboard."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules / "rules" / "*.yaml")],
        "scrape_configs": [
            {
                "job_name": package,
                "static_configs": [
                    {
                        "targets": [url.removeprefix("http://")],
                        "labels": {"namespace": "ml-services", "pod": f"{package}-7f-1"},
                    }
                ],
            }
            for package, url in services.items()
        ],
    }
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={tmp_path}/prometheus.yaml",
                f"--storage.tsdb.path={tmp_path}/data",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        url = _address(tmp_path / "log", process)
        unanswered = dict(of_dashboard("services.json")) | dict(of_analysis())
        # Nothing is refused here: no series, and an empty panel that means well.
        del unanswered["services.json: Models refused, by pod: A"]
        if "model_predictions_total" not in samples:
            unanswered = {k: v for k, v in unanswered.items() if "model_predictions" not in v}
        until = time.monotonic() + 120
        while unanswered:
            assert time.monotonic() < until, unanswered
            send_traffic(services)
            for name, expression in list(unanswered.items()):
                if any(results(url, name, plain(expression, job)) for job in services):
                    del unanswered[name]
            time.sleep(0.5)
    finally:
        process.terminate()
        process.wait(timeout=60)


def results(url: str, name: str, expression: str) -> list[Any]:
    """What Prometheus answers."""
    answer = httpx2.get(f"{url}/api/v1/query", params={"query": expression})
    assert answer.status_code == 200, f"{name}: {answer.text}"
    found: list[Any] = answer.json()["data"]["result"]
    return found


def _address(log: Path, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        text = log.read_text(encoding="utf-8")
        assert process.poll() is None, text
        found = re.search(r'Listening on"? address=(127\.0\.0\.1:\d+)', text)
        if found and "Server is ready" in text:
            return f"http://{found[1]}"
        time.sleep(0.1)
    raise AssertionError(log.read_text(encoding="utf-8"))
