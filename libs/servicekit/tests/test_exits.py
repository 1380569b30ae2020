"""What a command ends with."""

import pytest
from pinproof import SealError
from servicekit.exits import exits
from servicekit.files import DataError, TryLaterError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SealError("It fits nothing.", remedy="Train again."), 1),
        (DataError("x.csv has no header. Give one."), 2),
        (TryLaterError("The portal does not answer. Try later."), 75),
    ],
)
def test_an_error_for_people_is_a_message_and_a_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, exits():
        raise error

    assert ended.value.code == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_an_error_that_nobody_expected_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), exits():
        1 / 0  # noqa: B018
