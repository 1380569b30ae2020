"""``nlpinsight explain``."""

from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError
from servicekit.model_options import Sha256Option, SignersOption

from nlpinsight.cli import options as opt
from nlpinsight.cli.display import show_explanation
from nlpinsight.cli.inputs import open_model, read_stdin
from nlpinsight.explain import explain
from nlpinsight.model import predict_sentiments
from nlpinsight.schema import Label
from nlpinsight.text.normalisation import EmptyTextError


def command(
    *,
    text: Annotated[str, typer.Argument(help="Text to explain, or - to read it from stdin.")],
    model: opt.Model = opt.DEFAULT_MODEL,
    label: Annotated[
        Label | None, typer.Option(help="Label to explain. Default: the predicted one.")
    ] = None,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show which words of a text moved the prediction."""
    with handle_errors():
        given = read_stdin() if text == "-" else text
        _, predictor = open_model(model, model_sha256, signer)
        try:
            [sentiment] = predict_sentiments(predictor, [given])
            explanation = explain(predictor, given, label=label)
        except EmptyTextError as error:
            raise DataError(str(error)) from error
    if as_json:
        print(explanation.model_dump_json(indent=2))
    else:
        show_explanation(sentiment, explanation)
