import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from manifests.combinations import build_combinations
from manifests.objects import Node, dig, read_manifests

MONITORING = Path(__file__).resolve().parents[2] / "monitoring"
REPOSITORY = MONITORING.parents[1]
Program = Callable[[str], str]


def alerts() -> Iterator[Node]:
    for file in sorted((MONITORING / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_bytes()).get("spec", {}).get("groups", []):
            yield from (rule for rule in group["rules"] if "alert" in rule)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_rules_are_rules(program: Program, rules: Path) -> None:
    files = sorted(str(path) for path in (rules / "rules").iterdir())
    done = run([program("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *files], rules)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file", sorted(path.name for path in (MONITORING / "tests").iterdir()))
def test_what_fires_and_what_does_not(program: Program, rules: Path, file: str) -> None:
    done = run([program("promtool"), "test", "rules", f"tests/{file}"], rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_threshold_is_found(program: Program, rules: Path, tmp_path: Path) -> None:
    # What the test above rests on: with another threshold it fails.
    for part in ("rules", "tests"):
        (tmp_path / part).mkdir()
        for path in (rules / part).iterdir():
            text = path.read_text(encoding="utf-8")
            text = text.replace("> 0.0144", "> 0.5").replace("> 0.006", "> 0.5")
            (tmp_path / part / path.name).write_text(text, encoding="utf-8")
    done = run([program("promtool"), "test", "rules", "tests/slo.yaml"], tmp_path)
    assert done.returncode != 0
    assert "AvailabilityBurnFast" in done.stdout + done.stderr


def test_every_alert_is_seen_to_fire() -> None:
    expected = "".join(
        path.read_text(encoding="utf-8") for path in (MONITORING / "tests").iterdir()
    )
    missing = [rule["alert"] for rule in alerts() if f'alertname="{rule["alert"]}"' not in expected]
    assert missing == []


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    folder = REPOSITORY / "docs" / "runbooks"
    named = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in alerts()}
    assert named == {
        alert: f"{{{{ $externalLabels.repository }}}}/docs/runbooks/{alert}.md" for alert in named
    }
    written = {path.stem for path in folder.glob("*.md")} - {"README"}
    assert written == set(named)
    for alert in named:
        text = (folder / f"{alert}.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {alert}\n")
        for heading in ("## Meaning", "## Diagnosis", "## Fix"):
            assert heading in text, f"{alert}: {heading}"


def test_every_alert_says_how_urgent_it_is() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]


@pytest.mark.parametrize("rule", list(alerts()), ids=lambda rule: rule["alert"])
def test_alerts_go_where_their_severity_says(program: Program, rule: Node) -> None:
    config = MONITORING / "alertmanager" / "alertmanager.yaml"
    labels = [f"alertname={rule['alert']}", f"severity={rule['labels']['severity']}", "job=x"]
    receiver = {"page": "pager", "ticket": "tickets"}[rule["labels"]["severity"]]
    done = run(
        [
            *(program("amtool"), "config", "routes", "test", f"--config.file={config}"),
            *(f"--verify.receivers={receiver}", *labels),
        ],
        MONITORING,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_its_configuration_and_holds_no_secret(program: Program) -> None:
    config = MONITORING / "alertmanager" / "alertmanager.yaml"
    done = run([program("amtool"), "check-config", str(config)], MONITORING)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"https?://|_key:|password", config.read_text(encoding="utf-8"))


def test_silenced_by_others_are_alerts_that_exist() -> None:
    config = yaml.safe_load((MONITORING / "alertmanager" / "alertmanager.yaml").read_bytes())
    names = [rule["alert"] for rule in alerts()]
    for rule in config["inhibit_rules"]:
        for matcher in [*rule["source_matchers"], *rule["target_matchers"]]:
            if matcher.startswith("scope"):
                # A label that the rule of that name must have.
                [scope] = re.findall(r'^scope = "(\w+)"$', matcher)
                assert scope in {one["labels"].get("scope") for one in alerts()}
                continue
            pattern = re.fullmatch(r'alertname =~? "(.*)"', matcher)
            assert pattern, matcher
            assert any(re.fullmatch(pattern[1], name) for name in names), matcher


def test_deployments_and_autoscalers_have_the_names_of_the_jobs() -> None:
    """ServiceUnavailable compares their names with the label `job`, as the PodMonitor sets it."""
    [text] = build_combinations([("canary", "monitoring")])
    manifests = read_manifests(text)
    [(_, monitor)] = manifests.of("PodMonitor")
    label = monitor["spec"]["jobLabel"]
    jobs = [
        (one["metadata"]["name"], dig(one, "spec", "template", "metadata", "labels")[label])
        for _, one in manifests.of("Deployment")
    ]
    autoscaled = [
        (one["metadata"]["name"], one["spec"]["scaleTargetRef"]["name"])
        for _, one in manifests.of("HorizontalPodAutoscaler")
    ]

    assert jobs == [(job, job) for _, job in jobs]
    assert sorted(autoscaled) == sorted(jobs)
    assert jobs
