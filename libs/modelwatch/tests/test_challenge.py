"""The command `modelwatch challenge`, with challengers that behave as the test asks."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from orders_service import install_service, service_command, write_orders, write_service
from site_packages import on_path

RELEASE = """\
# What the cluster runs.
[models.forecasts]
uri = "gs://models/forecasts/1"
sha256 = "1111111111111111111111111111111111111111111111111111111111111112"

[models.orders]
uri = "gs://models/orders/1"   # since March
sha256 = "1111111111111111111111111111111111111111111111111111111111111113"
prediction_log = "s3://watch/orders"

[models.orders.shadow]
uri = "gs://models/orders/shadowed"
sha256 = "1111111111111111111111111111111111111111111111111111111111111114"
"""

SIGNED = RELEASE.replace("prediction_log", 'signers = ["ed25519:KEY"]\nprediction_log')
URI = "gs://models/orders/2"


class Challenge(NamedTuple):
    """A finished challenge: the process, and its output folder."""

    done: subprocess.CompletedProcess[str]
    out: Path

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "decision.json").read_bytes())
        return found

    @property
    def reason(self) -> str:
        """The reason of the gate that failed."""
        [reason] = [gate["reason"] for gate in self.document["gates"] if not gate["passed"]]
        return str(reason)


class World(NamedTuple):
    """A service, its champion, and a table with old and new orders."""

    service: Path
    champion: Path
    data: Path
    folder: Path

    def challenge(self, kind: str, *options: str | Path, train: tuple[str, ...] = ()) -> Challenge:
        out = self.folder / f"out-{kind}"
        command = [sys.executable, "-m", "modelwatch", "challenge", self.service]
        command += ["--champion", self.champion, "--data", self.data, "--out", out, *options]
        command += ["--python", sys.executable, "--", "--kind", kind, *train]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        return Challenge(done, out)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with on_path(install_service(tmp_path_factory.mktemp("site"))):
        yield


@pytest.fixture(scope="module")
def base(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A champion that was trained on the first 1,000 orders, and a table of 5,000."""
    del installed
    folder = tmp_path_factory.mktemp("base")
    early = write_orders(folder / "early.csv", 1000)
    later = write_orders(folder / "later.csv", 4000, first=1000).read_text(encoding="utf-8")
    rows = early.read_text(encoding="utf-8") + later.split("\n", 1)[1]
    (folder / "orders.csv").write_text(rows, encoding="utf-8")
    out = ["--out", str(folder / "champion"), "--reports", str(folder / "reports")]
    command = service_command("train", "--data", early, *out, "--kind", "champion")
    subprocess.run(command, check=True, cwd=folder)
    return folder


@pytest.fixture
def world(base: Path, tmp_path: Path) -> World:
    service = write_service(tmp_path / "Orders")
    return World(service, base / "champion", base / "orders.csv", tmp_path)


def failed(found: Challenge) -> list[str]:
    """The gates that a challenger which is not promoted failed."""
    assert found.done.returncode == 1, found.done.stderr
    assert found.document["decision"] == "not-promoted"
    assert not (found.out / "promotion.patch").exists()
    names: list[str] = found.document["failed_gates"]
    return names


def publish(decision: Path, to: Path, *options: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "modelwatch", "publish-decision", decision, to, *options]
    command += ["--uri", URI]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_a_better_challenger_is_promoted(world: World) -> None:
    found = world.challenge("better")

    assert found.done.returncode == 0, found.done.stderr
    document = found.document
    assert document["decision"] == "promoted"
    names = ["runs", "unseen", "better", "plausible", "groups", "calibration", "golden", "size"]
    assert [gate["name"] for gate in document["gates"]] == [*names, "latency"]
    assert all(gate["passed"] for gate in document["gates"])
    # Every second one of the 4,000 orders that the champion was not trained on.
    assert document["rows"] == {"held_out": 2000, "compared": 2000}
    assert document["challenger"]["version"] == "1.0.0+better"
    assert document["metrics"]["log_loss"]["low"] > 0
    assert sorted(path.name for path in found.out.iterdir()) == [
        "challenger",
        "decision.html",
        "decision.json",
        "training-report",
    ]


