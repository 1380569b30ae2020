"""Readiness, and information on the model."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from modelseal import OpenedModel, open_sealed
from modelseal.signing import public_key_of, sign_model
from servicekit.testing import wait_until
from starlette.testclient import TestClient

Start = Callable[..., TestClient]


def become_ready(client: TestClient) -> None:
    wait_until(lambda: client.get("/ready").status_code == 200, "it is ready")


def become_refused(client: TestClient) -> None:
    wait_until(lambda: "refusal" in client.get("/ready").json(), "the model is refused")


@contextmanager
def loading(start: Start) -> Iterator[TestClient]:
    """A service whose model keeps loading."""
    go_on = threading.Event()

    def open_slowly(
        directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
    ) -> OpenedModel:
        go_on.wait(60)
        return open_sealed(directory, expected_sha256=expected_sha256, signers=signers)

    try:
        yield start(open_model=open_slowly)
    finally:
        go_on.set()


@pytest.fixture
def tampered_model(sealed_model: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "tampered"
    shutil.copytree(sealed_model, copy)
    (copy / "tiny.json").write_text(json.dumps({"slope": 2.5}))
    return copy


def test_a_proven_model_makes_it_ready(start: Start) -> None:
    client = start()
    become_ready(client)
    assert client.get("/ready").json() == {"status": "ready"}


def test_a_proven_model_predicts(start: Start) -> None:
    client = start()
    become_ready(client)
    assert client.post("/predict", json={"x": 21}).json() == {"y": 42}


def test_it_is_alive_while_the_model_loads(start: Start) -> None:
    with loading(start) as client:
        health = client.get("/health")
        assert (health.status_code, health.json()) == (
            200,
            {"status": "degraded", "model_loaded": False},
        )


def test_it_is_not_ready_while_the_model_loads(start: Start) -> None:
    with loading(start) as client:
        response = client.get("/ready")
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert response.json()["detail"] == "The model is being loaded and proven."


def test_it_does_not_predict_while_the_model_loads(start: Start) -> None:
    with loading(start) as client:
        assert client.post("/predict", json={"x": 1}).status_code == 503


def test_it_becomes_ready_once_the_model_is_loaded(start: Start) -> None:
    with loading(start) as client:
        assert client.get("/model_info").json()["verdict"] == "loading"
    become_ready(client)


def test_a_refused_model_is_named_with_its_reason(start: Start, tampered_model: Path) -> None:
    client = start(model_dir=tampered_model)
    become_refused(client)
    response = client.get("/ready")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:problem-type:model-not-ready"
    assert response.json()["refusal"] == "file-digest"
    assert "tiny.json" in response.json()["detail"]


@pytest.mark.parametrize("details", [True, False])
def test_details_of_a_refused_model_are_shown_if_settings_allow_it(
    start: Start, tampered_model: Path, details: bool
) -> None:
    client = start(model_dir=tampered_model, refusal_details=details)
    become_refused(client)
    for answer in (client.get("/ready"), client.post("/predict", json={"x": 1})):
        assert "file-digest" in answer.json()["detail"]
        assert (str(tampered_model) in answer.text) is details
    refusal = client.get("/model_info").json()["refusal"]
    assert refusal["code"] == "file-digest"
    assert (str(tampered_model) in refusal["message"]) is details


def test_it_is_healthy_once_the_model_is_proven(start: Start) -> None:
    client = start()
    become_ready(client)
    assert client.get("/health").json() == {"status": "healthy", "model_loaded": True}


def test_it_is_alive_but_degraded_when_the_model_is_refused(
    start: Start, tampered_model: Path
) -> None:
    client = start(model_dir=tampered_model)
    become_refused(client)
    response = client.get("/health")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "degraded", "model_loaded": False},
    )


def test_it_does_not_predict_when_the_model_is_refused(start: Start, tampered_model: Path) -> None:
    client = start(model_dir=tampered_model)
    become_refused(client)
    response = client.post("/predict", json={"x": 1})
    assert response.status_code == 503
    assert "file-digest" in response.json()["detail"]


def test_another_model_than_the_expected_one_is_refused(start: Start) -> None:
    client = start(model_sha256="0" * 64)
    become_refused(client)
    assert client.get("/ready").json()["refusal"] == "manifest-digest"


@pytest.fixture(scope="session")
def signed_model(sealed_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A signed model, and the public key of its signer."""
    copy = tmp_path_factory.mktemp("signed") / "tiny"
    shutil.copytree(sealed_model, copy)
    key = Ed25519PrivateKey.generate()
    return copy, sign_model(copy, key, signed=datetime.now(UTC)).signer


def other_signer() -> str:
    return public_key_of(Ed25519PrivateKey.generate())


def test_a_model_of_one_of_the_signers_is_served(
    start: Start, signed_model: tuple[Path, str]
) -> None:
    model, signer = signed_model
    client = start(model_dir=model, model_signers=f"{other_signer()}, {signer}")
    become_ready(client)
    assert client.post("/predict", json={"x": 21}).json() == {"y": 42}


def test_a_model_of_another_signer_is_refused(start: Start, signed_model: tuple[Path, str]) -> None:
    client = start(model_dir=signed_model[0], model_signers=other_signer())
    become_refused(client)
    assert client.get("/ready").json()["refusal"] == "unknown-signer"
    assert client.post("/predict", json={"x": 1}).status_code == 503


def test_an_unsigned_model_is_refused_if_signers_are_given(start: Start) -> None:
    client = start(model_signers=other_signer())
    become_refused(client)
    assert client.get("/ready").json()["refusal"] == "unsigned"


def test_an_unexpected_error_while_loading_does_not_end_the_process(start: Start) -> None:
    def open_badly(
        directory: Path, *, expected_sha256: str | None = None, signers: Sequence[str] = ()
    ) -> OpenedModel:
        raise RuntimeError(f"secret internals {directory} {expected_sha256} {signers}")

    client = start(open_model=open_badly)
    become_refused(client)
    assert client.get("/ready").json()["refusal"] == "unexpected"
    assert "secret" not in client.get("/ready").text


def test_model_info_describes_a_proven_model(start: Start) -> None:
    client = start()
    become_ready(client)
    info = client.get("/model_info").json()
    assert info["verdict"] == "proven"
    assert info["manifest"]["name"] == "tiny"
    assert info["manifest"]["version"] == "7"
    assert info["manifest"]["parameters"] == {"slope": 2.0}
    assert info["running"] == info["manifest"]["written_with"]
    assert len(info["sha256"]) == 64
    assert "golden" not in info["manifest"]


def test_model_info_describes_a_refusal(start: Start, tampered_model: Path) -> None:
    client = start(model_dir=tampered_model)
    become_refused(client)
    info = client.get("/model_info").json()
    assert (info["verdict"], info["refusal"]["code"]) == ("refused", "file-digest")
