"""``nlpinsight train``."""

from pathlib import Path
from typing import Annotated

import typer
from modelwatch.tracking.after_work import record_or_exit
from servicekit.cli_errors import handle_errors
from servicekit.models import check_outputs
from servicekit.progress import progress

from nlpinsight.cli import options as opt
from nlpinsight.cli.finish_training import finish_training
from nlpinsight.cli.inputs import read_texts
from nlpinsight.data.labels import parse_label_map
from nlpinsight.data.split import split_and_filter
from nlpinsight.report import check_folder
from nlpinsight.schema import Backend
from nlpinsight.training.finetune_options import FinetuneOptions, default_threads
from nlpinsight.training.torch_environment import check_torch
from nlpinsight.training.train_tfidf import train_tfidf
from nlpinsight.training.weights import DEFAULT_BASE, find_weights


def command(
    *,
    backend: Annotated[Backend, typer.Option(help="Back end to train.")] = "tfidf",
    data: opt.Data = None,
    valid: Annotated[
        Path | None,
        typer.Option(
            help="File of labelled texts to evaluate on. Default: a fifth of the training data."
        ),
    ] = None,
    labels: opt.Labels = None,
    out: opt.Out = opt.DEFAULT_MODEL,
    reports: opt.Reports = opt.DEFAULT_REPORTS,
    seed: opt.Seed = 42,
    model_version: opt.Version = None,
    base: opt.Base = DEFAULT_BASE,
    revision: opt.Revision = None,
    folds: opt.Folds = 3,
    epochs: opt.Epochs = 4,
    precision: opt.Precision = None,
    batch_size: opt.BatchSize = 32,
    max_length: opt.Length = 64,
    threads: opt.Threads = None,
    work: Annotated[
        Path | None,
        typer.Option(
            help="Folder for checkpoints of a transformer. Default: .work-NAME next to --out."
        ),
    ] = None,
) -> None:
    """Train on labelled texts, evaluate on held-out ones, seal the model, write the report.

    An interrupted training of a transformer continues when the same command is given again.
    """
    with handle_errors():
        if backend == "transformer":
            check_torch()
        label_map = parse_label_map(labels) if labels is not None else None
        corpus = read_texts(data, label_map, seed)
        held_out = read_texts(valid, label_map, seed) if valid is not None else None
        check_outputs(out, reports, check_folder)
        training_set, held_out = split_and_filter(corpus, held_out, seed=seed)
        places = {"out": out, "reports": reports}
        if backend == "tfidf":
            trained = train_tfidf(training_set.corpus, held_out)
            finish_training(trained, held_out, training_set, **places, model_version=model_version)
        else:
            from nlpinsight.training.finetuning import train_transformer as transformer
            from nlpinsight.training.finetuning.computing import default_precision
            from nlpinsight.training.finetuning.finetune import total_steps

            options = FinetuneOptions(
                folds=folds,
                epochs=epochs,
                precision=precision or default_precision(),
                batch_size=batch_size,
                max_length=max_length,
                seed=seed,
                threads=threads or default_threads(),
            )
            work = work or out.parent / f".work-{out.name}"
            total = total_steps(training_set.corpus.targets, options)
            with progress("Training", total=total) as advance:
                trained = transformer.train_transformer(
                    training_set.corpus,
                    held_out,
                    weights=find_weights(base, revision),
                    options=options,
                    work=work,
                    advance=advance,
                )
            finish_training(trained, held_out, training_set, **places, model_version=model_version)
            transformer.discard_work(work)
    record_or_exit(out, reports)