def test_the_challenger_is_not_trained_on_held_out_rows(world: World) -> None:
    found = world.challenge("better")
    manifest = json.loads((found.out / "challenger" / "manifest.json").read_bytes())
    assert len(manifest["data"]["rows"]) == 3000


def test_a_worse_challenger_is_not_promoted(world: World) -> None:
    found = world.challenge("worse")
    assert "better" in failed(found)
    assert found.document["metrics"]["log_loss"]["high"] < 0


def test_an_equal_challenger_is_not_promoted(world: World) -> None:
    found = world.challenge("equal")
    assert failed(found) == ["better"]
    assert "gain of +0.0000" in found.reason


def test_a_challenger_that_is_better_on_average_but_worse_for_a_group_is_not_promoted(
    world: World,
) -> None:
    found = world.challenge("worse-in-spain")
    assert failed(found) == ["groups"]
    assert "larger by more than 5.0% in country Spain by" in found.reason
    assert found.document["metrics"]["log_loss"]["low"] > 0


def test_a_challenger_that_knows_the_outcome_is_not_promoted(world: World) -> None:
    found = world.challenge("leaked-truth")
    assert failed(found) == ["plausible"]
    assert "a feature that contains the outcome" in found.reason


def test_a_challenger_that_was_trained_on_held_out_rows_is_not_promoted(world: World) -> None:
    found = world.challenge("better", train=("--also", str(world.data)))
    assert failed(found) == ["unseen"]
    assert "2,000 of the 2,000 held-out rows are training rows of the challenger" in found.reason


def test_a_challenger_that_is_not_trained_is_not_promoted(world: World) -> None:
    found = world.challenge("crashes-in-training")
    assert failed(found) == ["runs"]
    assert "the solver does not converge" in found.reason
    assert found.document["challenger"] is None
    assert not (found.out / "challenger").exists()


def test_a_challenger_that_does_not_open_is_not_promoted(world: World) -> None:
    found = world.challenge("does-not-open")
    assert failed(found) == ["runs"]
    assert "model.json" in found.reason


def test_a_challenger_whose_golden_answers_changed_is_not_promoted(world: World) -> None:
    found = world.challenge("unsealed-state")
    assert failed(found) == ["runs"]
    assert "golden" in found.reason


def test_a_challenger_that_is_killed_while_it_scores_is_not_promoted(world: World) -> None:
    found = world.challenge("killed-while-scoring")
    assert failed(found) == ["runs"]
    assert "was ended by signal 9" in found.reason


def test_a_challenger_that_answers_nan_is_not_promoted(world: World) -> None:
    found = world.challenge("answers-nan")
    assert failed(found) == ["runs"]
    assert "row 8: output.probability is 'nan', which is not between 0 and 1" in found.reason


def test_a_challenger_that_is_too_slow_or_too_large_is_not_promoted(world: World) -> None:
    slow, large = world.challenge("slow"), world.challenge("large")
    assert failed(slow) == ["latency"]
    assert "30 to 90 µs of CPU time an answer, 3.00 times" in slow.reason
    assert failed(large) == ["size"]


def test_a_challenger_that_other_work_slowed_down_is_timed_again(world: World) -> None:
    found = world.challenge("slow-at-first")
    assert found.document["decision"] == "promoted"
    [latency] = [gate for gate in found.document["gates"] if gate["name"] == "latency"]
    assert latency["figures"]["challenger"] == 30


def test_nothing_is_decided_if_the_data_cannot_be_trained_on(world: World) -> None:
    found = world.challenge("unusable-data")
    assert found.done.returncode == 2
    assert "error: no column x" in found.done.stderr
    assert not found.out.exists()


def test_nothing_is_decided_on_rows_of_the_champion(world: World, base: Path) -> None:
    data = write_orders(world.folder / "more.csv", 100, first=1000).read_text(encoding="utf-8")
    early = (base / "early.csv").read_text(encoding="utf-8")
    both = world.folder / "both.csv"
    both.write_text(early + data.split("\n", 1)[1], encoding="utf-8")
    found = world._replace(data=both).challenge("better")
    assert found.done.returncode == 2
    assert "Only 50 held-out rows are certainly not among the champion's" in found.done.stderr
    assert not found.out.exists()


