"""Every command reads a file in the same way, whatever form and encoding its texts are in."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nlpinsight.batch.judging import on_this_machine
from nlpinsight.batch.predict_file import predict_file
from nlpinsight.cli import app
from nlpinsight.data.corpus import load_corpus, load_texts
from nlpinsight.model import SentimentModel
from nlpinsight.schema import LABELS, Label
from nlpinsight.text.normalisation import normalise
from typer.testing import CliRunner

Pairs = list[tuple[str, Label]]

# One line, nothing at its ends: what every form can hold. Characters of Latin-1, so that every
# encoding can, too.
LINES = (
    st.text(st.characters(min_codepoint=32, max_codepoint=255), min_size=1, max_size=40)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: bool(normalise(text)))
)
PAIRS = st.lists(st.tuples(LINES, st.sampled_from(LABELS)), min_size=1, max_size=8)


def as_csv(pairs: Pairs, path: Path, encoding: str) -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows([("id", "text", "label"), *((1, *pair) for pair in pairs)])


def as_json_lines(pairs: Pairs, path: Path, encoding: str) -> None:
    lines = [
        json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in pairs
    ]
    path.write_text("\n".join(lines), encoding=encoding, newline="")


def as_phrasebank(pairs: Pairs, path: Path, encoding: str) -> None:
    lines = "".join(f"{text}@{label}\r\n" for text, label in pairs)
    path.write_text(lines, encoding=encoding, newline="")


FORMS: list[tuple[str, Callable[[Pairs, Path, str], None], str]] = [
    ("a.csv", as_csv, "utf-8"),
    ("a.csv", as_csv, "utf-8-sig"),
    ("a.jsonl", as_json_lines, "utf-8"),
    ("a.ndjson", as_json_lines, "utf-8-sig"),
    ("a.txt", as_phrasebank, "utf-8"),
    ("a.txt", as_phrasebank, "utf-8-sig"),
    ("a.txt", as_phrasebank, "latin-1"),
]


@settings(max_examples=40)
@given(PAIRS)
@pytest.mark.parametrize("compressed", [False, True])
def test_every_command_sees_the_same_texts_and_labels_in_every_form(
    model: SentimentModel,
    tmp_path_factory: pytest.TempPathFactory,
    compressed: bool,
    pairs: Pairs,
) -> None:
    texts, labels = (tuple(column) for column in zip(*pairs, strict=True))
    folder = tmp_path_factory.mktemp("forms")
    for number, (name, write, encoding) in enumerate(FORMS):
        path = folder / f"{number}-{name}"
        write(pairs, path, encoding)
        if compressed:
            path = path.with_name(f"{path.name}.gz")
            path.write_bytes(gzip.compress(path.with_name(path.name[:-3]).read_bytes()))
        if name == "a.txt" and encoding == "latin-1" and _is_utf8(path, compressed=compressed):
            continue  # Bytes of Latin-1 that are another text in UTF-8: no reader can tell.

        corpus = load_corpus(path)
        predict_file(on_this_machine(model), path, folder / "out.jsonl")
        rows = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]

        assert (corpus.texts, corpus.labels) == (texts, labels), path
        assert load_texts(path) == texts
        assert tuple(row["text"] for row in rows) == texts
        assert tuple(row["label"] for row in rows) == labels


def _is_utf8(path: Path, *, compressed: bool) -> bool:
    contents = path.read_bytes()
    contents = gzip.decompress(contents) if compressed else contents
    try:
        return not contents.decode().isascii()
    except UnicodeDecodeError:
        return any(_is_utf8_line(line) for line in contents.split(b"\n"))


def _is_utf8_line(line: bytes) -> bool:
    try:
        return not line.decode().isascii()
    except UnicodeDecodeError:
        return False


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_commands_keep_labels_out_of_the_text_of_phrasebank(
    sealed: Path, tmp_path: Path
) -> None:
    source = tmp_path / "Sentences_AllAgree.txt"
    lines = ["Itämeri profit rose .@positive", "Orders fell .@negative", "It met .@neutral"]
    source.write_bytes("\r\n".join(lines).encode("latin-1"))

    printed = run("predict", source, tmp_path / "out.csv", "--model", sealed)
    run("predict", source, tmp_path / "out.csv", "--model", sealed)
    evaluated = run(
        "evaluate", source, "--model", sealed, "--reports", tmp_path, "--training", source
    )

    assert "is read as Financial PhraseBank (sentence@label) in Latin-1" in printed
    assert "is read as Financial PhraseBank (sentence@label) in Latin-1" in evaluated
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["Itämeri profit rose .", "Orders fell .", "It met ."]
    assert [row["label"] for row in rows] == ["positive", "negative", "neutral"]
    report = json.loads((tmp_path / "evaluation.json").read_text())
    assert report["data"]["read_as"] == "Financial PhraseBank (sentence@label) in Latin-1"
    assert report["evaluation"]["leakage"]["identical"] == 3
    assert report["training"] == {"source": source.name, "texts": 3}
