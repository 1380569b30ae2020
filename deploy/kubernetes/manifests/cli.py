"""Command line: render, check, deploy and roll back.

Exit codes: 0 success, 1 findings or an unhealthy rollout, 2 unusable input.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from text_files import replace_text

from manifests.combinations import check_combinations, example_release
from manifests.deploy import deploy, rollback
from manifests.errors import ManifestsError
from manifests.kubectl import KubectlProgram
from manifests.leave_out import add_to_cluster_file
from manifests.objects import ManifestFinding, read_manifests
from manifests.release import read_release
from manifests.render import OVERLAYS, render, value_names
from manifests.rules import check
from manifests.snapshot import take_snapshot

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ManifestsError as error:
        print(error, file=sys.stderr)
        code = 2
    raise SystemExit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manifests", description=__doc__)
    commands = parser.add_subparsers(required=True)

    rendering = commands.add_parser(
        "render", help="write the manifests of an overlay with a release"
    )
    rendering.add_argument("overlay", choices=OVERLAYS)
    rendering.add_argument("release", type=Path, help="release file, TOML or JSON")
    rendering.add_argument("--out", type=Path, required=True, help="file for the manifests")
    rendering.set_defaults(run=_render)

    leaving = commands.add_parser(
        "leave-out", help="add a service or a component to leave_out in a cluster file"
    )
    leaving.add_argument("cluster", type=Path, help="the cluster file, TOML")
    leaving.add_argument("name", help="folder of the service, or name of the component")
    leaving.set_defaults(run=_leave_out)

    combining = commands.add_parser(
        "check", help="build every combination of components and check it"
    )
    combining.set_defaults(run=_check)

    examples = commands.add_parser(
        "examples", help="write the overlays with an example release, for the policy scanner"
    )
    examples.add_argument("folder", type=Path, help="folder to write")
    examples.set_defaults(run=_examples)

    deploying = commands.add_parser(
        "deploy", help="apply rendered manifests and wait until they are healthy"
    )
    deploying.add_argument("manifests", type=Path)
    deploying.set_defaults(run=_deploy)
    recording = commands.add_parser(
        "snapshot", help="record in the cluster what a rollback applies"
    )
    recording.set_defaults(run=_snapshot)
    returning = commands.add_parser(
        "rollback", help="apply what ran before the last rollout and wait until it is healthy"
    )
    returning.set_defaults(run=_rollback)
    for one in (deploying, recording, returning):
        one.add_argument("--context", help="context of kubectl; default: the current one")
    for one in (deploying, returning):
        wait = "seconds to wait for each workload; default: 600"
        one.add_argument("--timeout", type=int, default=600, help=wait)
    return parser


def _render(options: argparse.Namespace) -> int:
    local = options.overlay == "local"
    release = read_release(
        options.release, values=value_names(options.overlay), tags=local, overlay=options.overlay
    )
    text = render(options.overlay, release)
    findings = check(read_manifests(text, local=local))
    if _report(findings):
        return 1
    replace_text(options.out, text)
    print(f"Wrote {options.out}")
    return 0


def _leave_out(options: argparse.Namespace) -> int:
    added = add_to_cluster_file(options.cluster, options.name)
    print(f"{options.cluster}: {options.name} is {'now' if added else 'already'} left out")
    return 0


def _check(_: argparse.Namespace) -> int:
    findings, count = check_combinations()
    if _report(findings):
        return 1
    print(f"Built and checked {count} combinations of overlays and components.")
    return 0


def _examples(options: argparse.Namespace) -> int:
    options.folder.mkdir(parents=True, exist_ok=True)
    for overlay in OVERLAYS:
        text = render(overlay, example_release(overlay))
        (options.folder / f"{overlay}.yaml").write_text(text, encoding="utf-8")
    return 0


def _deploy(options: argparse.Namespace) -> int:
    try:
        text = options.manifests.read_text(encoding="utf-8")
    except OSError as error:
        raise ManifestsError(
            f"{options.manifests} cannot be read: {error.strerror}. Render it first"
        ) from error
    return deploy(KubectlProgram(options.context), text, options.timeout)


def _snapshot(options: argparse.Namespace) -> int:
    take_snapshot(KubectlProgram(options.context))
    return 0


def _rollback(options: argparse.Namespace) -> int:
    return rollback(KubectlProgram(options.context), options.timeout)


def _report(findings: Sequence[ManifestFinding]) -> bool:
    for finding in findings:
        print(finding)
    if findings:
        print(f"{len(findings)} findings.", file=sys.stderr)
    return bool(findings)