def test_nothing_is_decided_if_the_champion_cannot_be_scored(world: World, base: Path) -> None:
    broken = world.folder / "broken"
    broken.mkdir()
    for path in (base / "champion").iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    (broken / "model.json").write_text("{}", encoding="utf-8")
    found = world._replace(champion=broken).challenge("better")
    assert found.done.returncode == 2
    assert "score` ended with 1" in found.done.stderr
    assert not found.out.exists()


def test_a_missing_champion_a_missing_declaration_and_a_foreign_folder_are_refused(
    world: World,
) -> None:
    missing = world._replace(champion=world.folder / "none").challenge("better")
    assert missing.done.returncode == 2
    assert "The champion cannot be used: There is no sealed model" in missing.done.stderr

    foreign = world.folder / "out-better"
    foreign.mkdir()
    (foreign / "thesis.txt").touch()
    kept = world.challenge("better")
    assert kept.done.returncode == 2
    assert "holds other files than those of a decision" in kept.done.stderr
    assert [path.name for path in foreign.iterdir()] == ["thesis.txt"]

    (world.service / "service.toml").write_text('package = "orders"\n', encoding="utf-8")
    silent = world.challenge("better")
    assert silent.done.returncode == 2
    assert "does not declare how its models are compared" in silent.done.stderr


def test_the_page_shows_every_gate_and_needs_no_other_file(world: World) -> None:
    found = world.challenge("worse-in-spain")
    page = (found.out / "decision.html").read_text(encoding="utf-8")
    assert 'the challenger is <span class="drift">not promoted</span>' in page
    for gate in found.document["gates"]:
        assert f"<h3>{gate['name']}</h3>" in page
    assert "Gain in log_loss by country" in page
    assert "parameters.kind champion to worse-in-spain" in page
    assert not re.search(r"<script|(src|href)=|url\(|@import|https?://", page)


def test_a_promotion_is_a_patch_of_the_release_file_and_its_revert_a_rollback(
    world: World,
) -> None:
    repository = world.folder / "repository"
    file = repository / "deploy" / "clusters" / "gke.toml"
    file.parent.mkdir(parents=True)
    file.write_text(RELEASE, encoding="utf-8")

    def git(*arguments: str | Path) -> None:
        identity = [
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@localhost",
            "-c",
            "commit.gpgsign=false",
        ]
        command = ["git", *identity, *map(str, arguments)]
        subprocess.run(command, cwd=repository, check=True, capture_output=True)

    git("init", "--quiet")
    git("add", ".")
    git("commit", "-m", "Deploy")
    uri = "gs://models/orders/2"
    found = world.challenge("better", "--release", file, "--uri", uri)
    assert found.done.returncode == 0, found.done.stderr
    assert file.read_text(encoding="utf-8") == RELEASE
    assert f"modelseal push {found.out}/challenger {uri}" in found.done.stdout

    git("apply", found.out / "promotion.patch")
    sha256 = found.document["challenger"]["sha256"]
    assert file.read_text(encoding="utf-8") == RELEASE.replace(
        '"gs://models/orders/1" ', f'"{uri}" '
    ).replace("1" * 63 + "3", sha256)
    git("commit", "--all", "-m", "Promote")
    git("revert", "--no-edit", "HEAD")
    assert file.read_text(encoding="utf-8") == RELEASE


def test_a_release_file_that_cannot_be_patched_is_refused_before_the_training(
    world: World,
) -> None:
    file = world.folder / "gke.toml"
    for text, message in (
        (RELEASE.replace("models.orders", "models.other"), "no table [models.orders]"),
        ("models = 3\n", "has no table [models.NAME]"),
        (
            f'[models]\norders = {{ uri = "gs://a/b", sha256 = "{"2" * 64}" }}\n',
            "is not written with one line for uri and one for sha256",
        ),
    ):
        file.write_text(text, encoding="utf-8")
        found = world.challenge("better", "--release", file, "--uri", "gs://models/orders/2")
        assert found.done.returncode == 2
        assert message in found.done.stderr
        assert "Splitting" not in found.done.stderr


