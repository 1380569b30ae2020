"""``nlpinsight cross-validate``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable, make_folder, write_file
from servicekit.progress import progress

from nlpinsight.cli import options as opt
from nlpinsight.cli.inputs import read_texts
from nlpinsight.data.corpus import judgeable
from nlpinsight.data.labels import parse_label_map
from nlpinsight.data.split import filter_training
from nlpinsight.training.finetune_options import FinetuneOptions, default_threads
from nlpinsight.training.torch_environment import check_torch
from nlpinsight.training.weights import DEFAULT_BASE, find_weights


def command(
    *,
    data: opt.Data = None,
    valid: Annotated[
        Path | None,
        typer.Option(help="File of texts to leave out of the data. Their labels are not used."),
    ] = None,
    labels: opt.Labels = None,
    out: Annotated[Path, typer.Option(help="JSON file to write.")] = Path(
        "reports/cross-validation.json"
    ),
    seed: opt.Seed = 42,
    base: opt.Base = DEFAULT_BASE,
    revision: opt.Revision = None,
    outer_folds: Annotated[
        int, typer.Option(min=2, max=20, help="Number of folds of the cross-validation.")
    ] = 3,
    measured: Annotated[
        int | None,
        typer.Option(min=1, help="Number of these folds to evaluate. Default: all."),
    ] = None,
    folds: opt.Folds = 3,
    epochs: opt.Epochs = 4,
    consistency: Annotated[
        float,
        typer.Option(
            min=0,
            max=10,
            help="Weight of the difference between two answers with different dropout in the loss.",
        ),
    ] = 1.0,
    batch_size: opt.BatchSize = 32,
    max_length: opt.Length = 64,
    precision: opt.Precision = None,
    threads: opt.Threads = None,
    work: Annotated[Path, typer.Option(help="Folder for checkpoints, which are kept.")] = Path(
        "reports/.work-cross-validation"
    ),
) -> None:
    """Cross-validate a training recipe of the transformer on its training texts.

    An interrupted cross-validation continues when the same command is given again.
    """
    with handle_errors():
        check_torch()
        from nlpinsight.training.finetuning import cross_validation
        from nlpinsight.training.finetuning.computing import default_precision

        options = FinetuneOptions(
            folds=folds,
            epochs=epochs,
            consistency=consistency,
            batch_size=batch_size,
            max_length=max_length,
            precision=precision or default_precision(),
            seed=seed,
            threads=threads or default_threads(),
        )
        make_folder(out.parent)
        check_not_input(out, *filter(None, (data, valid)))
        check_writable(out)
        label_map = parse_label_map(labels) if labels is not None else None
        corpus = read_texts(data, label_map, seed)
        unseen = judgeable(read_texts(valid, label_map, seed)) if valid else corpus.only([])
        training, _ = filter_training(corpus, unseen)
        with progress("Cross-validating") as advance:
            found = cross_validation.cross_validate(
                training.texts,
                training.labels,
                weights=find_weights(base, revision),
                options=options,
                folds=outer_folds,
                measured=min(measured or outer_folds, outer_folds),
                work=work,
                advance=advance,
            )
        write_file(out, (found.model_dump_json(indent=2) + "\n").encode())
    for fold in found.results:
        print(
            f"fold {fold.number}: accuracy {fold.model.accuracy:.4f}, macro F1 "
            f"{fold.model.macro_f1:.4f}, log loss {fold.model.log_loss:.4f} "
            f"on {fold.model.texts:,} texts, trained on {fold.learned_from:,}"
        )
    print(f"Wrote {out}")
