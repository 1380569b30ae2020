"""``nlpinsight generate``."""

from typing import Annotated

import typer
from servicekit.cli_errors import handle_errors

from nlpinsight.batch.result_file import ResultWriter
from nlpinsight.cli import options as opt
from nlpinsight.sample import MAX_TEXTS, generate_sample


def command(
    *,
    destination: opt.Output,
    texts: Annotated[
        int, typer.Option(min=1, max=MAX_TEXTS, help="Number of texts.")
    ] = opt.SAMPLE_TEXTS,
    seed: opt.Seed = 42,
) -> None:
    """Write synthetic headlines with labels, to try things out."""
    with handle_errors(), ResultWriter(destination) as writer:
        sample = generate_sample(texts, seed=seed)
        for text, label in zip(sample.texts, sample.labels, strict=True):
            writer.write_row([("text", text), ("label", label)])
    print(f"Wrote {texts:,} synthetic headlines to {destination}")
