"""`pinproof prove`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.proof.job import load_job
from pinproof.proof.prove import prove as prove_service
from pinproof.proof.prove_report import describe
from pinproof.proof.runner import ProofRunner
from pinproof.proof.write_report import write_report

RootOption = Annotated[Path, typer.Option(help="Root of the repository, with pins.toml.")]
UvOption = Annotated[
    Path | None,
    typer.Option(help="Path of uv. Default: .tools/uv/bin/uv below the root, or uv on PATH."),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        help="Folder that caches environments, models and results. Default: .cache/pinproof."
    ),
]
CacheLimit = Annotated[
    float,
    typer.Option("--cache-limit", min=0, help="Largest size of all cached environments in GiB."),
]
ReportOption = Annotated[Path, typer.Option(help="Folder for the report.")]


def open_runner(
    root: Path, service: str, uv: Path | None, cache: Path | None, limit_gib: float
) -> ProofRunner:
    """Create the runner of a service, which prints each step to standard error."""
    return ProofRunner(
        load_job(root, service),
        uv=uv,
        cache=cache,
        limit_bytes=int(limit_gib * 2**30),
        log=lambda text: typer.echo(f"{service}: {text}", err=True),
    )


def command(  # noqa: PLR0917 - typer calls it by name
    service: Annotated[str, typer.Argument(help="Folder of the service below the root.")],
    root: RootOption = Path(),
    report: ReportOption = Path("reports", "pins"),
    uv: UvOption = None,
    cache: CacheOption = None,
    cache_limit: CacheLimit = 8.0,
) -> None:
    """Prove that all versions that the pins of a service admit give the same predictions.

    For the lowest and the highest versions of the pins, on each supported Python of this machine:
    creates the environment, compares it with the requirements, imports every module, and trains
    and seals a model. Then opens the model of the lowest versions with the highest, and compares
    both models.

    Environments and finished steps are cached, so that a stopped run continues. Writes the reports
    SERVICE.html, SERVICE.md and SERVICE.json.

    For example:

    * `pinproof prove Orders-Service`

    Exit status: 0 proven; 1 not proven, and the report says why; 2 the proof cannot be made.
    """
    runner = open_runner(root, service, uv, cache, cache_limit)
    proof = prove_service(runner, runner.job.interpreters())
    document = describe(proof)
    name = proof.service.replace("/", "-")
    facts = {"proven": proof.proven, "service": proof.service, "pythons": proof.pythons}
    written = write_report(report, name, document, {**facts, "absent": proof.absent})
    typer.echo(f"{document.verdict}. {document.summary}")
    for failure in proof.failures:
        typer.echo(f"  ✗ {failure}")
    for path in written:
        typer.echo(f"  {path}")
    if not proof.proven:
        raise typer.Exit(1)
