"""The command that measures a recipe of the transformer on training texts alone."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from servicekit.exits import exits
from servicekit.files import NewFile, check_not_input, make_folder
from tqdm import tqdm

from nlpinsight.cli.options import (
    DataOption,
    LabelsOption,
    LengthOption,
    RevisionOption,
    SeedOption,
)
from nlpinsight.cli.shared import read_label_map, read_texts
from nlpinsight.training.finetuning.options import Precision

__all__ = ["cross_validate"]


def cross_validate(  # noqa: PLR0917 - typer makes options of all of them
    data: DataOption = None,
    valid: Annotated[
        Path | None,
        typer.Option(help="Texts whose repetitions are left out. Their labels are not used."),
    ] = None,
    labels: LabelsOption = None,
    out: Annotated[Path, typer.Option("--out", help="JSON file to write.")] = Path(
        "reports/cross-validation.json"
    ),
    seed: SeedOption = 42,
    base: Annotated[
        str, typer.Option(help="The pinned package, a folder, or a name on the hub.")
    ] = "all-MiniLM-L6-v2",
    revision: RevisionOption = None,
    outer_folds: Annotated[
        int, typer.Option(min=2, max=20, help="Folds that the texts are dealt into.")
    ] = 3,
    measured: Annotated[
        int | None,
        typer.Option(min=1, help="How many of these folds are measured. All unless given."),
    ] = None,
    folds: Annotated[
        int, typer.Option(min=2, max=20, help="Trainings that each leave a fold out.")
    ] = 3,
    epochs: Annotated[int, typer.Option(min=1, max=50, help="Epochs of each training.")] = 4,
    consistency: Annotated[
        float, typer.Option(min=0, max=10, help="Weight of agreeing with a second reading.")
    ] = 1.0,
    batch_size: Annotated[int, typer.Option(min=1, max=128, help="Texts per step.")] = 32,
    max_length: LengthOption = 64,
    precision: Annotated[
        Precision | None,
        typer.Option(help="What matrices are multiplied in. bfloat16 with AMX unless given."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads of torch. At most 2 unless given.")
    ] = None,
    work: Annotated[
        Path, typer.Option(help="Folder for what survives a kill. Kept when all is done.")
    ] = Path("reports/.work-cross-validation"),
) -> None:
    """Measure a recipe of the transformer on its training texts, fold by fold.

    A measurement that was interrupted goes on where it stopped when the same command is given.
    """
    from nlpinsight.training.trained_model import check_training_environment  # noqa: PLC0415

    with exits():
        check_training_environment()
        from nlpinsight.data.corpus import judgeable, make_fit  # noqa: PLC0415
        from nlpinsight.training.finetuning import cross_validation as measuring  # noqa: PLC0415
        from nlpinsight.training.finetuning.base import find_weights  # noqa: PLC0415
        from nlpinsight.training.finetuning.computing import default_precision  # noqa: PLC0415
        from nlpinsight.training.finetuning.options import (  # noqa: PLC0415
            FinetuneOptions,
            default_threads,
        )

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
        NewFile(out).discard()
        label_map = read_label_map(labels)
        corpus = read_texts(data, label_map, seed)
        unseen = judgeable(read_texts(valid, label_map, seed)) if valid else corpus.only([])
        learned, _ = make_fit(corpus, unseen)
        with tqdm(unit="step", file=sys.stderr) as bar:

            def progress(done: int, total: int, step: str) -> None:
                bar.total = total
                bar.set_description(step, refresh=False)
                bar.update(done - bar.n)

            found = measuring.cross_validate(
                learned.texts,
                learned.labels,
                weights=find_weights(base, revision),
                options=options,
                folds=outer_folds,
                measured=min(measured or outer_folds, outer_folds),
                work=work,
                progress=progress,
            )
        with NewFile(out) as file:
            file.write((found.model_dump_json(indent=2) + "\n").encode())
    for fold in found.results:
        typer.echo(
            f"fold {fold.number}: accuracy {fold.model.accuracy:.4f}, macro F1 "
            f"{fold.model.macro_f1:.4f}, log loss {fold.model.log_loss:.4f} "
            f"on {fold.model.texts:,} texts, learned from {fold.learned_from:,}"
        )
    typer.echo(f"Wrote {out}")
