from pathlib import Path

from servicekit.rows import RowError, RowErrors


def test_every_row_is_counted_and_the_first_of_each_kind_are_shown() -> None:
    problems = RowErrors()
    assert not problems

    problems.add([RowError("age", row, "'x'", "a number") for row in range(1, 8)])
    problems.add([RowError("age", 9, "'y'", "a number"), RowError("name", 9, "blank", "a name")])

    message = str(problems.refusal(Path("a.csv")))
    assert problems
    assert message.startswith("a.csv: 8 rows do not fit")
    assert "column age must be a number; row 1: 'x', row 2: 'x'" in message
    assert "row 5: 'x' and 3 more\n" in message
    assert "row 6" not in message
    assert "column name must be a name; row 9: blank\n" in message


def test_kinds_after_the_tenth_are_only_counted() -> None:
    problems = RowErrors()
    problems.add([RowError(f"c{number}", 1, "blank", "there") for number in range(12)])

    message = str(problems.refusal(Path("a.csv")))

    assert message.startswith("a.csv: 1 row does not fit")
    assert "column c9 " in message
    assert "column c10 " not in message
    assert "and 2 more kinds of errors" in message
