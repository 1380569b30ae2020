import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nlpinsight.data.corpus import load_corpus
from nlpinsight.data.labels import parse_label_map, read_label, shown_number
from nlpinsight.schema import LABELS, Label
from servicekit.files import DataError

NUMBERS = st.one_of(
    st.integers(-1000, 1000).map(float), st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: x + 0)
)
MAPS = st.lists(NUMBERS, min_size=1, max_size=3, unique=True).flatmap(
    lambda numbers: st.permutations(LABELS).map(
        lambda labels: dict(zip(numbers, labels, strict=False))
    )
)

# In a data set where 0 is negative, 1 neutral and 2 positive.
ASCENDING = (
    ("Sales fell by a third and the dividend was cancelled", 0),
    ("The company lowered its outlook after a weak quarter", 0),
    ("The annual meeting takes place on 12 April", 1),
    ("The bank reports results on Thursday", 1),
    ("Orders rose by a fifth and the outlook was raised", 2),
)


def write(folder: Path, labels: list[object], name: str = "a.csv") -> Path:
    path = folder / name
    if name.endswith(".csv"):
        path.write_text("text,label\n" + "".join(f"profit {one},{one}\n" for one in labels))
    else:
        lines = [json.dumps({"text": f"profit {one}", "label": one}) for one in labels]
        path.write_text("\n".join(lines))
    return path


def test_numbers_without_a_declared_meaning_are_refused_with_both_orders_and_texts(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in ASCENDING))

    with pytest.raises(DataError) as refusal:
        load_corpus(path)

    lines = str(refusal.value).splitlines()
    assert "labels are numbers, and files number the classes in different orders" in lines[0]
    assert lines[1].startswith(
        "  0: negative with --labels tfns, negative with --labels ascending; 2 rows: 'Sales fell"
    )
    assert "'The company lowered its" in lines[1]
    assert lines[2].startswith("  1: positive with --labels tfns, neutral with --labels ascending")
    assert lines[3].startswith("  2: neutral with --labels tfns, positive with --labels ascending")
    assert "1 row: 'Orders rose" in lines[3]
    assert "0=negative,1=neutral,2=positive" in lines[4]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("tfns", ["negative", "negative", "positive", "positive", "neutral"]),
        ("ascending", ["negative", "negative", "neutral", "neutral", "positive"]),
        ("2=positive,0=negative,1=neutral", ["negative"] * 2 + ["neutral"] * 2 + ["positive"]),
    ],
)
def test_the_declared_meaning_decides(given: str, expected: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in ASCENDING))

    assert list(load_corpus(path, parse_label_map(given)).labels) == expected


@given(MAPS, st.lists(st.integers(0, 2), min_size=1, max_size=20), st.booleans())
def test_every_number_is_read_as_its_map_says_in_every_format(
    tmp_path_factory: pytest.TempPathFactory,
    meaning: dict[float, Label],
    chosen: list[int],
    as_json: bool,
) -> None:
    numbers = list(meaning)
    given_map = ",".join(f"{shown_number(number)}={label}" for number, label in meaning.items())
    labels: list[object] = [numbers[one % len(numbers)] for one in chosen]
    folder = tmp_path_factory.mktemp("labels")
    path = write(folder, labels, "a.jsonl" if as_json else "a.csv")

    corpus = load_corpus(path, parse_label_map(given_map))

    assert corpus.labels == tuple(meaning[float(str(one))] for one in labels)
    assert corpus.label_map == {shown_number(number): label for number, label in meaning.items()}


@given(MAPS, NUMBERS)
def test_a_number_that_the_map_misses_is_refused_with_its_row(
    tmp_path_factory: pytest.TempPathFactory, meaning: dict[float, Label], other: float
) -> None:
    if other in meaning:
        return
    folder = tmp_path_factory.mktemp("labels")
    path = write(folder, [next(iter(meaning)), other])
    given_map = ",".join(f"{number!r}={label}" for number, label in meaning.items())

    with pytest.raises(DataError, match=r"(?s)1 row does not fit.*as --labels .* says; row 2: "):
        load_corpus(path, parse_label_map(given_map))


@given(MAPS.filter(lambda meaning: len(meaning) > 1))
def test_a_map_that_gives_one_label_to_two_numbers_is_refused(meaning: dict[float, Label]) -> None:
    first = next(iter(meaning.values()))
    given_map = ",".join(f"{number!r}={first}" for number in meaning)

    with pytest.raises(DataError, match=f"gives {first} to two numbers"):
        parse_label_map(given_map)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "'' is not NUMBER=LABEL"),
        ("sorted", "'sorted' is not NUMBER=LABEL"),
        ("0=negative,1", "'1' is not NUMBER=LABEL"),
        ("0=bad", "'0=bad' is not NUMBER=LABEL"),
        ("1_0=neutral", "'1_0=neutral' is not NUMBER=LABEL"),
        ("nan=neutral", "'nan=neutral' is not NUMBER=LABEL"),
        ("0=negative,0.0=positive", "names 0 twice"),
        ("0=negative,1=bearish", "gives negative to two numbers"),
    ],
)
def test_an_invalid_label_map_is_refused(given: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_label_map(given)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([-1, 0, 1], ["negative", "neutral", "positive"]),
        (["-1.0", "+1", "0e0"], ["negative", "positive", "neutral"]),
        ([0, 1, 2], ["negative", "neutral", "positive"]),
        ([0, 2], ["negative", "positive"]),
        ([1, 2, 3], ["negative", "neutral", "positive"]),
        (["positive", "2.0", "0"], ["positive", "positive", "negative"]),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_ascending_numbers_are_negative_neutral_positive(
    labels: list[object], expected: list[str], name: str, tmp_path: Path
) -> None:
    corpus = load_corpus(write(tmp_path, labels, name), parse_label_map("ascending"))

    assert list(corpus.labels) == expected


@pytest.mark.parametrize("labels", [[0, 1], [1, 2], [0, 1, 2, 3], [0.5], [-1, 2]])
def test_ascending_numbers_that_fit_several_orders_or_none_are_refused(
    labels: list[object], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="--labels ascending does not settle what the numbers mean"):
        load_corpus(write(tmp_path, labels), parse_label_map("ascending"))


def test_scores_are_not_classes_and_the_list_of_them_says_where_it_ends(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        load_corpus(write(tmp_path, [one / 100 for one in range(40)]))

    assert "  and 30 more numbers; scores must be made classes first" in str(refusal.value)
    assert "0.09: in no preset; 1 row" in str(refusal.value)


@pytest.mark.parametrize(
    "value", ["1_0", "\uff11", "nan", "inf", "0x1", "1,0", "", "good", True, None, [1], {"a": 1}]
)
def test_a_label_must_be_a_name_or_a_number(value: object) -> None:
    assert read_label(value) is None


@pytest.mark.parametrize(
    ("value", "label"),
    [("1.0", 1.0), (" -1 ", -1.0), (2, 2.0), (1.5, 1.5), ("Bearish", "negative"), (0, 0.0)],
)
def test_names_and_numbers_are_labels(value: object, label: object) -> None:
    assert read_label(value) == label
