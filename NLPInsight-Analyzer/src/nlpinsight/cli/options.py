"""Options and arguments of several commands."""

from pathlib import Path
from typing import Annotated, Final

import typer

from nlpinsight.data.labels import PRESETS
from nlpinsight.training import finetune_options as tuning

DEFAULT_MODEL: Final = Path("models/nlpinsight")
DEFAULT_REPORTS: Final = Path("reports/nlpinsight")
SAMPLE_TEXTS: Final = 4_000
SPARK_ENVIRONMENT: Final = "make spark-env-NLPInsight-Analyzer"

Model = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
Reports = Annotated[Path, typer.Option("--reports", help="Folder for evaluation.json.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the sealed model.")]
Output = Annotated[Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .jsonl.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="File of labelled texts: CSV or JSON lines with text and label, or Financial "
        "PhraseBank's .txt; .gz is read, too. Default: generated sample data.",
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="MAP",
        help=f"Meaning of labels that are numbers, in all input files: {PRESETS}, or NUMBER=LABEL "
        "pairs, joined by commas.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed.")]
Version = Annotated[
    str | None,
    typer.Option(
        "--model-version",
        help="Version of the model. Default: derived from the texts, the options and the versions "
        "of the libraries.",
    ),
]

# Options of fine-tuning
Base = Annotated[
    str,
    typer.Option(
        "--base",
        help="Pre-trained encoder of a transformer: the pinned package, a folder, or a name on the "
        "Hugging Face hub.",
    ),
]
Revision = Annotated[
    str | None,
    typer.Option(help="Commit of a model on the Hugging Face hub, with all its 40 digits."),
]
Folds = Annotated[
    int,
    typer.Option(
        min=2,
        max=20,
        help="Number of folds: a transformer is also trained on all texts but each fold.",
    ),
]
Epochs = Annotated[
    int, typer.Option(min=1, max=50, help="Epochs of each training of a transformer.")
]
Precision = Annotated[
    tuning.Precision | None,
    typer.Option(
        help="Precision of a transformer's matrix multiplications. Default: bfloat16 if the "
        "processor has AMX, else float32."
    ),
]
BatchSize = Annotated[
    int,
    typer.Option(min=1, max=tuning.MAX_BATCH, help="Texts per training step of a transformer."),
]
Length = Annotated[
    int,
    typer.Option(
        min=tuning.MIN_LENGTH,
        max=tuning.MAX_LENGTH,
        help="Maximum number of tokens of a text, for transformers.",
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, help="Number of threads of torch. Default: 2, or 1 on a single core."),
]
