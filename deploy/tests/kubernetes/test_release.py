import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clouds import OVERLAY, needs_cloud
from manifests.cli import main
from manifests.combinations import example_release, with_shadows
from manifests.errors import ReleaseError
from manifests.leave_out import report_images, retraining_images, supplied
from manifests.release import ClusterFile, Release, read_release
from manifests.services import image_names, model_names, shadow_names

# With made-up values of a cluster, whatever those of the overlays are.
EXAMPLE = replace(
    example_release(OVERLAY),
    values={"DOMAIN": "ml.sample.test", "LOAD_BALANCER_CIDR": "10.20.240.0/20"},
)
VALUES = frozenset(EXAMPLE.values)
DIGEST = "3f2c6a9b" * 8
# Any image and any model of the repository.
IMAGE, MODEL = min(image_names()), min(model_names())
KEY = "ed25519:mWkNDHlfXSm1IPOgBnfwtqa+cNiVwiJ3rlo1c4hQ2sE="


def document(release: Release = EXAMPLE) -> dict[str, Any]:
    return {
        "images": dict(release.images),
        "models": {
            name: {"uri": model.uri, "sha256": model.sha256}
            | ({"signers": list(model.signers)} if model.signers else {})
            | ({"prediction_log": model.prediction_log} if model.prediction_log else {})
            | ({"shadow": vars(model.shadow)} if model.shadow else {})
            for name, model in release.models.items()
        },
        "values": dict(release.values),
    } | ({"cluster_file": dict(vars(release.cluster_file))} if release.cluster_file else {})


def write(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "release.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_toml_and_json_say_the_same(tmp_path: Path) -> None:
    example = with_shadows(EXAMPLE)
    content = document(example)
    lines = [
        f"[{section}]\n"
        + "".join(f'{name} = "{value}"\n' for name, value in content[section].items())
        for section in ("images", "values")
    ]
    for name, model in content["models"].items():
        lines.append(f'[models.{name}]\nuri = "{model["uri"]}"\nsha256 = "{model["sha256"]}"\n')
        lines.append(f"signers = {json.dumps(model['signers'])}\n")
        lines.append(f'prediction_log = "{model["prediction_log"]}"\n')
        if shadow := model.get("shadow"):
            lines.append(f"[models.{name}.shadow]\n")
            lines += [f'{key} = "{value}"\n' for key, value in shadow.items()]
    toml = tmp_path / "release.toml"
    toml.write_text("\n".join(lines), encoding="utf-8")
    found = read_release(toml, values=VALUES, overlay=OVERLAY)
    assert read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY) == example
    # The TOML file is itself the one that a promotion changes.
    if example.cluster_file:
        assert found.cluster_file == ClusterFile("release.toml", toml.read_text(encoding="utf-8"))
    assert replace(found, cluster_file=example.cluster_file) == example


