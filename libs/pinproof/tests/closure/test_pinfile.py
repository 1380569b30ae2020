import pytest
from pinproof.closure.pinfile import MARKER_LINE, PinFile

HEADS = ["numpy~=1.26.4\n", "# a comment\r\nnumpy~=1.26.4\r\n", "", "no end of line"]


@pytest.mark.parametrize("head", HEADS)
def test_a_file_without_the_marker_line_is_people_s(head: str) -> None:
    file = PinFile.parse(head)

    assert (file.head, file.tail) == (head, "")
    assert file.with_tail([]) == head


def test_pins_are_written_below_the_marker_line() -> None:
    assert PinFile.parse("a~=1.0.0\n\n\n").with_tail(["b~=1.0.0", "c~=1.0.0"]) == (
        f"a~=1.0.0\n\n{MARKER_LINE}\nb~=1.0.0\nc~=1.0.0\n"
    )


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("pins", [[], ["b~=1.0.0"]])
def test_writing_the_same_pins_changes_nothing(head: str, pins: list[str]) -> None:
    once = PinFile.parse(head).with_tail(pins)

    assert PinFile.parse(once).with_tail(pins) == once


def test_the_tail_begins_on_the_line_below_the_marker_line() -> None:
    file = PinFile.parse(f"a~=1.0.0\n  {MARKER_LINE} \nb~=1.0.0")

    assert (file.head, file.tail, file.first) == ("a~=1.0.0\n", "b~=1.0.0", 3)


def test_the_marker_line_goes_with_the_last_pin() -> None:
    assert PinFile.parse(f"a~=1.0.0\n\n{MARKER_LINE}\nb~=1.0.0\n").with_tail([]) == "a~=1.0.0\n"
