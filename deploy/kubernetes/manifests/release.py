"""The release file: everything that a roll-out is given, and nothing that the repository knows."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from manifests.errors import ReleaseError
from manifests.services import image_names, model_names

__all__ = ["Model", "Release", "read_release"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAMED_BY_DIGEST = re.compile(
    r"(?P<name>[a-z0-9][\w.:/-]*?/[\w./-]+)@sha256:(?P<digest>[0-9a-f]{64})"
)
_NAMED_BY_TAG = re.compile(r"(?P<name>[a-z0-9][\w.:/-]*?/[\w./-]+):(?P<tag>[\w][\w.-]{0,127})")
_PUBLIC_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")
_URI = re.compile(r"(?:gs|s3)://[^\s/]+/\S+|file:///\S+")
_STAND_IN = re.compile(
    r"change.?me|replace.?me|place.?holder|\btodo\b|\bfixme\b|<[^>]*>|\$\{|\{\{"
    r"|\bexample\.(?:com|org|net)\b|\.(?:example|invalid)\b",
    re.IGNORECASE,
)

_WIDEST = 17
"""A network of AWS is a /16 at most, and load balancers have some of its subnets only."""


@dataclass(frozen=True)
class Model:
    """A sealed model.

    Attributes:
        uri: The folder it lies in.
        sha256: The digest of its manifest.
        signers: Public keys, ``ed25519:BASE64``, of which one must have signed it; empty where no
            signature is asked for.
    """

    uri: str
    sha256: str
    signers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Release:
    """What is rolled out.

    Attributes:
        images: Where each image of the repository comes from, by its name there.
        models: The model of each service.
        values: What differs between clusters: a value for each line of the overlay's values.env.
    """

    images: Mapping[str, str]
    models: Mapping[str, Model]
    values: Mapping[str, str]


def read_release(path: Path, *, values: frozenset[str], tags: bool = False) -> Release:
    """Read a release file, TOML or JSON.

    Args:
        path: The file.
        values: The names of the values that the overlay wants.
        tags: Whether images may be named by a tag: on one machine there are no digests.

    Raises:
        ReleaseError: It cannot be read, or anything is missing, unknown, malformed or a stand-in.
            All findings are told at once.
    """
    document = _load(path)
    findings = [
        f"{name}: unknown; a release has images, models and values"
        for name in document.keys() - {"images", "models", "values"}
    ]
    images = _section(document, "images", frozenset(image_names()), findings)
    models = _section(document, "models", frozenset(model_names()), findings)
    given = _section(document, "values", values, findings)
    release = Release(
        images={name: _image(name, image, findings, tags=tags) for name, image in images.items()},
        models={name: _model(name, model, findings) for name, model in models.items()},
        values={name: _value(name, value, findings) for name, value in given.items()},
    )
    if findings:
        listed = "\n".join(f"  {finding}" for finding in sorted(findings))
        raise ReleaseError(f"{path} is no release:\n{listed}")
    return release


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ReleaseError(
            f"{path} cannot be read: {error.strerror}. Give a release file: DIGESTS=FILE"
        ) from error
    except ValueError as error:
        raise ReleaseError(f"{path} is neither TOML nor, as .json, JSON: {error}") from error


def _section(
    document: Mapping[str, Any], section: str, names: frozenset[str], findings: list[str]
) -> dict[str, Any]:
    """The entries of a section that are known; what is missing or unknown becomes a finding."""
    given = document.get(section, {})
    if not isinstance(given, dict):
        findings.append(f"{section}: not a table")
        return {}
    findings += [f"{section}.{name}: missing" for name in names - given.keys()]
    findings += [f"{section}.{name}: unknown" for name in given.keys() - names]
    return {name: given[name] for name in sorted(names & given.keys())}


def _text(name: str, value: object, findings: list[str]) -> str:
    if not isinstance(value, str) or not value.strip():
        findings.append(f"{name}: empty")
        return ""
    if "\n" in value:
        findings.append(f"{name}: more than one line")
    if stand_in := _STAND_IN.search(value):
        findings.append(f"{name}: {stand_in[0]!r} is a stand-in, give the real value")
    return value


def _value(name: str, value: object, findings: list[str]) -> str:
    text = _text(f"values.{name}", value, findings)
    if text and name.endswith("_CIDR"):
        findings += [f"values.{name}: {text!r} {wrong}" for wrong in _wrong_in_range(text)]
    return text


def _wrong_in_range(text: str) -> Iterator[str]:
    """What is wrong with addresses that a network policy is to let in."""
    try:
        network = IPv4Network(text)
    except ValueError as error:
        yield f"is no range of IPv4 addresses, such as 10.40.240.0/20: {error}"
        return
    if "/" not in text:
        yield "is one address; give a range, such as 10.40.240.0/20"
    if network.prefixlen < _WIDEST:
        yield f"is wider than a /{_WIDEST}: pods are in it, too; give its subnets' range"
    if network.is_global:
        yield "is on the internet; give the private addresses that requests come from"


def _digest(name: str, value: str, findings: list[str]) -> None:
    if not _DIGEST.fullmatch(value):
        findings.append(f"{name}: not a SHA-256 in 64 lower-case hexadecimal digits: {value!r}")
    elif len(set(value)) <= 2:  # noqa: PLR2004 - 0000… or abab…: nobody's digest
        findings.append(f"{name}: {value[:8]}… is a stand-in, give the real digest")


def _image(name: str, value: object, findings: list[str], *, tags: bool) -> str:
    label = f"images.{name}"
    text = _text(label, value, findings)
    if by_digest := _NAMED_BY_DIGEST.fullmatch(text):
        _digest(label, by_digest["digest"], findings)
    elif tags and (by_tag := _NAMED_BY_TAG.fullmatch(text)):
        if by_tag["tag"] == "latest":
            findings.append(f"{label}: `latest` is whatever was built last, give a tag of its own")
    elif text:
        findings.append(f"{label}: not REGISTRY/NAME@sha256:DIGEST: {text!r}")
    return text


def _model(name: str, value: object, findings: list[str]) -> Model:
    fields = value if isinstance(value, dict) else {}
    known = {"uri", "sha256", "signers"}
    findings += [f"models.{name}.{field}: unknown" for field in fields.keys() - known]
    uri = _text(f"models.{name}.uri", fields.get("uri"), findings)
    if uri and not _URI.fullmatch(uri):
        findings.append(f"models.{name}.uri: not a folder at gs://, s3:// or file:///: {uri!r}")
    sha256 = _text(f"models.{name}.sha256", fields.get("sha256"), findings)
    if sha256:
        _digest(f"models.{name}.sha256", sha256, findings)
    return Model(uri, sha256, _signers(f"models.{name}.signers", fields, findings))


def _signers(name: str, fields: Mapping[str, Any], findings: list[str]) -> tuple[str, ...]:
    """The keys of those who sign a model. Without the field, none; an empty one is a mistake."""
    if "signers" not in fields:
        return ()
    given = fields["signers"]
    if not isinstance(given, list) or not given:
        findings.append(f"{name}: not a list of public keys; leave it out where none is asked for")
        return ()
    for key in given:
        if not isinstance(key, str) or not _PUBLIC_KEY.fullmatch(key):
            findings.append(f"{name}: not a public key as `modelseal sign` prints it: {key!r}")
        elif len(set(key.removeprefix("ed25519:").rstrip("="))) <= 2:  # noqa: PLR2004 - AAAA…
            findings.append(f"{name}: {key[:16]}… is a stand-in, give the real key")
    return tuple(map(str, given))
