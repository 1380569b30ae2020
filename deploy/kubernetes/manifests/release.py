"""Reads the release file: images, models and values of a deployment."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from manifests.errors import ReleaseError
from manifests.leave_out import (
    check_names,
    report_images,
    retraining_images,
    retrains,
    supplied,
)
from manifests.services import REPOSITORY, image_names, model_names, shadow_names

__all__ = ["ClusterFile", "Model", "Release", "Shadow", "read_release"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAMED_BY_DIGEST = re.compile(
    r"(?P<name>[a-z0-9][\w.:/-]*?/[\w./-]+)@sha256:(?P<digest>[0-9a-f]{64})"
)
_NAMED_BY_TAG = re.compile(r"(?P<name>[a-z0-9][\w.:/-]*?/[\w./-]+):(?P<tag>[\w][\w.-]{0,127})")
_PUBLIC_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")
_BUCKET_URI = re.compile(r"(?:gs|s3)://[^\s/]+/\S+")
_URI = re.compile(rf"{_BUCKET_URI.pattern}|file:///\S+")
_PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|place.?holder|\btodo\b|\bfixme\b|<[^>]*>|\$\{|\{\{"
    r"|\bexample\.(?:com|org|net)\b|\.(?:example|invalid)\b",
    re.IGNORECASE,
)

_WIDEST = 17
"""Widest prefix of a load balancer: a network is a /16 at most, its subnets are narrower."""


@dataclass(frozen=True)
class Shadow:
    """A challenger, whose answers to the same requests are logged and never returned.

    Attributes:
        uri: Folder of a bucket with the sealed model.
        sha256: SHA-256 of its manifest.
    """

    uri: str
    sha256: str


@dataclass(frozen=True)
class Model:
    """A sealed model.

    Attributes:
        uri: Folder of the model.
        sha256: SHA-256 of its manifest.
        signers: Public keys, ``ed25519:BASE64``; one of them must have signed the model. Empty if
            no signature is required.
        prediction_log: Folder of a bucket in which the service records its answers; empty for none.
        shadow: Its challenger; None for none. It needs the prediction log.
    """

    uri: str
    sha256: str
    signers: tuple[str, ...] = ()
    prediction_log: str = ""
    shadow: Shadow | None = None


@dataclass(frozen=True)
class ClusterFile:
    """The file that names the models of a cluster, which a promotion changes.

    Attributes:
        path: Its path in its repository.
        text: Its text.
    """

    path: str
    text: str


@dataclass(frozen=True)
class Release:
    """A deployment.

    Attributes:
        images: References of the images in a registry, by their names in the repository: those of
            the services, of the reports of models with a prediction log, and of retraining.
        models: Models by the names of their services.
        values: Settings of the cluster: one for each line of the overlay's values.env.
        leave_out: Services and components that are not deployed.
        cluster_file: The file for which a retraining makes patches; None if nothing is retrained.
    """

    images: Mapping[str, str]
    models: Mapping[str, Model]
    values: Mapping[str, str]
    leave_out: tuple[str, ...] = ()
    cluster_file: ClusterFile | None = None


def read_release(
    path: Path, *, values: frozenset[str], tags: bool = False, overlay: str = "local"
) -> Release:
    """Read a release file, TOML or JSON.

    Args:
        path: The file.
        values: The names of the values that the overlay requires.
        tags: Whether images may have a tag instead of a digest, for deployments on one machine.
        overlay: The overlay, which may retrain models.

    Raises:
        ReleaseError: The file cannot be read, or entries are missing, unknown, malformed or
            placeholders. The message lists all findings.
    """
    text = _read(path)
    document = _parse(path, text)
    findings = [
        f"{name}: unknown; a release has images, models, values, leave_out and cluster_file"
        for name in document.keys() - {"images", "models", "values", "leave_out", "cluster_file"}
    ]
    left_out = _left_out(document.get("leave_out", []), findings)
    wanted_images, wanted_models = supplied(left_out)
    entries = _section(document, "models", wanted_models, findings, frozenset(model_names()))
    models = {name: _model(name, model, findings) for name, model in entries.items()}
    wanted_images |= {
        image
        for model, image in report_images(left_out).items()
        if model in models and models[model].prediction_log
    }
    cluster_file = None
    if retrains(overlay, left_out):
        wanted_images |= retraining_images(left_out)
        cluster_file = _cluster_file(path, text, document, findings)
    images = _section(document, "images", wanted_images, findings, frozenset(image_names()))
    given = _section(document, "values", values, findings)
    release = Release(
        images={name: _image(name, image, findings, tags=tags) for name, image in images.items()},
        models=models,
        values={name: _value(name, value, findings) for name, value in given.items()},
        leave_out=left_out,
        cluster_file=cluster_file,
    )
    findings += _shared_logs(release.models)
    if findings:
        listed = "\n".join(f"  {finding}" for finding in sorted(findings))
        raise ReleaseError(f"{path} is not a valid release file:\n{listed}")
    return release


def _read(path: Path) -> str:
    try:
        # Without conversion of line ends, which would change every line of a patch.
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ReleaseError(
            f"{path} cannot be read: {error.strerror}. Give a release file: DIGESTS=FILE"
        ) from error
    except ValueError as error:
        raise ReleaseError(f"{path} is not a text in UTF-8: {error}") from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        raise ReleaseError(f"{path} is neither TOML nor, as .json, JSON: {error}") from error


def _cluster_file(
    path: Path, text: str, document: Mapping[str, Any], findings: list[str]
) -> ClusterFile | None:
    """The cluster file from which a release file was made, or the release file itself, if TOML."""
    if path.suffix != ".json":
        absolute = path.resolve()
        inside = absolute.is_relative_to(REPOSITORY)
        name = absolute.relative_to(REPOSITORY).as_posix() if inside else path.name
        found = ClusterFile(name, text)
    else:
        match document.get("cluster_file"):
            case {"path": str(name), "text": str(contents), **rest} if name and not rest:
                found = ClusterFile(name, contents)
            case _:
                findings.append(
                    "cluster_file: not a table with path and text, which retraining needs for the "
                    "patch of a promotion; `make release-file` writes it"
                )
                return None
    if not found.text.endswith("\n"):
        findings.append(f"{found.path}: the last line has no end, which a patch needs; add it")
    return found


def _section(
    document: Mapping[str, Any],
    section: str,
    names: frozenset[str],
    findings: list[str],
    known: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """The entries of a section; missing and unknown names become findings.

    The known names of services that are left out are ignored.
    """
    given = document.get(section, {})
    if not isinstance(given, dict):
        findings.append(f"{section}: not a table")
        return {}
    findings += [f"{section}.{name}: missing" for name in names - given.keys()]
    findings += [f"{section}.{name}: unknown" for name in given.keys() - names - known]
    return {name: given[name] for name in sorted(names & given.keys())}


def _left_out(given: object, findings: list[str]) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        findings.append("leave_out: not a list of names")
        return ()
    try:
        check_names(given)
    except ReleaseError as error:
        findings.append(str(error))
    return tuple(sorted(given))


def _text(name: str, value: object, findings: list[str]) -> str:
    if not isinstance(value, str) or not value.strip():
        findings.append(f"{name}: empty")
        return ""
    if "\n" in value:
        findings.append(f"{name}: more than one line")
    if placeholder := _PLACEHOLDER.search(value):
        findings.append(f"{name}: {placeholder[0]!r} is a placeholder, give the real value")
    return value


def _value(name: str, value: object, findings: list[str]) -> str:
    text = _text(f"values.{name}", value, findings)
    if text and name.endswith("_CIDR"):
        findings += [f"values.{name}: {text!r} {wrong}" for wrong in _wrong_in_range(text)]
    return text


def _wrong_in_range(text: str) -> Iterator[str]:
    """Problems of the address range of a load balancer."""
    try:
        network = IPv4Network(text)
    except ValueError as error:
        yield f"is not a range of IPv4 addresses such as 10.40.240.0/20: {error}"
        return
    if "/" not in text:
        yield "is one address; give a range such as 10.40.240.0/20"
    if network.prefixlen < _WIDEST:
        yield f"is wider than a /{_WIDEST} and includes pods; give the range of its subnets"
    if network.is_global:
        yield "is public; give the private addresses of the load balancer"


def _digest(name: str, value: str, findings: list[str]) -> None:
    if not _DIGEST.fullmatch(value):
        findings.append(f"{name}: not a SHA-256 in 64 lower-case hexadecimal digits: {value!r}")
    elif len(set(value)) <= 2:  # noqa: PLR2004 - 0000… or abab…
        findings.append(f"{name}: {value[:8]}… is a placeholder, give the real digest")


def _image(name: str, value: object, findings: list[str], *, tags: bool) -> str:
    label = f"images.{name}"
    text = _text(label, value, findings)
    if by_digest := _NAMED_BY_DIGEST.fullmatch(text):
        _digest(label, by_digest["digest"], findings)
    elif tags and (by_tag := _NAMED_BY_TAG.fullmatch(text)):
        if by_tag["tag"] == "latest":
            findings.append(f"{label}: `latest` changes with every build, give a fixed tag")
    elif text:
        findings.append(f"{label}: not REGISTRY/NAME@sha256:DIGEST: {text!r}")
    return text


def _model(name: str, value: object, findings: list[str]) -> Model:
    fields = value if isinstance(value, dict) else {}
    known = {"uri", "sha256", "signers", "prediction_log", "shadow"}
    findings += [f"models.{name}.{field}: unknown" for field in fields.keys() - known]
    uri = _text(f"models.{name}.uri", fields.get("uri"), findings)
    if uri and not _URI.fullmatch(uri):
        findings.append(f"models.{name}.uri: not a folder at gs://, s3:// or file:///: {uri!r}")
    sha256 = _sha256(f"models.{name}", fields, findings)
    signers = _signers(f"models.{name}.signers", fields, findings)
    log = _log(f"models.{name}.prediction_log", fields, findings)
    return Model(uri, sha256, signers, log, _shadow(name, fields, findings))


def _shadow(model: str, fields: Mapping[str, Any], findings: list[str]) -> Shadow | None:
    """The challenger of a model; None if it has none."""
    name = f"models.{model}.shadow"
    if "shadow" not in fields:
        return None
    given = fields["shadow"]
    if not isinstance(given, dict):
        findings.append(f"{name}: not a table with uri and sha256; remove it for no challenger")
        return None
    findings += [f"{name}.{field}: unknown" for field in given.keys() - {"uri", "sha256"}]
    if model not in shadow_names():
        findings.append(f"{name}: no workload of the service takes a challenger; remove it")
    if "prediction_log" not in fields:
        findings.append(
            f"{name}: needs models.{model}.prediction_log, which keeps the challenger's answers"
        )
    uri = _text(f"{name}.uri", given.get("uri"), findings)
    if uri and not _BUCKET_URI.fullmatch(uri):
        findings.append(f"{name}.uri: not a folder at gs:// or s3://: {uri!r}")
    return Shadow(uri, _sha256(name, given, findings))


def _sha256(table: str, fields: Mapping[str, Any], findings: list[str]) -> str:
    """The digest of a model."""
    name = f"{table}.sha256"
    text = _text(name, fields.get("sha256"), findings)
    if text:
        _digest(name, text, findings)
    return text


def _log(name: str, fields: Mapping[str, Any], findings: list[str]) -> str:
    """The address of the prediction log; an empty one is an error."""
    if "prediction_log" not in fields:
        return ""
    address = _text(name, fields["prediction_log"], findings)
    if address and not _BUCKET_URI.fullmatch(address):
        findings.append(f"{name}: not a folder at gs:// or s3://: {address!r}")
    return address


def _shared_logs(models: Mapping[str, Model]) -> Iterator[str]:
    """Problems of models that would write into one log: each has columns of its own."""
    users: dict[str, str] = {}
    for name, model in models.items():
        if model.prediction_log:
            first = users.setdefault(model.prediction_log.rstrip("/"), name)
            if first != name:
                yield f"models.{name}.prediction_log: models.{first} has the same folder"


def _signers(name: str, fields: Mapping[str, Any], findings: list[str]) -> tuple[str, ...]:
    """The public keys of the signers; an empty list is an error."""
    if "signers" not in fields:
        return ()
    given = fields["signers"]
    if not isinstance(given, list) or not given:
        findings.append(f"{name}: not a list of public keys; remove it if no signature is required")
        return ()
    for key in given:
        if not isinstance(key, str) or not _PUBLIC_KEY.fullmatch(key):
            findings.append(f"{name}: not a public key as `modelseal sign` prints it: {key!r}")
        elif len(set(key.removeprefix("ed25519:").rstrip("="))) <= 2:  # noqa: PLR2004 - AAAA…
            findings.append(f"{name}: {key[:16]}… is a placeholder, give the real key")
    return tuple(map(str, given))
