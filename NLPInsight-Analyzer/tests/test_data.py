from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from nlpinsight.data.corpus import Corpus, judgeable, load_corpus, load_texts
from nlpinsight.data.labels import parse_label_map
from nlpinsight.data.leakage import wording
from nlpinsight.data.split import filter_training, split
from nlpinsight.schema import LABELS
from servicekit.files import DataError


def write(path: Path, contents: bytes) -> Path:
    path.write_bytes(contents)
    return path


TFNS = parse_label_map("tfns")


def test_twitter_numbers_its_labels_bearish_bullish_neutral(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b'text,label\ndown,0\nup,1\n"sideways\nagain",2\n')

    corpus = load_corpus(path, TFNS)

    assert corpus.texts == ("down", "up", "sideways\nagain")
    assert corpus.labels == ("negative", "positive", "neutral")
    assert corpus.targets.tolist() == [0, 2, 1]
    assert corpus.source == "a.csv"
    assert corpus.describe()["label_map"] == {"0": "negative", "1": "positive", "2": "neutral"}
    assert corpus.only([0]).describe()["read_as"] == "CSV"


@pytest.mark.parametrize("written", ["Positive", " positive ", "bullish"])
def test_labels_may_be_names(written: str, tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path / "a.csv", f"text,label\nup,{written}\n".encode()))

    assert corpus.labels == ("positive",)
    assert "label_map" not in corpus.describe()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_phrasebank_is_read_in_either_encoding(encoding: str, tmp_path: Path) -> None:
    lines = "Itämeri profit rose@positive\r\nMail a@b.fi fell@negative\r\nIt met@neutral\r\n"
    corpus = load_corpus(write(tmp_path / "Sentences_AllAgree.txt", lines.encode(encoding)))

    assert corpus.texts == ("Itämeri profit rose", "Mail a@b.fi fell", "It met")
    assert corpus.labels == ("positive", "negative", "neutral")


def test_phrasebank_keeps_characters_that_some_take_for_line_ends(tmp_path: Path) -> None:
    corpus = load_corpus(write(tmp_path / "a.txt", b"Sales rose \x85 again@positive\n"))

    assert len(corpus) == 1


def test_every_bad_row_is_counted_and_named(tmp_path: Path) -> None:
    rows = ["text,label", "up,1", "down,3", ",0", "x,", "y", "z,1,2", "w,good"]
    path = write(tmp_path / "a.csv", "\n".join(rows).encode())

    with pytest.raises(DataError) as refusal:
        load_corpus(path, TFNS)

    message = str(refusal.value)
    assert "5 rows do not fit" in message
    assert "row 4: '', row 7: 'good'" in message
    assert "column text must be a text with something to judge; row 3: ''" in message
    assert "row 5: 1 fields, row 6: 3 fields" in message


def test_bad_lines_of_phrasebank_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"up@positive\nno label\ndown@bad\n@neutral\n")

    with pytest.raises(DataError) as refusal:
        load_corpus(path)

    message = str(refusal.value)
    assert "3 rows do not fit" in message
    assert "row 2: 'no label', row 3: 'down@bad'" in message
    assert "row 4: ''" in message


def test_a_file_of_plain_lines_has_no_labels_to_learn_from(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"profit rises\nprofit falls\n")

    with pytest.raises(DataError, match="has no labels: no line ends in @negative"):
        load_corpus(path)
    assert load_texts(path) == ("profit rises", "profit falls")


def test_a_text_that_is_only_a_link_is_no_mistake_but_teaches_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"text,label\nhttps://t.co/x,2\nup,1\n")
    corpus = load_corpus(path, TFNS)

    assert len(corpus) == 2
    assert judgeable(corpus).texts == ("up",)
    assert judgeable(judgeable(corpus)).nothing_to_judge == 1
    assert judgeable(corpus).describe()["nothing_to_judge"] == 1
    assert "nothing_to_judge" not in corpus.describe()


def test_a_training_keeps_no_text_of_the_held_out_ones_and_none_twice() -> None:
    held_out = Corpus(("Acme beats!",), ("positive",), "valid")
    training = Corpus(
        ("ACME beats https://t.co/a", "x up", "X up.", "x up", "https://t.co/b"),
        ("positive", "positive", "positive", "negative", "neutral"),
        "train",
    )

    fit, left_out = filter_training(training, held_out)

    # The same words with two labels are a disagreement of people, and stay.
    assert (fit.texts, fit.labels) == (("x up", "x up"), ("positive", "negative"))
    assert left_out.model_dump() == {"nothing_to_judge": 1, "repeated": 1, "held_out": 1}


def test_a_split_keeps_shares_and_puts_the_same_words_on_one_side(corpus: Corpus) -> None:
    twice = Corpus((*corpus.texts, *map(str.upper, corpus.texts)), corpus.labels * 2, "twice")

    inside, outside = split(twice, share=0.25, seed=1)
    again, _ = split(twice, share=0.25, seed=1)
    other, _ = split(twice, share=0.25, seed=2)

    assert len(inside) + len(outside) == len(twice)
    assert not {wording(text) for text in inside.texts} & {wording(text) for text in outside.texts}
    for label in LABELS:
        share = outside.labels.count(label) / twice.labels.count(label)
        assert share == pytest.approx(0.25, abs=0.01)
    assert inside == again
    assert inside != other


def test_a_label_that_cannot_be_split_is_refused() -> None:
    corpus = Corpus(("a", "b", "c", "d", "e"), ("positive",) * 4 + ("negative",), "few")

    with pytest.raises(DataError, match="1 different negative texts; too few"):
        split(corpus)


def test_the_fingerprint_is_of_what_is_read_and_not_of_how_it_was_written() -> None:
    one = Corpus(("Socie\u0301te\u0301  up",), ("positive",), "a")
    same = Corpus(("Société up https://t.co/x",), ("positive",), "b")
    other = Corpus(("Société up",), ("neutral",), "a")

    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


def test_the_real_files_are_what_their_publisher_says(real_data: Path) -> None:
    train = load_corpus(real_data / "tfns_sent_train.csv", TFNS)
    valid = load_corpus(real_data / "tfns_sent_valid.csv", TFNS)

    assert Counter(train.labels) == {"neutral": 6178, "positive": 1923, "negative": 1442}
    assert Counter(valid.labels) == {"neutral": 1566, "positive": 475, "negative": 347}
    # A text that everyone would call bearish has to come out as negative.
    assert train.texts[3].startswith("$ESS: BTIG Research cuts to Neutral")
    assert train.labels[3] == "negative"


def test_the_real_files_leak_and_the_training_does_not(real_data: Path) -> None:
    train = load_corpus(real_data / "tfns_sent_train.csv", TFNS)
    valid = load_corpus(real_data / "tfns_sent_valid.csv", TFNS)

    fit, left_out = filter_training(train, valid)

    assert left_out.held_out > 0
    assert left_out.nothing_to_judge == 3
    assert not {wording(text) for text in fit.texts} & {wording(text) for text in valid.texts}
    assert len(fit) == len(train) - sum(left_out.model_dump().values())
    assert np.array_equal(np.unique(fit.targets), [0, 1, 2])
