"""``nlpinsight split``."""

from pathlib import Path
from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors
from servicekit.files import check_not_input, check_writable, write_file
from servicekit.models import read_own_manifest

from nlpinsight.cli import options as opt
from nlpinsight.cli.inputs import read_texts
from nlpinsight.data.corpus import judgeable, write_corpus
from nlpinsight.data.labels import parse_label_map
from nlpinsight.evaluation.challenge import split_corpus


def command(
    *,
    data: Annotated[Path, typer.Argument(help="File of labelled texts to train on.")],
    labels: opt.Labels = None,
    model: opt.Model = opt.DEFAULT_MODEL,
    training: Annotated[Path, typer.Option(help="CSV file to write: texts to train on.")],
    held_out: Annotated[
        Path, typer.Option(help="CSV file to write: texts that the model was not trained on.")
    ],
) -> None:
    """Hold out texts that a model was not trained on, about a fifth of all."""
    with handle_errors():
        label_map = parse_label_map(labels) if labels is not None else None
        manifest = read_own_manifest(model, name="nlpinsight")
        for destination in (training, held_out):
            check_not_input(destination, data)
            check_writable(destination)
        kept, out = split_corpus(judgeable(read_texts(data, label_map, seed=0)), manifest)
        write_file(training, write_corpus(kept))
        write_file(held_out, write_corpus(out))
    print(f"Held out {len(out):,} of {len(kept) + len(out):,} texts. Wrote {held_out}")
