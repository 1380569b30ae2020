"""``nlpinsight export``."""

from typing import Annotated

import typer
from modelwatch.tracking.after_work import record_or_exit
from servicekit.cli_errors import handle_errors
from servicekit.models import check_outputs

from nlpinsight.cli import options as opt
from nlpinsight.cli.finish_training import finish_training
from nlpinsight.cli.inputs import read_texts
from nlpinsight.data.corpus import judgeable
from nlpinsight.data.labels import parse_label_map
from nlpinsight.report import check_folder
from nlpinsight.training.torch_environment import check_torch
from nlpinsight.training.weights import find_weights


def command(
    *,
    classifier: Annotated[
        str,
        typer.Argument(
            help="Fine-tuned classifier: a folder, or a name on the Hugging Face hub such as "
            "ProsusAI/finbert."
        ),
    ],
    revision: opt.Revision = None,
    data: opt.Data = None,
    labels: opt.Labels = None,
    out: opt.Out = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    seed: opt.Seed = 42,
    model_version: opt.Version = None,
    max_length: opt.Length = 64,
) -> None:
    """Seal a transformer that was fine-tuned elsewhere.

    It is evaluated on the labelled texts, and its int8 version is compared with fp32 on them.
    """
    with handle_errors():
        check_torch()
        from nlpinsight.training.finetuning.train_transformer import export_transformer

        label_map = parse_label_map(labels) if labels is not None else None
        held_out = judgeable(read_texts(data, label_map, seed))
        check_outputs(out, reports, check_folder)
        trained = export_transformer(
            held_out, weights=find_weights(classifier, revision), max_length=max_length
        )
        finish_training(
            trained, held_out, None, out=out, reports=reports, model_version=model_version
        )
    record_or_exit(out, reports)
