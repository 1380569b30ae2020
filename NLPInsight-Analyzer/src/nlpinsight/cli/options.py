"""Options and arguments of several commands."""

from pathlib import Path
from typing import Annotated, Final

import typer

from nlpinsight.training.finetune_options import MAX_BATCH, MAX_LENGTH, MIN_LENGTH, Precision
from nlpinsight.training.weights import DEFAULT_BASE

__all__ = [
    "DEFAULT_BASE",
    "DEFAULT_MODEL",
    "DEFAULT_REPORTS",
    "SAMPLE_TEXTS",
    "BaseOption",
    "BatchSizeOption",
    "DataOption",
    "EpochsOption",
    "FoldsOption",
    "LabelsOption",
    "LengthOption",
    "ModelOption",
    "OutOption",
    "OutputArgument",
    "PrecisionOption",
    "ReportsOption",
    "RevisionOption",
    "SeedOption",
    "ThreadsOption",
    "VersionOption",
]

DEFAULT_MODEL: Final = Path("models/nlpinsight")
DEFAULT_REPORTS: Final = Path("reports/nlpinsight")
SAMPLE_TEXTS: Final = 4_000

ModelOption = Annotated[Path, typer.Option("--model", help="Folder of the sealed model.")]
ReportsOption = Annotated[Path, typer.Option("--reports", help="Folder for evaluation.json.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder for the sealed model.")]
OutputArgument = Annotated[
    Path, typer.Argument(metavar="OUTPUT", help="File to write: .csv or .jsonl.")
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="File of labelled texts: CSV or JSON lines with text and label, or Financial "
        "PhraseBank's .txt; .gz is read, too. Default: generated sample data.",
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="MAP",
        help="Meaning of labels that are numbers, in all input files: tfns (0 negative, 1 "
        "positive, 2 neutral), ascending (-1, 0, 1 or 0, 1, 2 or 1, 2, 3 for negative, neutral, "
        "positive), or a list such as 0=negative,1=neutral,2=positive.",
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Random seed.")]
VersionOption = Annotated[
    str | None,
    typer.Option(
        "--model-version",
        help="Version of the model. Default: derived from the texts, the options and the versions "
        "of the libraries.",
    ),
]

# Options of fine-tuning
BaseOption = Annotated[
    str,
    typer.Option(
        "--base",
        help="Pre-trained encoder of a transformer: the pinned package, a folder, or a name on the "
        "Hugging Face hub.",
    ),
]
RevisionOption = Annotated[
    str | None,
    typer.Option(help="Commit of a model on the Hugging Face hub, with all its 40 digits."),
]
FoldsOption = Annotated[
    int,
    typer.Option(
        min=2,
        max=20,
        help="Number of folds: a transformer is also trained on all texts but each fold.",
    ),
]
EpochsOption = Annotated[
    int, typer.Option(min=1, max=50, help="Epochs of each training of a transformer.")
]
PrecisionOption = Annotated[
    Precision | None,
    typer.Option(
        help="Precision of a transformer's matrix multiplications. Default: bfloat16 if the "
        "processor has AMX, else float32."
    ),
]
BatchSizeOption = Annotated[
    int, typer.Option(min=1, max=MAX_BATCH, help="Texts per training step of a transformer.")
]
LengthOption = Annotated[
    int,
    typer.Option(
        min=MIN_LENGTH, max=MAX_LENGTH, help="Maximum number of tokens of a text, for transformers."
    ),
]
ThreadsOption = Annotated[
    int | None,
    typer.Option(min=1, help="Number of threads of torch. Default: 2, or 1 on a single core."),
]
