"""What a release is made of, between the registry and the cluster: digests, signatures, one file.

The release workflow writes down what it pushed; the deploy workflow makes the release file of that
and of what git says about the cluster, and refuses images that the release workflow did not sign.
Needs nothing but Python.
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

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
VERSION = re.compile(r"v\d+\.\d+\.\d+", re.ASCII)
ISSUER = "https://token.actions.githubusercontent.com"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; 0 done, 2 unusable input."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check-version", help="refuse a VERSION that is none")
    checking.set_defaults(do=check_version)
    recording = commands.add_parser("record", help="write down the digest of an image")
    recording.add_argument("image")
    recording.add_argument("digest")
    recording.add_argument("--out", type=Path, required=True)
    recording.set_defaults(do=record)
    telling = commands.add_parser("digest", help="print the digest that a push wrote down")
    telling.add_argument("file", type=Path)
    telling.set_defaults(do=digest)
    merging = commands.add_parser("merge", help="one file of what was pushed to every registry")
    merging.add_argument("folder", type=Path)
    merging.add_argument("--images", nargs="+", required=True)
    merging.add_argument("--out", type=Path, required=True)
    merging.set_defaults(do=merge)
    composing = commands.add_parser("compose", help="the release file for one cluster")
    composing.add_argument("cluster", type=Path)
    composing.add_argument("digests", type=Path)
    composing.add_argument("--registry", required=True)
    composing.add_argument("--out", type=Path, required=True)
    composing.set_defaults(do=compose)
    printing = commands.add_parser("values", help="terraform's output, as a cluster file has it")
    printing.set_defaults(do=values)
    verifying = commands.add_parser("verify", help="refuse images that the release did not sign")
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
    """Input that cannot be used; the message says what to do."""


def check_version(options: argparse.Namespace) -> None:
    """Refuse what somebody typed, before anything else sees it: it comes in the environment."""
    del options
    _version(os.environ.get("VERSION", ""))


def _version(version: str) -> None:
    if not VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version: write v1.2.3")


def record(options: argparse.Namespace) -> None:
    """Write a file for one image, which the release workflow keeps."""
    write(options.out, {options.image: _digest(options.digest)})


def digest(options: argparse.Namespace) -> None:
    """Print what skopeo wrote down of an image that it pushed."""
    try:
        text = options.file.read_text(encoding="utf-8")
    except OSError as error:
        raise ReleaseError(
            f"{options.file} cannot be read: {error.strerror}. make push-NAME writes it"
        ) from error
    print(_digest(text))  # noqa: T201 - what it is for


def _digest(text: str) -> str:
    if not DIGEST.fullmatch(text.strip()):
        raise ReleaseError(f"{text!r} is no digest: the registry did not say what it was given")
    return text.strip()


def merge(options: argparse.Namespace) -> None:
    """Make one file of all, if every registry was given the same images and all of them."""
    merged: dict[str, str] = {}
    for path in sorted(options.folder.rglob("*.json")):
        for image, digest in read(path).items():
            if merged.setdefault(image, digest) != digest:
                raise ReleaseError(
                    f"{image} has two digests, {merged[image]} and {digest}: the registries were"
                    " given different images. Build the release again"
                )
    if merged.keys() != set(options.images):
        raise ReleaseError(
            f"There are digests of {sorted(merged)}, and images are {sorted(options.images)}:"
            " not everything was pushed"
        )
    write(options.out, merged)


def compose(options: argparse.Namespace) -> None:
    """Make the release file: images of a release, models and values of a cluster."""
    digests = read(options.digests)
    try:
        cluster = tomllib.loads(options.cluster.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReleaseError(
            f"{options.cluster} cannot be read: {error.strerror}. It says which models run in the"
            " cluster: docs/deploy.md tells how to write it"
        ) from error
    except ValueError as error:
        raise ReleaseError(f"{options.cluster} is not TOML: {error}") from error
    unknown = cluster.keys() - {"models", "values", "leave_out"}
    if unknown:
        raise ReleaseError(
            f"{options.cluster}: {', '.join(sorted(unknown))}: a cluster has models, values and"
            " leave_out; images come from the release"
        )
    registry = options.registry.rstrip("/")
    if not registry:
        raise ReleaseError("The registry is empty: set the environment's variable REGISTRY")
    images = {image: f"{registry}/{image}@{digest}" for image, digest in digests.items()}
    write(options.out, {"images": images, **cluster})


def values(options: argparse.Namespace) -> None:
    """Print what `terraform output -json values` says on standard input as a table of TOML."""
    del options
    try:
        found: dict[str, str] = json.load(sys.stdin)
    except ValueError as error:
        raise ReleaseError(f"Terraform said no values, is it applied? {error}") from error
    # A string of JSON is a string of TOML.
    lines = [f"{name} = {json.dumps(value)}" for name, value in sorted(found.items())]
    print("\n".join(["[values]", *lines]))  # noqa: T201 - a command line


def verify(options: argparse.Namespace) -> None:
    """Ask cosign whether this repository's release workflow signed each image, for this version."""
    _version(options.version)
    identity = (
        f"https://github.com/{options.repository}/.github/workflows/release.yml"
        f"@refs/tags/{options.version}"
    )
    images = read(options.release)["images"]
    if not images:
        raise ReleaseError(f"{options.release} names no image")
    for image in images.values():
        command = ["cosign", "verify", "--certificate-oidc-issuer", ISSUER]
        command += ["--certificate-identity", identity, image]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        except FileNotFoundError as error:
            raise ReleaseError("There is no cosign, which checks signatures: install it") from error
        if done.returncode != 0:
            raise ReleaseError(
                f"{image} is not signed by {identity}. Nothing was deployed.\n{done.stderr.strip()}"
            )
        print(f"Signed by {identity}: {image}")  # noqa: T201


def read(path: Path) -> dict[str, Any]:
    """A JSON file of ours."""
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReleaseError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ReleaseError(f"{path} is not JSON: {error}") from error
    return found


def write(path: Path, content: object) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    sys.exit(main())
