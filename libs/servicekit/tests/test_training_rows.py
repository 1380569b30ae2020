import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servicekit.training_rows import MAX_DIGESTS, Overlap, RowSketch, digest_rows

FLATTERS = (
    "are among those that the model was trained on: the figures flatter it. Measure it on others."
)


def rows(first: int, end: int) -> list[str]:
    return [f"customer {number}" for number in range(first, end)]


@given(st.sets(st.text(max_size=4)), st.lists(st.text(max_size=4)))
def test_the_overlap_with_a_small_table_is_exact(trained: set[str], met: list[str]) -> None:
    overlap = RowSketch.of(digest_rows(trained)).overlap(digest_rows(met))

    assert overlap == Overlap(len(met), len(met), sum(row in trained for row in met))


def test_the_share_of_a_large_table_is_estimated_from_a_sample() -> None:
    trained = 10 * MAX_DIGESTS
    sketch = RowSketch.of(digest_rows(rows(0, trained)))

    overlap = sketch.overlap(digest_rows(rows(trained // 2, trained + trained // 2)))

    assert len(sketch.digests) == MAX_DIGESTS
    assert overlap.rows == trained
    # A tenth of the digests is kept, so about a tenth of the rows can be compared.
    assert overlap.compared == pytest.approx(MAX_DIGESTS, rel=0.05)
    assert overlap.share == pytest.approx(0.5, abs=0.02)


def test_repeated_rows_count_once_in_training_and_each_time_in_a_table() -> None:
    sketch = RowSketch.of(digest_rows(["a", "a", "b"]))

    assert sketch.rows == 2
    assert sketch.overlap(digest_rows(["a", "a", "c"])) == Overlap(rows=3, compared=3, seen=2)


def test_a_sketch_survives_a_manifest() -> None:
    sketch = RowSketch.of(digest_rows(rows(0, 2 * MAX_DIGESTS)))
    document = json.loads(json.dumps(sketch.to_json()))

    assert RowSketch.from_json(document) == sketch
    assert RowSketch.from_json(document).bound == sketch.bound


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "a number of rows and a list of digests"),
        ({"rows": 2, "digests": "ab"}, "a number of rows and a list of digests"),
        ({"rows": 2, "digests": ["0a"]}, "of 2 rows has 1 digests"),
        ({"rows": 1, "digests": ["no"]}, "invalid literal"),
    ],
)
def test_other_documents_are_not_sketches(document: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RowSketch.from_json(document)  # type: ignore[arg-type]


def test_a_sketch_does_not_contain_the_rows() -> None:
    text = json.dumps(RowSketch.of(digest_rows(rows(0, 5))).to_json())

    assert "customer" not in text


@pytest.mark.parametrize(
    ("overlap", "sentence"),
    [
        (
            Overlap(rows=2_000, compared=2_000, seen=0),
            "None of the 2,000 customers is among those that the model was trained on.",
        ),
        (
            Overlap(rows=2_000, compared=2_000, seen=2_000),
            f"100.0% of the 2,000 customers {FLATTERS}",
        ),
        (
            Overlap(rows=90_000, compared=1_000, seen=125),
            f"About 12.5% of the 90,000 customers {FLATTERS}",
        ),
    ],
)
def test_an_overlap_is_explained(overlap: Overlap, sentence: str) -> None:
    assert overlap.sentence("customers") == sentence


def test_an_empty_table_overlaps_with_nothing() -> None:
    assert RowSketch.of(digest_rows(["a"])).overlap([]).share == 0.0
