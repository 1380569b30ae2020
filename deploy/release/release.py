"""Digests and signatures of releases, and the release file of a cluster.

The release workflow records the digests that it pushed. The deploy workflow combines them with the
cluster file into a release file, and refuses images that the release workflow did not sign. Has no
dependencies.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
VERSION = re.compile(r"v\d+\.\d+\.\d+", re.ASCII)
ISSUER = "https://token.actions.githubusercontent.com"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 2 unusable input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check-version", help="refuse an invalid VERSION")
    checking.set_defaults(do=check_version)
    recording = commands.add_parser("record", help="write the digest of a pushed image to a file")
    recording.add_argument("image")
    recording.add_argument("digest")
    recording.add_argument("--out", type=Path, required=True)
    recording.set_defaults(do=record)
    telling = commands.add_parser("digest", help="print the digest in the digest file of skopeo")
    telling.add_argument("file", type=Path)
    telling.set_defaults(do=digest)
    merging = commands.add_parser(
        "merge", help="merge the digests that were pushed to all registries into one file"
    )
    merging.add_argument("folder", type=Path)
    merging.add_argument("--images", nargs="+", required=True)
    merging.add_argument("--out", type=Path, required=True)
    merging.set_defaults(do=merge)
    composing = commands.add_parser("compose", help="write the release file of a cluster")
    composing.add_argument("cluster", type=Path)
    composing.add_argument("digests", type=Path)
    composing.add_argument("--registry", required=True)
    composing.add_argument("--out", type=Path, required=True)
    composing.set_defaults(do=compose)
    printing = commands.add_parser(
        "values", help="print the output of Terraform in the form of a cluster file"
    )
    printing.set_defaults(do=values)
    verifying = commands.add_parser(
        "verify", help="refuse images that the release workflow did not sign"
    )
    verifying.add_argument("release", type=Path)
    verifying.add_argument("--repository", required=True, help="owner/name")
    verifying.add_argument("--version", required=True)
    verifying.set_defaults(do=verify)
    options = parser.parse_args(arguments)
    try:
        options.do(options)
    except ReleaseError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line
        return 2
    return 0


class ReleaseError(Exception):
    """Unusable input; the message has the remedy."""


def check_version(options: argparse.Namespace) -> None:
    """Refuse an invalid VERSION in the environment, before other programs use it."""
    del options
    _version(os.environ.get("VERSION", ""))


def _version(version: str) -> None:
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is not a version such as v1.2.3")


def record(options: argparse.Namespace) -> None:
    """Write the digest of an image to a file, which the release workflow keeps."""
    write(options.out, {options.image: _digest(options.digest)})


def digest(options: argparse.Namespace) -> None:
    """Print the digest that skopeo wrote when it pushed an image."""
    try:
        text = options.file.read_text(encoding="utf-8")
    except OSError as error:
        raise ReleaseError(
            f"{options.file} cannot be read: {error.strerror}. make push-NAME writes it"
        ) from error
    print(_digest(text))  # noqa: T201 - the output


def _digest(text: str) -> str:
    if not DIGEST.fullmatch(text.strip()):
        raise ReleaseError(f"{text!r} is not a digest: the registry did not return one")
    return text.strip()


def merge(options: argparse.Namespace) -> None:
    """Merge the digests, if all registries have the same images and none is missing."""
    merged: dict[str, str] = {}
    for path in sorted(options.folder.rglob("*.json")):
        for image, digest in read(path).items():
            if merged.setdefault(image, digest) != digest:
                raise ReleaseError(
                    f"{image} has two digests, {merged[image]} and {digest}: the registries have"
                    " different images. Build the release again"
                )
    if merged.keys() != set(options.images):
        raise ReleaseError(
            f"Found digests of {sorted(merged)}, expected {sorted(options.images)}: not everything"
            " was pushed"
        )
    write(options.out, merged)


def compose(options: argparse.Namespace) -> None:
    """Write the release file: images of a release, models and values of a cluster."""
    digests = read(options.digests)
    try:
        text = options.cluster.read_bytes().decode("utf-8")
        cluster = tomllib.loads(text)
    except OSError as error:
        raise ReleaseError(
            f"{options.cluster} cannot be read: {error.strerror}. It contains the models of the"
            " cluster; see docs/deploy.md"
        ) from error
    except ValueError as error:
        raise ReleaseError(f"{options.cluster} is not TOML: {error}") from error
    unknown = cluster.keys() - {"models", "values", "leave_out"}
    if unknown:
        raise ReleaseError(
            f"{options.cluster}: {', '.join(sorted(unknown))}: a cluster file has models, values"
            " and leave_out; images come from the release"
        )
    registry = options.registry.rstrip("/")
    if not registry:
        raise ReleaseError("The registry is empty: set the variable REGISTRY of the environment")
    images = {image: f"{registry}/{image}@{digest}" for image, digest in digests.items()}
    # A retraining makes the patch of this file.
    file = {"path": _path_in_repository(options.cluster), "text": text}
    write(options.out, {"images": images, **cluster, "cluster_file": file})


def _path_in_repository(path: Path) -> str:
    absolute = path.resolve()
    inside = absolute.is_relative_to(ROOT)
    return absolute.relative_to(ROOT).as_posix() if inside else path.name


def values(options: argparse.Namespace) -> None:
    """Convert the output of `terraform output -json values` on standard input to TOML."""
    del options
    try:
        found: dict[str, str] = json.load(sys.stdin)
    except ValueError as error:
        raise ReleaseError(
            f"Terraform printed no values; run terraform apply first: {error}"
        ) from error
    # JSON strings are valid TOML strings.
    lines = [f"{name} = {json.dumps(value)}" for name, value in sorted(found.items())]
    print("\n".join(["[values]", *lines]))  # noqa: T201 - a command line


def verify(options: argparse.Namespace) -> None:
    """Verify with cosign that the release workflow signed each image for this version."""
    _version(options.version)
    identity = (
        f"https://github.com/{options.repository}/.github/workflows/release.yml"
        f"@refs/tags/{options.version}"
    )
    images = read(options.release)["images"]
    if not images:
        raise ReleaseError(f"{options.release} has no images")
    for image in images.values():
        command = ["cosign", "verify", "--certificate-oidc-issuer", ISSUER]
        command += ["--certificate-identity", identity, image]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        except FileNotFoundError as error:
            raise ReleaseError(
                "cosign, which verifies signatures, is not installed: install it"
            ) from error
        if done.returncode != 0:
            raise ReleaseError(
                f"{image} is not signed by {identity}. Nothing was deployed.\n{done.stderr.strip()}"
            )
        print(f"Signed by {identity}: {image}")  # noqa: T201


def read(path: Path) -> dict[str, Any]:
    """Read a JSON file."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ReleaseError(f"{path} is not JSON: {error}") from error
    return found


def write(path: Path, content: object) -> None:
    """Write a JSON file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
