"""Changes of pins, in a copy first."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from pinproof.proof.working_copy import TrialError, WorkingCopy, parse_changes

Write = Callable[[Mapping[str, str]], Path]

PROD = """\
# The model
numpy~=1.26.4  # the newest that works
boost-cpu[fast]~=2.1.3; sys_platform == "linux"
boost~=2.1.3; sys_platform != "linux"
boost-extras~=2.1.3
"""


def draft(write: Write, tmp_path: Path, prod: str = PROD) -> WorkingCopy:
    root = write({"s/requirements-prod.txt": prod, "s/requirements-dev.txt": "pytest~=9.2.0\n"})
    (tmp_path / "draft").mkdir()
    return WorkingCopy(root, tmp_path / "draft", "s")


def test_a_line_keeps_its_comment(write: Write, tmp_path: Path) -> None:
    changed = draft(write, tmp_path)
    assert changed.change([Requirement("NumPy~=2.4.0")]) == ["numpy"]
    assert changed.changes() == {
        "s/requirements-prod.txt": PROD.replace("numpy~=1.26.4", "numpy~=2.4.0")
    }


@pytest.mark.parametrize("name", ["boost", "boost-cpu"])
def test_names_of_one_distribution_for_different_platforms_change_together(
    write: Write, tmp_path: Path, name: str
) -> None:
    changed = draft(write, tmp_path)

    assert changed.change([Requirement(f"{name}~=3.2.0")]) == ["boost", "boost-cpu"]
    assert changed.patch() == (
        "--- a/s/requirements-prod.txt\n+++ b/s/requirements-prod.txt\n@@ -2,4 +2,4 @@\n"
        " numpy~=1.26.4  # the newest that works\n"
        '-boost-cpu[fast]~=2.1.3; sys_platform == "linux"\n'
        '-boost~=2.1.3; sys_platform != "linux"\n'
        '+boost-cpu[fast]~=3.2.0; sys_platform == "linux"\n'
        '+boost~=3.2.0; sys_platform != "linux"\n'
        " boost-extras~=2.1.3\n"
    )


def test_a_file_that_changed_meanwhile_is_not_overwritten(write: Write, tmp_path: Path) -> None:
    changed = draft(write, tmp_path)
    changed.change([Requirement("numpy~=2.4.0")])
    (tmp_path / "repository" / "s" / "requirements-prod.txt").write_text("numpy~=2.0.0\n")

    with pytest.raises(TrialError, match="changed during the trial"):
        changed.apply()


@pytest.mark.parametrize(
    ("pin", "spelling"),
    [
        ("numpy==2.0.0", "numpy~=2.0.0."),
        ("numpy===2.0.0", "numpy~=2.0.0."),
        ("numpy==2.0.*", "numpy~=2.0.0."),
        ("NumPy>=2.0,<2.1", "NumPy~=2.0.0."),
        ("numpy~=2.0", "numpy~=2.0.0."),
        ("numpy~=2.0.0,!=2.0.1", "numpy~=2.0."),
        ("small~=0.0.9", "small~=0.0.9.0."),
        ("numpy<3", "numpy~= and the version that you tested"),
    ],
)
def test_a_pin_that_check_refuses_is_refused_before_the_trial(pin: str, spelling: str) -> None:
    with pytest.raises(TrialError) as caught:
        parse_changes([pin])

    assert caught.value.message == (
        f"{pin!r} is not a pin to one series, and `pinproof check` would refuse it."
    )
    assert caught.value.remedy.startswith(f"Write {spelling}")