def test_a_compared_challenger_that_is_not_promoted_may_end_with_0_but_not_a_broken_one(
    world: World,
) -> None:
    equal = world.challenge("equal", "--succeed-if-compared")
    assert equal.done.returncode == 0, equal.done.stderr
    assert "decision:    not promoted" in equal.done.stdout
    for kind in ("crashes-in-training", "does-not-open", "answers-nan"):
        broken = world.challenge(kind, "--succeed-if-compared")
        assert broken.done.returncode == 1
        assert "runs:        FAILED" in broken.done.stdout
    undecided = world.challenge("unusable-data", "--succeed-if-compared")
    assert undecided.done.returncode == 2


def test_a_published_promotion_ends_with_the_patch_of_the_release_file(world: World) -> None:
    found = world.challenge("better")
    sha256 = found.document["challenger"]["sha256"]
    repository, to = world.folder / "repository", world.folder / "published"
    file = repository / "deploy" / "clusters" / "gke.toml"
    file.parent.mkdir(parents=True)
    file.write_text(SIGNED, encoding="utf-8")
    # A copy, as a pod has one: its place says nothing of its path in the repository.
    copy = world.folder / "cluster.toml"
    copy.write_text(SIGNED, encoding="utf-8")

    options: list[str | Path] = ["--release", copy]
    options += ["--release-path", "deploy/clusters/gke.toml"]
    done = publish(found.out, to, *options)

    assert done.returncode == 0, done.stderr
    names = ["decision.html", "decision.json", "promotion.patch"]
    assert sorted(path.name for path in to.iterdir()) == names
    assert (to / "decision.json").read_bytes() == (found.out / "decision.json").read_bytes()
    patch = (to / "promotion.patch").read_text(encoding="utf-8")
    printed, start, end = done.stdout.partition("--- a/deploy/clusters/gke.toml\n")
    assert start + end == patch
    assert f"decision:    promoted; see {to}\nMODEL_URI={URI}\nMODEL_SHA256={sha256}\n" in printed
    assert f"modelseal fetch {URI} --sha256 {sha256} --to signed" in printed
    subprocess.run(["git", "init", "--quiet"], cwd=repository, check=True)
    subprocess.run(["git", "apply"], cwd=repository, check=True, input=patch.encode())
    changed = file.read_text(encoding="utf-8")
    assert changed == SIGNED.replace('"gs://models/orders/1" ', f'"{URI}" ').replace(
        "1" * 63 + "3", sha256
    )


def test_a_published_decision_names_the_gates_that_failed_and_has_no_patch(world: World) -> None:
    found = world.challenge("equal")
    file, to = world.folder / "gke.toml", world.folder / "published"
    file.write_text(SIGNED, encoding="utf-8")

    done = publish(found.out, to, "--release", file)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("better:      FAILED  ")
    sha256 = found.document["challenger"]["sha256"]
    assert done.stdout.endswith(f"MODEL_URI={URI}\nMODEL_SHA256={sha256}\n")
    assert sorted(path.name for path in to.iterdir()) == ["decision.html", "decision.json"]


def test_what_is_no_decision_is_not_published(world: World) -> None:
    to = world.folder / "published"
    broken = world.challenge("crashes-in-training")
    file = world.folder / "gke.toml"
    file.write_text(RELEASE.replace("models.orders", "models.other"), encoding="utf-8")
    empty = world.folder / "empty"
    empty.mkdir()
    other = world.folder / "other"
    other.mkdir()
    (other / "decision.json").write_text("{}", encoding="utf-8")
    (other / "decision.html").touch()
    promoted = world.challenge("better")
    for done, message in (
        (publish(broken.out, to), "has no challenger, because none was sealed"),
        (publish(empty, to), "decision.json: No such file or directory."),
        (publish(other, to), "decision.json is not a decision: decision"),
        (publish(promoted.out, to, "--release", file), "no table [models.orders]"),
    ):
        assert done.returncode == 2
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert not to.exists()
