"""`modelwatch challenge`."""

from pathlib import Path
from typing import Annotated

import typer

from modelwatch.challenge.decision_files import CHALLENGER, PATCH
from modelwatch.challenge.declaration import read_service
from modelwatch.challenge.release_file import read_release
from modelwatch.challenge.run import Promotion, challenge
from modelwatch.errors import ChallengeError
from modelwatch.tracking.after_work import record_or_exit

__all__ = ["command"]


def command(
    service: Annotated[Path, typer.Argument(help="Folder of the service, with service.toml.")],
    train_options: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[-- OPTIONS]", help="More options of the service's `train`, after `--`."
        ),
    ] = None,
    *,
    champion: Annotated[Path, typer.Option(help="Folder of the sealed model that is in use.")],
    data: Annotated[
        Path, typer.Option(help="Table with outcomes, as the service's `train` takes it.")
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the decision, the challenger and its report.")
    ],
    release: Annotated[
        Path | None,
        typer.Option(help="Release file of a cluster, for which a patch is written: TOML."),
    ] = None,
    uri: Annotated[
        str | None,
        typer.Option(
            help="Address that the challenger will have: s3://..., gs://... or file:///..."
        ),
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option(help="Interpreter of the service. Default: .venv/bin/python of its folder."),
    ] = None,
    succeed_if_compared: Annotated[
        bool,
        typer.Option(
            "--succeed-if-compared",
            help="End with 0, too, if the challenger was compared and is not promoted. One that "
            "cannot be trained, opened or scored still ends with 1.",
        ),
    ] = False,
) -> None:
    """Train a challenger, compare it with the champion on unseen rows, and decide.

    The status is 0 if the challenger is promoted, 1 if not, 2 if nothing was decided, and 3 if the
    decision could not be recorded on the server of MLFLOW_TRACKING_URI. Writes
    decision.json, decision.html, the challenger and the report of its training and, for a promoted
    one, promotion.patch. Nothing that serves is changed.
    """
    declared = read_service(service, python)
    promotion = _promotion(release, uri)
    decision = challenge(
        declared,
        champion,
        data,
        out,
        train_options=train_options or [],
        promotion=promotion,
        notice=lambda text: typer.echo(f"{text} ...", err=True),
    )
    for gate in decision.gates:
        typer.echo(f"{gate.name + ':':<13}{'passed' if gate.passed else 'FAILED'}  {gate.reason}")
    typer.echo(f"decision:    {'promoted' if decision.promoted else 'not promoted'}; see {out}")
    if decision.promoted and promotion is not None:
        signers = promotion[0].models[decision.champion.name].get("signers")
        typer.echo("To promote it, run these commands, and open a pull request:")
        if signers:
            typer.echo(f"  modelseal sign {out}/{CHALLENGER} --key KEY.pem")
        typer.echo(f"  modelseal push {out}/{CHALLENGER} {promotion[1]}")
        typer.echo(f"  git apply {out}/{PATCH}")
    record_or_exit(out)
    if not decision.promoted and not (succeed_if_compared and decision.compared):
        raise typer.Exit(1)


def _promotion(release: Path | None, uri: str | None) -> Promotion | None:
    if release is not None and uri is not None:
        return read_release(release), uri
    if release is not None or uri is not None:
        raise ChallengeError(
            "A patch needs the release file and the address.", remedy="Give --release and --uri."
        )
    return None
