"""``bankchurn explain``."""

from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.model_options import Sha256Option, SignersOption
from servicekit.models import open_model

from bankchurn.cli import options as opt
from bankchurn.cli.display import show_explanation
from bankchurn.data.customer_file import read_customer
from bankchurn.model.predictor import ChurnPredictor


def command(
    *,
    customer: Annotated[
        str, typer.Argument(help="File with one customer as a JSON object, or - for stdin.")
    ],
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what each feature contributes to one customer's probability."""
    with handle_errors():
        record = read_customer(customer)
        opened, predictor = open_model(
            model, model_sha256, signer, name="bankchurn", kind=ChurnPredictor
        )
        version = opened.manifest.version
        [answer] = predictor.answer([record], model_version=version, explain=True)
    if as_json:
        print(answer.model_dump_json(indent=2))
        return
    print(
        f"Probability of churn {answer.churn_probability:.4f} ({answer.risk_level}), "
        f"{'above' if answer.churn_prediction else 'below'} the threshold {answer.threshold:.4f}"
    )
    for warning in answer.warnings:
        print(f"Warning ({warning.code}): {warning.message}")
    if answer.explanation is not None:
        show_explanation(record, answer.explanation)