def change(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Set the value at a dotted path, or remove it where the value is None."""

    def apply(content: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        node = content
        for part in parents:
            node = node[part]
        if value is None:
            del node[last]
        else:
            node[last] = value

    return apply


REFUSED = [
    (f"images.{IMAGE}", None, f"images.{IMAGE}: missing"),
    (f"images.{IMAGE}", "", f"images.{IMAGE}: empty"),
    (f"images.{IMAGE}", "r.test/b:1.0.0", "not REGISTRY/NAME@sha256:DIGEST"),
    (f"images.{IMAGE}", "r.test/b:latest", "not REGISTRY/NAME@sha256:DIGEST"),
    (f"images.{IMAGE}", f"name@sha256:{DIGEST}", "not REGISTRY/NAME@sha256"),
    (f"images.{IMAGE}", "r.test/b@sha256:abc", "not REGISTRY/NAME@sha256"),
    (f"images.{IMAGE}", f"r.test/b@sha256:{'0' * 64}", "is a placeholder"),
    (
        f"images.{IMAGE}",
        f"<registry>/b@sha256:{DIGEST}",
        "'<registry>' is a placeholder",
    ),
    (f"images.{IMAGE}", f"r.example.com/b@sha256:{DIGEST}", "is a placeholder"),
    ("images.other", f"r.test/b@sha256:{DIGEST}", "images.other: unknown"),
    (f"models.{MODEL}", None, f"models.{MODEL}: missing"),
    (f"models.{MODEL}.uri", None, f"models.{MODEL}.uri: empty"),
    (f"models.{MODEL}.uri", "https://bucket/model", "not a folder at gs://"),
    (f"models.{MODEL}.uri", "gs://bucket", "not a folder at gs://"),
    (f"models.{MODEL}.uri", "gs://CHANGE-ME/model", "'CHANGE-ME' is a placeholder"),
    (f"models.{MODEL}.sha256", None, f"models.{MODEL}.sha256: empty"),
    (f"models.{MODEL}.sha256", DIGEST.upper(), "not a SHA-256"),
    (f"models.{MODEL}.sha256", "ab" * 32, "is a placeholder"),
    (f"models.{MODEL}.signers", [], f"models.{MODEL}.signers: not a list of public keys"),
    (f"models.{MODEL}.signers", KEY, f"models.{MODEL}.signers: not a list of public keys"),
    (f"models.{MODEL}.signers", [KEY, "latest"], "not a public key as `modelseal sign` prints"),
    (f"models.{MODEL}.signers", [f"{KEY},{KEY}"], "not a public key as `modelseal sign` prints"),
    (f"models.{MODEL}.signers", [5], "not a public key as `modelseal sign` prints it: 5"),
    (f"models.{MODEL}.signers", [f"ed25519:{'A' * 43}="], "is a placeholder, give the real key"),
    (f"models.{MODEL}.prediction_log", "", f"models.{MODEL}.prediction_log: empty"),
    (f"models.{MODEL}.prediction_log", 5, f"models.{MODEL}.prediction_log: empty"),
    (f"models.{MODEL}.prediction_log", "gs://bucket", "not a folder at gs:// or s3://"),
    (f"models.{MODEL}.prediction_log", "file:///tmp/log", "not a folder at gs:// or s3://"),
    (f"models.{MODEL}.prediction_log", "/log", "not a folder at gs:// or s3://"),
    (f"models.{MODEL}.prediction_log", "gs://CHANGE-ME/log", "'CHANGE-ME' is a placeholder"),
    (f"models.{MODEL}.note", "x", f"models.{MODEL}.note: unknown"),
    (f"models.{MODEL}", "gs://bucket/model", f"models.{MODEL}.uri: empty"),
    ("values.DOMAIN", None, "values.DOMAIN: missing"),
    ("values.DOMAIN", "  ", "values.DOMAIN: empty"),
    ("values.DOMAIN", "ml.example.com", "is a placeholder"),
    ("values.DOMAIN", "${DOMAIN}", "is a placeholder"),
    ("values.DOMAIN", "ml.acme.test\nMORE=1", "more than one line"),
    ("values.DOMAIN", 5, "values.DOMAIN: empty"),
    ("values.CLUSTER", "x", "values.CLUSTER: unknown"),
    ("values", "x", "values: not a table"),
    ("version", "1.0.0", "version: unknown"),
]
if EXAMPLE.cluster_file:
    REFUSED += [
        ("cluster_file", None, "cluster_file: not a table with path and text"),
        ("cluster_file", "deploy/clusters/c.toml", "cluster_file: not a table with path and text"),
        ("cluster_file.path", "", "cluster_file: not a table with path and text"),
        ("cluster_file.text", None, "cluster_file: not a table with path and text"),
        ("cluster_file.note", "x", "cluster_file: not a table with path and text"),
        ("cluster_file.text", "[models]", "the last line has no end"),
    ]


@pytest.mark.parametrize(("path", "value", "finding"), REFUSED)
def test_a_release_that_would_be_forgotten_is_refused(
    tmp_path: Path, path: str, value: object, finding: str
) -> None:
    content = document()
    change(path, value)(content)
    with pytest.raises(ReleaseError) as refused:
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)
    assert finding in str(refused.value)


@pytest.mark.parametrize(
    ("cidr", "finding"),
    [
        ("0.0.0.0/0", "is wider than a /17"),
        ("10.0.0.0/8", "is wider than a /17"),
        ("10.20.0.0/16", "is wider than a /17"),
        ("10.20.240.7/20", "is not a range of IPv4 addresses"),
        ("10.20.240.0", "is one address"),
        ("10.20.128.0/17", None),
        ("100.64.16.0/20", None),
        ("everywhere", "is not a range of IPv4 addresses"),
        ("fd00::/64", "is not a range of IPv4 addresses"),
        ("52.94.240.0/20", "is public"),
    ],
)
def test_the_load_balancers_range_is_one_of_subnets_and_private(
    tmp_path: Path, cidr: str, finding: str | None
) -> None:
    content = document()
    change("values.LOAD_BALANCER_CIDR", cidr)(content)
    path = write(tmp_path, content)
    if finding is None:
        assert (
            read_release(path, values=VALUES, overlay=OVERLAY).values["LOAD_BALANCER_CIDR"] == cidr
        )
        return
    with pytest.raises(ReleaseError) as refused:
        read_release(path, values=VALUES, overlay=OVERLAY)
    assert f"values.LOAD_BALANCER_CIDR: {cidr!r} {finding}" in str(refused.value)


def test_a_model_may_name_those_who_sign_it(tmp_path: Path) -> None:
    content = document()
    change(f"models.{MODEL}.signers", [KEY])(content)
    models = read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY).models
    example = EXAMPLE.models
    assert models[MODEL].signers == (KEY,)
    assert len(example[MODEL].signers) == 2
    assert {**models, MODEL: example[MODEL]} == example

    change(f"models.{MODEL}.signers", None)(content)
    assert (
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY).models[MODEL].signers
        == ()
    )


@pytest.mark.skipif(len(model_names()) < 2, reason="there is one model")
def test_two_models_with_one_log_are_refused(tmp_path: Path) -> None:
    content = document()
    first, other, *_ = sorted(model_names())
    change(f"models.{first}.prediction_log", "gs://bucket/log")(content)
    change(f"models.{other}.prediction_log", "gs://bucket/log/")(content)
    with pytest.raises(ReleaseError) as refused:
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)
    found = f"models.{other}.prediction_log: models.{first} has the same folder"
    assert found in str(refused.value)


@pytest.fixture(scope="module")
def shadowed() -> str:
    """A model that may have a challenger."""
    if not (names := shadow_names()):
        pytest.skip("no service takes a challenger")
    return min(names)


@pytest.mark.parametrize(
    ("path", "value", "finding"),
    [
        ("", "gs://bucket/2", "MODEL.shadow: not a table with uri and sha256"),
        (".uri", None, "MODEL.shadow.uri: empty"),
        (".uri", "file:///models/2", "MODEL.shadow.uri: not a folder at gs:// or s3://"),
        (".uri", "gs://bucket", "MODEL.shadow.uri: not a folder at gs:// or s3://"),
        (".uri", "gs://CHANGE-ME/2", "MODEL.shadow.uri: 'CHANGE-ME' is a placeholder"),
        (".sha256", None, "MODEL.shadow.sha256: empty"),
        (".sha256", "abc", "MODEL.shadow.sha256: not a SHA-256"),
        (".sha256", "ab" * 32, "MODEL.shadow.sha256: abababab… is a placeholder"),
        (".signers", [KEY], "MODEL.shadow.signers: unknown"),
    ],
)
def test_a_challenger_needs_an_address_and_a_digest(
    tmp_path: Path, shadowed: str, path: str, value: object, finding: str
) -> None:
    content = document(with_shadows(EXAMPLE))
    change(f"models.{shadowed}.shadow{path}", value)(content)
    with pytest.raises(ReleaseError) as refused:
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)
    [output] = str(refused.value).splitlines()[1:]
    assert finding.replace("MODEL", f"models.{shadowed}") in output


def test_a_challenger_needs_the_log_of_its_answers(tmp_path: Path, shadowed: str) -> None:
    content = document(with_shadows(EXAMPLE))
    change(f"models.{shadowed}.prediction_log", None)(content)
    with pytest.raises(ReleaseError) as refused:
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)
    [output] = str(refused.value).splitlines()[1:]
    assert f"models.{shadowed}.shadow: needs models.{shadowed}.prediction_log, which" in output


def test_a_challenger_that_nothing_takes_is_refused(
    tmp_path: Path, shadowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manifests.release.shadow_names", frozenset)
    content = document()
    change(f"models.{shadowed}.prediction_log", "gs://bucket/log")(content)
    change(f"models.{shadowed}.shadow", {"uri": "gs://bucket/2", "sha256": DIGEST})(content)
    with pytest.raises(ReleaseError, match="no workload of the service takes a challenger"):
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)


def test_a_model_with_a_log_needs_the_image_of_its_reports(tmp_path: Path) -> None:
    content = document()
    image = report_images(())[MODEL]
    change(f"images.{image}", None)(content)
    with pytest.raises(ReleaseError, match=f"images.{image}: missing"):
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)

    without_log = document()
    change(f"models.{MODEL}.prediction_log", None)(without_log)
    assert image not in read_release(write(tmp_path, without_log), values=VALUES).images
    del without_log["images"][image]
    read_release(write(tmp_path, without_log), values=VALUES)

    # Nor is it needed without the jobs.
    without_jobs = read_release(
        write(tmp_path, content | {"leave_out": ["reports"]}), values=VALUES
    )
    assert not set(report_images(()).values()) & without_jobs.images.keys()


@needs_cloud
def test_retraining_needs_the_image_of_challenges_and_the_cluster_file(tmp_path: Path) -> None:
    content = document()
    images = retraining_images(())
    assert images
    for name in images:
        del content["images"][name]
    for model in content["models"].values():
        model.pop("prediction_log", None)
    with pytest.raises(ReleaseError) as refused:
        read_release(write(tmp_path, content), values=VALUES, overlay=OVERLAY)
    findings = {line.strip() for line in str(refused.value).splitlines()[1:]}
    assert findings == {f"images.{name}: missing" for name in images}

    # Neither is needed without retraining, and a surplus cluster file is ignored.
    without = content | {"leave_out": ["retraining"]}
    found = read_release(write(tmp_path, without), values=VALUES, overlay=OVERLAY)
    assert found.cluster_file is None
    del without["cluster_file"]
    read_release(write(tmp_path, without), values=VALUES, overlay=OVERLAY)


def test_all_findings_are_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError) as refused:
        read_release(write(tmp_path, {}), values=VALUES, overlay=OVERLAY)
    output = str(refused.value).splitlines()[1:]
    # No model has a log, so that no image of reports is missing.
    count = len(supplied(())[0]) + len(model_names()) + len(VALUES)
    if EXAMPLE.cluster_file:
        count += len(retraining_images(()))
        [other] = [line for line in output if not line.endswith("missing")]
        assert "cluster_file" in other
        output.remove(other)
    assert len(output) == count
    assert all(line.endswith("missing") for line in output)


def test_tags_are_for_one_machine_only(tmp_path: Path) -> None:
    content = document(example_release("local"))
    change(f"images.{IMAGE}", f"localhost/{IMAGE}:dev")(content)
    path = write(tmp_path, content)
    release = read_release(path, values=frozenset(), tags=True)
    assert release.images[IMAGE] == f"localhost/{IMAGE}:dev"
    with pytest.raises(ReleaseError):
        read_release(path, values=frozenset())
    change(f"images.{IMAGE}", f"localhost/{IMAGE}:latest")(content)
    with pytest.raises(ReleaseError, match="latest"):
        read_release(write(tmp_path, content), values=frozenset(), tags=True)


@pytest.mark.parametrize("content", ["[images", "\x00", "{"])
def test_what_is_no_toml_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "release.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ReleaseError, match="neither TOML nor"):
        read_release(path, values=VALUES, overlay=OVERLAY)


def test_the_command_writes_nothing_for_a_bad_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "cluster.yaml"
    with pytest.raises(SystemExit) as ended:
        main(["render", OVERLAY, str(write(tmp_path, {})), "--out", str(out)])
    assert ended.value.code == 2
    assert f"images.{IMAGE}: missing" in capsys.readouterr().err
    assert not out.parent.exists()


def test_a_missing_release_file_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="DIGESTS=FILE"):
        read_release(tmp_path / "none.toml", values=VALUES, overlay=OVERLAY)
