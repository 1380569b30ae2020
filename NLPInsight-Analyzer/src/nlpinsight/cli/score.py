"""``nlpinsight score``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.challenges import write_scores
from servicekit.cli_errors import handle_errors
from servicekit.files import DataError, check_not_input, check_writable
from servicekit.model_options import Sha256Option, SignersOption

from nlpinsight.cli import options as opt
from nlpinsight.cli.inputs import open_model, read_texts
from nlpinsight.data.corpus import judgeable
from nlpinsight.data.labels import parse_label_map
from nlpinsight.evaluation.challenge import score_corpus


def command(
    *,
    data: Annotated[Path, typer.Argument(help="File of labelled texts.")],
    scores: Annotated[Path, typer.Argument(help="CSV file to write.")],
    labels: opt.Labels = None,
    model: opt.Model = opt.DEFAULT_MODEL,
    model_sha256: Sha256Option = None,
    signer: SignersOption = None,
) -> None:
    """Score texts for a comparison of models: labels, answers, groups and the time of answers."""
    with handle_errors():
        label_map = parse_label_map(labels) if labels is not None else None
        check_not_input(scores, data)
        check_writable(scores)
        corpus = judgeable(read_texts(data, label_map, seed=0))
        if not len(corpus):
            raise DataError(f"{data} has no text to judge. Give other texts.")
        opened, predictor = open_model(model, model_sha256, signer)
        rows, cpu_us = score_corpus(predictor, opened.manifest, corpus)
        write_scores(scores, rows, cpu_us=cpu_us)
    print(f"Scored {len(rows.rows):,} texts. Wrote {scores}")
