"""The settings of every service: one frozen object, read from the environment once."""

import re
import sys
from pathlib import Path
from typing import Annotated, Literal, NoReturn, Self, TypeVar

from modelseal.errors import PublicKeyError
from modelseal.public_keys import parse_public_key
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MIN_KEY_LENGTH = 32
UNUSABLE_SETTINGS = 2
"""The exit code of a command whose input is unusable."""

_KEY = re.compile(r"[!-+\--~]+")  # visible ASCII without the comma, which separates keys

Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]


class ServiceSettings(BaseSettings):
    """Settings of a service, from environment variables of the same names in capitals.

    A service derives its own class to add settings or to change defaults.
    """

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    app_env: Literal["development", "test", "production"] = Field(
        default="development", description="`production` refuses unsafe settings."
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    model_dir: Path = Field(
        default=Path("models/current"), description="Folder of the sealed model."
    )
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="SHA-256 that the model's manifest must have."
    )
    model_signers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Public keys (`ed25519:BASE64`), separated by commas; one must have signed the "
        "model.",
    )
    auth: Literal["keys", "none"] | None = Field(
        default=None,
        description="`keys` requires an API key; unset means `keys` if API_KEYS is set.",
    )
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description="Accepted API keys, separated by commas; several allow rotation."
    )
    max_body_bytes: int = Field(default=2**20, ge=1, description="Largest body; more is 413.")
    max_batch_rows: int = Field(
        default=1000, ge=1, description="Most rows in a batch; more is 422."
    )
    max_json_items: int = Field(
        default=25_000, ge=1, description="Most values in a JSON body; more is 422."
    )
    max_concurrent_requests: int = Field(
        default=32, ge=1, description="Requests worked on at once; more wait."
    )
    max_queued_requests: int = Field(
        default=256, ge=0, description="Requests that wait; more is 503."
    )
    queue_timeout_s: Seconds = Field(
        default=2.0, description="Longest wait in the queue; then 503."
    )
    request_timeout_s: Seconds = Field(
        default=10.0, description="Longest work on a request; then 504."
    )
    worker_threads: int = Field(
        default=1, ge=1, le=64, description="Threads for work that would block the event loop."
    )
    drain_s: float = Field(
        default=5.0,
        ge=0,
        le=3600,
        description="Seconds not ready but still accepting after the first SIGTERM.",
    )
    shutdown_grace_s: int = Field(
        default=15, ge=1, le=3600, description="Seconds to finish accepted requests after DRAIN_S."
    )
    keep_alive_s: int = Field(
        default=75,
        ge=1,
        le=3600,
        description="Seconds an idle connection stays open; longer than the load balancer's.",
    )
    header_timeout_s: Seconds = Field(default=10.0, description="Seconds for a request's headers.")
    max_header_bytes: int = Field(
        default=16384,
        ge=1024,
        le=65536,
        description="Largest request line and headers; more is 431.",
    )
    send_timeout_s: Seconds = Field(
        default=30.0, description="Seconds that an answer waits for a client that does not read it."
    )
    max_connections: int = Field(
        default=1000, ge=1, description="Most connections; more are answered with 503 and closed."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level of log lines that are written."
    )
    refusal_details: bool | None = Field(
        default=None,
        description="Whether answers say why a model was refused, with paths and digests; "
        "unset means outside of production.",
    )
    docs: bool = Field(
        default=True,
        description="Whether `/docs`, `/openapi.json` and servicekit's page at `/` answer.",
    )

    @field_validator("api_keys", "model_signers", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [key.strip() for key in value.split(",")] if isinstance(value, str) else value

    @field_validator("api_keys")
    @classmethod
    def _keys_fit_in_a_header(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for position, key in enumerate(keys, start=1):
            if not _KEY.fullmatch(key.get_secret_value()):
                raise ValueError(
                    f"key {position} is empty or has characters that a header cannot carry; "
                    "generate keys with `openssl rand -hex 32`"
                )
        return keys

    @field_validator("model_signers")
    @classmethod
    def _signers_are_public_keys(cls, signers: tuple[str, ...]) -> tuple[str, ...]:
        for position, signer in enumerate(signers, start=1):
            try:
                parse_public_key(signer)
            except PublicKeyError as error:
                # The value is not repeated: it may be a private key.
                raise ValueError(
                    f"key {position} is not a public key: copy the key that "
                    "`modelseal sign` printed, ed25519: and 44 characters"
                ) from error
        return signers

    @model_validator(mode="after")
    def _consistent_and_safe(self) -> Self:
        findings = self._contradictions()
        if self.app_env == "production":
            findings += self._unsafe_in_production()
        if findings:
            raise ValueError("\n".join(findings))
        return self

    @property
    def authenticates(self) -> bool:
        """Whether requests need an API key."""
        return bool(self.api_keys)

    @property
    def shows_refusal_details(self) -> bool:
        """Whether answers give the details of a refused model, and not only the code."""
        if self.refusal_details is None:
            return self.app_env != "production"
        return self.refusal_details

    def _contradictions(self) -> list[str]:
        findings = []
        if self.auth == "keys" and not self.api_keys:
            findings.append("AUTH=keys, but API_KEYS is empty: set API_KEYS")
        if self.auth == "none" and self.api_keys:
            findings.append("AUTH=none, but API_KEYS is set: unset one of them")
        return findings

    def _unsafe_in_production(self) -> list[str]:
        findings = []
        if self.auth is None and not self.api_keys:
            findings.append(
                "API_KEYS is empty: set it, or set AUTH=none where something else authenticates"
            )
        if any(len(key.get_secret_value()) < MIN_KEY_LENGTH for key in self.api_keys):
            findings.append(
                f"API_KEYS has a key of fewer than {MIN_KEY_LENGTH} characters: generate keys "
                "with `openssl rand -hex 32`"
            )
        if self.model_sha256 is None and not self.model_signers:
            findings.append(
                "MODEL_SHA256 is not set, nor is MODEL_SIGNERS: set MODEL_SHA256 to the digest "
                "that `modelseal push` printed, or MODEL_SIGNERS to the public keys that sign "
                "models, so that no other model can be served"
            )
        if self.port == 0:
            findings.append("PORT=0 takes an unknown port: set the port")
        if self.drain_s < 1:
            findings.append(
                "DRAIN_S is below 1: load balancers need time to see that this is not ready, "
                "set at least 1"
            )
        longest = self.queue_timeout_s + self.request_timeout_s
        if self.shutdown_grace_s < longest:
            findings.append(
                f"SHUTDOWN_GRACE_S is {self.shutdown_grace_s}, less than QUEUE_TIMEOUT_S plus "
                f"REQUEST_TIMEOUT_S ({longest:g}): accepted requests would be cut off; set it "
                "higher"
            )
        return findings


S = TypeVar("S", bound=ServiceSettings)


def load_settings(kind: type[S], **overrides: object) -> S:
    """Read settings from the environment, or end the process with a readable message.

    Args:
        kind: The service's settings class.
        overrides: Values from command line options, which take precedence over the environment.

    Raises:
        SystemExit: With code 2, after a message on standard error that lists the invalid variables
            and their remedies. Values are not repeated, because they may be secrets.
    """
    try:
        # The class checks the overrides as it checks the environment.
        return kind(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        _give_up(error)


def _give_up(error: ValidationError) -> NoReturn:
    lines = []
    for finding in error.errors(include_url=False, include_context=False, include_input=False):
        message = finding["msg"].removeprefix("Value error, ")
        if finding["loc"]:
            lines.append(f"{str(finding['loc'][0]).upper()}: {message}")
        else:
            lines += message.splitlines()
    sys.stderr.write("The service cannot start with these settings:\n")
    sys.stderr.writelines(f"  {line}\n" for line in lines)
    raise SystemExit(UNUSABLE_SETTINGS) from None
