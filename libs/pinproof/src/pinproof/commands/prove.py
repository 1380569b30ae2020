"""`pinproof prove`."""

from pathlib import Path
from typing import Annotated

import typer

from pinproof.proof.prove import prove as prove_service
from pinproof.proof.prove_report import describe
from pinproof.proof.reporting import write_report
from pinproof.proof.setting_up import interpreters_for, set_up

__all__ = ["CacheLimit", "CacheOption", "ReportOption", "RootOption", "UvOption", "command"]

RootOption = Annotated[Path, typer.Option(help="The root of the repository, with pins.toml.")]
UvOption = Annotated[
    Path | None,
    typer.Option(help="The resolver. Default: .tools/uv/bin/uv below the root, or uv on PATH."),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(help="Where environments and finished steps are kept. Default: .cache/pinproof."),
]
CacheLimit = Annotated[
    float,
    typer.Option("--cache-limit", min=0, help="How many GiB of environments to keep at most."),
]
ReportOption = Annotated[Path, typer.Option(help="The folder for the report.")]


def command(  # noqa: PLR0917 - typer makes options of them, nobody passes them by position
    service: Annotated[str, typer.Argument(help="A service's folder below the root.")],
    root: RootOption = Path(),
    report: ReportOption = Path("reports", "pins"),
    uv: UvOption = None,
    cache: CacheOption = None,
    cache_limit: CacheLimit = 8.0,
) -> None:
    """Prove that everything the pins of a service admit answers the same.

    For the floor and the ceiling of the pins, on each supported Python that this machine has: makes
    the environment, compares it with the requirements, imports every module, trains and seals a
    model, opens the floor's at the ceiling, and compares one that is trained anew there.

    Environments and finished steps are kept, so a run that was stopped goes on where it was. The
    report is SERVICE.html, SERVICE.md and SERVICE.json.

    For example:

    * `pinproof prove BankChurn-Predictor`

    Exit status: 0 proven, 1 not proven (the report says what failed), 2 it cannot be tried.
    """

    def say(text: str) -> None:
        typer.echo(f"{service}: {text}", err=True)

    runner = set_up(root, service, uv=uv, cache=cache, limit_gib=cache_limit, say=say)
    proof = prove_service(runner, interpreters_for(runner))
    document = describe(proof)
    name = proof.service.replace("/", "-")
    facts = {"proven": proof.proven, "service": proof.service, "pythons": proof.pythons}
    written = write_report(report, name, document, {**facts, "absent": proof.absent})
    typer.echo(f"{document.verdict}. {document.summary}")
    for path in written:
        typer.echo(f"  {path}")
    if not proof.proven:
        raise typer.Exit(1)
