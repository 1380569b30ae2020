from collections.abc import Callable

import pytest
from pydantic import ValidationError
from servicekit import ServiceSettings, load_settings

KEY = "k" * 32
SHA256 = "a" * 64
SIGNER = "ed25519:" + "a" * 42 + "A="
PLACEHOLDER = "ed25519:" + "A" * 43 + "="
SAFE = {"APP_ENV": "production", "API_KEYS": KEY, "MODEL_SHA256": SHA256}

Environment = Callable[..., None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    def set_variables(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables


def refusal(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as exit_:
        load_settings(ServiceSettings)
    assert exit_.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    return written.err


def test_an_empty_environment_is_enough_for_development() -> None:
    settings = load_settings(ServiceSettings)
    assert (settings.app_env, settings.host, settings.authenticates) == (
        "development",
        "127.0.0.1",
        False,
    )


def test_variables_are_read_by_their_names_in_capitals(environment: Environment) -> None:
    environment(MAX_BODY_BYTES="17", API_KEYS="one, two")
    settings = load_settings(ServiceSettings)
    assert settings.max_body_bytes == 17
    assert [key.get_secret_value() for key in settings.api_keys] == ["one", "two"]
    assert settings.authenticates


def test_an_override_takes_precedence_over_the_environment(environment: Environment) -> None:
    environment(PORT="1234")
    assert load_settings(ServiceSettings, port=4321).port == 4321


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load_settings(ServiceSettings).port = 1


def test_a_service_adds_settings_of_its_own(environment: Environment) -> None:
    class Own(ServiceSettings):
        threshold: float = 0.5

    environment(THRESHOLD="0.7")
    assert load_settings(Own).threshold == 0.7


def test_safe_settings_are_accepted_in_production(environment: Environment) -> None:
    environment(**SAFE)
    assert load_settings(ServiceSettings).authenticates


def test_signers_replace_a_digest_in_production(environment: Environment) -> None:
    other = SIGNER.replace("a", "b")
    environment(**{**SAFE, "MODEL_SHA256": "", "MODEL_SIGNERS": f"{SIGNER}, {other}"})
    assert load_settings(ServiceSettings).model_signers == (SIGNER, other)


def test_explicit_no_authentication_is_accepted_in_production(
    environment: Environment,
) -> None:
    environment(APP_ENV="production", AUTH="none", MODEL_SHA256=SHA256)
    assert not load_settings(ServiceSettings).authenticates


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"API_KEYS": ""}, "API_KEYS is empty: set it, or set AUTH=none"),
        ({"API_KEYS": f"{KEY},short"}, "API_KEYS has a key of fewer than 32 characters"),
        ({"MODEL_SHA256": ""}, "MODEL_SHA256 is not set, nor is MODEL_SIGNERS"),
        ({"PORT": "0"}, "PORT=0 takes an unknown port"),
        ({"DRAIN_S": "0"}, "DRAIN_S is below 1"),
        ({"SHUTDOWN_GRACE_S": "5"}, "SHUTDOWN_GRACE_S is 5, less than QUEUE_TIMEOUT_S plus"),
    ],
)
def test_unsafe_settings_are_refused_in_production(
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    change: dict[str, str],
    message: str,
) -> None:
    environment(**{**SAFE, **change})
    assert message in refusal(capsys)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AUTH": "keys"}, "AUTH=keys, but API_KEYS is empty"),
        ({"AUTH": "none", "API_KEYS": KEY}, "AUTH=none, but API_KEYS is set"),
        ({"API_KEYS": "one,,two"}, "API_KEYS: key 2 is empty"),
        ({"API_KEYS": "kéy"}, "API_KEYS: key 1 is empty or has characters"),
        ({"PORT": "70000"}, "PORT: Input should be less than or equal to 65535"),
        ({"MODEL_SHA256": "abc"}, "MODEL_SHA256: String should match pattern"),
        ({"MODEL_SIGNERS": "latest"}, "MODEL_SIGNERS: key 1 is not a public key"),
        ({"MODEL_SIGNERS": f"{SIGNER},"}, "MODEL_SIGNERS: key 2 is not a public key"),
        ({"MODEL_SIGNERS": PLACEHOLDER}, "MODEL_SIGNERS: key 1 is not a public key"),
        ({"REQUEST_TIMEOUT_S": "inf"}, "REQUEST_TIMEOUT_S: Input should be"),
        ({"APP_ENV": "prod"}, "APP_ENV: Input should be 'development', 'test' or 'production'"),
    ],
)
def test_contradictions_and_impossible_values_are_refused_everywhere(
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    message: str,
) -> None:
    environment(**variables)
    assert message in refusal(capsys)


def test_all_errors_are_reported_at_once_without_values(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    environment(APP_ENV="production", API_KEYS="hunter2", DRAIN_S="0")
    assert refusal(capsys) == (
        "The service cannot start with these settings:\n"
        "  API_KEYS has a key of fewer than 32 characters: generate keys with "
        "`openssl rand -hex 32`\n"
        "  MODEL_SHA256 is not set, nor is MODEL_SIGNERS: set MODEL_SHA256 to the digest "
        "that `modelseal push` printed, or MODEL_SIGNERS to the public keys that sign models, so "
        "that no other model can be served\n"
        "  DRAIN_S is below 1: load balancers need time to see that this is not ready, set at "
        "least 1\n"
    )


def test_keys_do_not_show_in_the_settings_text(environment: Environment) -> None:
    environment(API_KEYS="hunter2")
    assert "hunter2" not in repr(load_settings(ServiceSettings))


@pytest.mark.parametrize(
    ("variables", "shows"),
    [
        ({}, True),
        (SAFE, False),
        (SAFE | {"REFUSAL_DETAILS": "true"}, True),
        ({"REFUSAL_DETAILS": "false"}, False),
    ],
)
def test_refusal_details_are_shown_outside_production_or_on_request(
    environment: Environment, variables: dict[str, str], shows: bool
) -> None:
    environment(**variables)
    assert load_settings(ServiceSettings).shows_refusal_details is shows
