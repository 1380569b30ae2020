"""From what was pushed to what is applied: digests, signatures, the release file."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from clouds import OVERLAY, needs_cloud
from manifests.leave_out import retraining_images
from manifests.release import ClusterFile, read_release
from manifests.render import CLOUDS

from workflows.reading import ROOT, SERVICES
from workflows.recorded import Programs

TOOL = ROOT / "deploy/release/release.py"
IMAGES = ("orders-service", "reviews", "trips-pipeline")
DIGESTS = {image: "sha256:" + f"{number}a3f" * 16 for number, image in enumerate(IMAGES, 1)}
MODEL = """\
[models.{0}]
uri = "gs://models/{0}/1"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
"""
VALUES = """\
[values]
DOMAIN = "ml.real-domain.test"
BUCKET_URI = "gs://models"
"""
CLUSTER = MODEL.format("orders") + VALUES


def run(
    *arguments: str | Path, programs: Programs | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, TOOL, *arguments],
        env=programs.environment() if programs else None,
        capture_output=True,
        text=True,
        check=False,
    )


def pushed(folder: Path, registry: str, digests: dict[str, str]) -> None:
    for image, digest in digests.items():
        out = folder / registry / f"{image}.json"
        assert run("record", image, digest, "--out", out).returncode == 0


def composed(
    tmp_path: Path,
    cluster: str = CLUSTER,
    digests: dict[str, str] = DIGESTS,
    registry: str = "r.test/x",
) -> tuple[int, Path]:
    (tmp_path / "cluster.toml").write_text(cluster, encoding="utf-8")
    (tmp_path / "digests.json").write_text(json.dumps(digests), encoding="utf-8")
    out = tmp_path / "release.json"
    done = run(
        "compose", tmp_path / "cluster.toml", tmp_path / "digests.json",
        "--registry", registry, "--out", out,
    )  # fmt: skip
    return done.returncode, out


def test_what_every_registry_was_given_becomes_one_file(tmp_path: Path) -> None:
    pushed(tmp_path / "pushed", "one", DIGESTS)
    pushed(tmp_path / "pushed", "another", DIGESTS)
    out = tmp_path / "digests.json"

    assert run("merge", tmp_path / "pushed", "--images", *IMAGES, "--out", out).returncode == 0

    assert json.loads(out.read_text(encoding="utf-8")) == DIGESTS


def test_two_registries_with_different_images_are_no_release(tmp_path: Path) -> None:
    pushed(tmp_path / "pushed", "one", DIGESTS)
    pushed(tmp_path / "pushed", "another", DIGESTS | {IMAGES[0]: "sha256:" + "9b" * 32})
    out = tmp_path / "digests.json"

    done = run("merge", tmp_path / "pushed", "--images", *IMAGES, "--out", out)

    assert done.returncode == 2
    assert f"{IMAGES[0]} has two digests" in done.stderr
    assert not out.exists()


def test_an_image_that_was_not_pushed_is_missed(tmp_path: Path) -> None:
    pushed(tmp_path / "pushed", "one", {IMAGES[0]: DIGESTS[IMAGES[0]]})

    done = run("merge", tmp_path / "pushed", "--images", *IMAGES, "--out", tmp_path / "out.json")

    assert done.returncode == 2
    assert "not everything was pushed" in done.stderr


@pytest.mark.parametrize("digest", ["", "latest", "sha256:12", "md5:" + "a" * 64])
def test_what_is_no_digest_is_not_written_down(digest: str, tmp_path: Path) -> None:
    done = run("record", IMAGES[0], digest, "--out", tmp_path / "out.json")

    assert done.returncode == 2
    assert not (tmp_path / "out.json").exists()


def test_the_release_file_is_one_that_the_manifests_take(tmp_path: Path) -> None:
    images = {one.image_name for one in SERVICES.values()} | retraining_images(())
    digests = dict.fromkeys(images, DIGESTS[IMAGES[0]])
    names = [one.package for one in SERVICES.values()]
    cluster = "".join(map(MODEL.format, names)) + VALUES
    registry = "registry.test/project/pinned-ml"
    status, out = composed(tmp_path, cluster, digests, registry + "/")

    assert status == 0
    values = frozenset({"DOMAIN", "BUCKET_URI"})
    release = read_release(out, values=values, overlay=OVERLAY)
    wanted = images if CLOUDS else {one.image_name for one in SERVICES.values()}
    assert release.images == {image: f"{registry}/{image}@{digests[image]}" for image in wanted}
    assert {name: model.uri for name, model in release.models.items()} == {
        name: f"gs://models/{name}/1" for name in names
    }
    # The file that a promotion changes, outside of this repository by its name alone.
    assert release.cluster_file == (ClusterFile("cluster.toml", cluster) if CLOUDS else None)


def test_the_release_file_has_the_path_and_the_bytes_of_the_cluster_file(tmp_path: Path) -> None:
    tool = tmp_path / "deploy/release/release.py"
    tool.parent.mkdir(parents=True)
    shutil.copy(TOOL, tool)
    file = tmp_path / "deploy/clusters/c.toml"
    file.parent.mkdir()
    contents = CLUSTER.replace("\n", "\r\n").encode()
    file.write_bytes(contents)
    (tmp_path / "digests.json").write_text(json.dumps(DIGESTS), encoding="utf-8")
    command = [sys.executable, str(tool), "compose", "deploy/clusters/c.toml", "digests.json"]
    subprocess.run(
        [*command, "--registry", "r.test/x", "--out", "out.json"], cwd=tmp_path, check=True
    )
    found = json.loads((tmp_path / "out.json").read_bytes())["cluster_file"]
    assert found == {"path": "deploy/clusters/c.toml", "text": contents.decode()}


@pytest.mark.parametrize(
    ("cluster", "registry", "words"),
    [
        (CLUSTER + "[images]\n", "r.test/x", "images come from the release"),
        ("models = ", "r.test/x", "is not TOML"),
        (CLUSTER, "", "set the variable REGISTRY"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused(
    cluster: str, registry: str, words: str, tmp_path: Path
) -> None:
    (tmp_path / "cluster.toml").write_text(cluster, encoding="utf-8")
    (tmp_path / "digests.json").write_text(json.dumps(DIGESTS), encoding="utf-8")
    arguments = (tmp_path / "cluster.toml", tmp_path / "digests.json", "--registry", registry)

    done = run("compose", *arguments, "--out", tmp_path / "out.json")

    assert done.returncode == 2
    assert words in done.stderr


def test_a_cluster_that_nobody_described_says_where_to_read(tmp_path: Path) -> None:
    (tmp_path / "digests.json").write_text("{}", encoding="utf-8")
    arguments = (tmp_path / "cluster.toml", tmp_path / "digests.json", "--registry", "r.test")

    done = run("compose", *arguments, "--out", tmp_path / "out.json")

    assert done.returncode == 2
    assert "docs/deploy.md" in done.stderr


def test_every_image_is_verified_against_the_release_of_its_version(
    tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    _, release = composed(tmp_path)
    cosign = programs("cosign")

    done = run(
        "verify", release, "--repository", "owner/name", "--version", "v1.2.3", programs=cosign
    )

    assert done.returncode == 0
    identity = "https://github.com/owner/name/.github/workflows/release.yml@refs/tags/v1.2.3"
    assert [call[:-1] for call in cosign.calls()] == [
        [
            *("cosign", "verify"),
            *("--certificate-oidc-issuer", "https://token.actions.githubusercontent.com"),
            *("--certificate-identity", identity, f"r.test/x/{image}@{digest}"),
        ]
        for image, digest in DIGESTS.items()
    ]


def test_one_image_that_is_not_signed_stops_everything(
    tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    _, release = composed(tmp_path)
    cosign = programs("cosign")
    cosign.answer({DIGESTS[IMAGES[1]]: (1, "no matching signatures")})

    done = run(
        "verify", release, "--repository", "owner/name", "--version", "v1.2.3", programs=cosign
    )

    assert done.returncode == 2
    assert f"{IMAGES[1]}@{DIGESTS[IMAGES[1]]} is not signed by" in done.stderr
    assert "no matching signatures" in done.stderr


@pytest.mark.parametrize("version", ["", "main", "1.2.3", "v1.2.3/../../heads/main", "v1.2"])
def test_what_is_no_version_is_not_looked_for(
    version: str, tmp_path: Path, programs: Callable[..., Programs]
) -> None:
    _, release = composed(tmp_path)
    cosign = programs("cosign")

    done = run(
        "verify", release, "--repository", "owner/name", "--version", version, programs=cosign
    )

    assert done.returncode == 2
    assert cosign.calls() == []


@pytest.mark.parametrize("version", ["", "main", "v1.2", "v1.2.3\n", "v1.2.3 ", "$(shell id)"])
def test_a_version_that_is_none_is_refused_first(version: str) -> None:
    done = subprocess.run(
        [sys.executable, TOOL, "check-version"],
        env={"VERSION": version},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "is not a version such as v1.2.3" in done.stderr


TYPED = [
    *("CLUSTER", "DIGESTS", "REGISTRY", "REPOSITORY", "VERSION"),
    *("EKS_CLUSTER", "AWS_REGION"),  # only cloud: aws
]


@pytest.mark.parametrize(
    "target",
    [
        *("check-version", "verify-release", "publish-release", "smoke", "take-snapshot"),
        *(f"{target}-{cluster}" for target in ("log-in", "roll-back") for cluster in CLOUDS),
        pytest.param("release-file", marks=needs_cloud),
        "connect-eks",  # only cloud: aws
        *(f"{target}-{min(SERVICES)}" for target in ("push", "pushed", "sign")),
    ],
)
def test_nothing_that_the_environment_holds_is_carried_out(target: str, tmp_path: Path) -> None:
    """A dry run carries out nothing but what make itself does while it expands."""
    witness = tmp_path / "witness"
    typed = f"v1$(shell touch {witness})"

    output = subprocess.run(
        ["make", "--dry-run", target],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(TYPED, typed) | {"CLUSTER": OVERLAY},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert output
    assert typed not in output
    assert not witness.exists()


@pytest.mark.parametrize(
    "target",
    [
        "release-file",
        "cluster-values",  # only cloud: gcp aws
    ],
)
@pytest.mark.parametrize("cluster", ["no-such", f"{OVERLAY} {OVERLAY}", "$(shell touch {witness})"])
def test_a_cluster_that_there_is_not_is_refused_and_the_others_are_named(
    cluster: str, target: str, tmp_path: Path
) -> None:
    cluster = cluster.format(witness=tmp_path / "witness")

    done = subprocess.run(
        ["make", "--dry-run", target],
        cwd=ROOT,
        env=os.environ | dict.fromkeys(TYPED, "v1.2.3") | {"CLUSTER": cluster},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert f"unknown cluster {cluster}; known clusters: {' '.join(CLOUDS)}" in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "witness").exists()


def test_a_version_in_the_environment_reaches_the_program_as_it_is() -> None:
    for version, status in (("v1.2.3", 0), ("v1$(shell echo .2.3)", 2)):
        done = subprocess.run(
            ["make", "--silent", "check-version"],
            cwd=ROOT,
            env=os.environ | {"VERSION": version},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr


def test_the_values_of_terraform_become_those_of_a_cluster_file() -> None:
    values = {"DOMAIN": "ml.example.org", "BUCKET_URI": 's3://a"b'}

    done = subprocess.run(
        [sys.executable, TOOL, "values"],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=True,
    )

    assert tomllib.loads(done.stdout) == {"values": values}
