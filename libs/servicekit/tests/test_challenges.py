from datetime import UTC, datetime
from pathlib import Path

import pytest
from modelseal import Manifest
from servicekit.challenges import (
    TIMED,
    ScoredRows,
    find_trained_on,
    hold_out,
    row_names,
    time_answers,
    write_scores,
)
from servicekit.files import DataError
from servicekit.training_rows import MAX_DIGESTS, ROW_SKETCH, RowSketch, digest_rows


def digests_of(first: int, end: int) -> list[int]:
    return digest_rows(map(str, range(first, end)))


def manifest_of(sketch: RowSketch | None) -> Manifest:
    return Manifest.unsealed(
        created=datetime(2026, 3, 1, tzinfo=UTC),
        name="tiny",
        version="1.0",
        git_commit=None,
        python="3.11.7",
        platform="Linux",
        loader="tiny",
        files={"tiny.json": {"sha256": "0" * 64, "size": 1}},
        environment={},
        golden={"inputs": [1], "outputs": {"y": [1.0]}, "tolerances": {"y": {}}},
        data={ROW_SKETCH: sketch.to_json()} if sketch else {},
        metrics={},
        parameters={},
    )


def test_a_fifth_is_held_out_and_none_of_it_was_trained_on() -> None:
    trained, rows = digests_of(0, 600), digests_of(0, 1000)
    chosen = hold_out(rows, manifest_of(RowSketch.of(trained)))
    held_out = {digest for digest, out in zip(rows, chosen, strict=True) if out}
    assert len(held_out) == 200
    assert not held_out & set(trained)


def test_fewer_rows_are_held_out_if_the_model_was_trained_on_more() -> None:
    rows = digests_of(0, 1000)
    chosen = hold_out(rows, manifest_of(RowSketch.of(digests_of(0, 950))))
    assert [index for index, out in enumerate(chosen) if out] == list(range(950, 1000))


def test_equal_rows_are_held_out_together_and_the_same_ones_of_a_larger_table() -> None:
    manifest = manifest_of(RowSketch.of(digests_of(0, 600)))
    rows = digests_of(600, 1000)
    twice = hold_out(rows * 2, manifest)
    assert twice[:400] == twice[400:]
    small = {one for one, out in zip(rows, hold_out(rows, manifest), strict=True) if out}
    larger = rows + digests_of(1000, 1100)
    large = {one for one, out in zip(larger, hold_out(larger, manifest), strict=True) if out}
    assert len(small & large) > 0.75 * len(small)


def test_rows_of_which_the_sketch_cannot_tell_are_not_held_out() -> None:
    """The sketch of a large table is a sample: of most rows, it cannot tell."""
    trained = digests_of(0, 4 * MAX_DIGESTS)
    sketch = RowSketch.of(trained)
    later = digests_of(4 * MAX_DIGESTS, 4 * MAX_DIGESTS + 2000)
    manifest = manifest_of(sketch)
    found = find_trained_on(later, manifest)
    assert found.count(True) == 0
    assert found.count(False) == pytest.approx(500, abs=80)
    chosen = hold_out(later, manifest)
    assert sum(chosen) == 400
    assert all(seen is False for seen, out in zip(found, chosen, strict=True) if out)
    assert find_trained_on(trained, manifest).count(True) == MAX_DIGESTS


def test_a_model_without_its_training_rows_or_with_all_of_them_is_refused() -> None:
    rows = digests_of(0, 1000)
    with pytest.raises(DataError, match=r"tiny 1.0 does not record its training rows"):
        hold_out(rows, manifest_of(None))
    with pytest.raises(DataError, match=r"None of these rows is certainly unseen by tiny 1.0"):
        hold_out(rows, manifest_of(RowSketch.of(rows)))
    assert find_trained_on(rows[:2], manifest_of(None)) == [None, None]


def test_the_file_of_scores_has_a_row_for_each_row(tmp_path: Path) -> None:
    rows = ScoredRows(
        rows=row_names([1, 255, 2**63]),
        trained_on=[True, False, None],
        outcomes=["1", "0", "1"],
        outputs={"probability": [0.1, 1 / 3, 1.0]},
        groups={"place": ["here", 'there, "far"', "here"]},
        blocks=["a", "a", "b"],
    )
    write_scores(tmp_path / "scores.csv", rows, cpu_us=[12.5, 3.0])
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8") == (
        "row,trained_on,outcome,output.probability,group.place,block,cpu_us\n"
        "0000000000000001,yes,1,0.1,here,a,12.5\n"
        '00000000000000ff,no,0,0.3333333333333333,"there, ""far""",a,3.0\n'
        "8000000000000000,unknown,1,1.0,here,b,\n"
    )


def test_the_time_of_an_answer_is_that_of_the_processor() -> None:
    asked: list[int] = []

    def answer(row: int) -> int:
        asked.append(row)
        return sum(range(20_000 if row else 2))

    times = time_answers(answer, 3)
    assert len(times) == 3
    assert set(asked) == {0, 1, 2}
    assert min(times) > 0
    assert len(time_answers(lambda row: row, 1_000)) == TIMED
