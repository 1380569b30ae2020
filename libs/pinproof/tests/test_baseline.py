"""A baseline: the violations of today, so that only new ones are reported."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.cli import app
from typer.testing import CliRunner, Result

Write = Callable[[Mapping[str, str]], Path]

FILES = {
    "requirements.txt": "numpy>=1.26\nscipy==1.11.0\n--pre\n",
    "install.sh": "pip install six\npip install six\n",
}


@pytest.fixture
def root(write: Write) -> Path:
    root = write(FILES)
    assert check(root, "--write-baseline").exit_code == 0
    return root


def check(root: Path, *options: str) -> Result:
    arguments = ["check", str(root), "--baseline", str(root / "pins-baseline.json"), *options]
    return CliRunner().invoke(app, arguments)


def codes(result: Result) -> list[str]:
    return [" ".join(line.split()[:2]) for line in result.stdout.splitlines()]


def test_the_violations_of_a_baseline_are_not_reported(root: Path) -> None:
    result = check(root)

    assert (codes(result), result.exit_code) == ([], 0)
    assert "pins-baseline.json: 5 known, 0 new." in result.stderr


@pytest.mark.parametrize(
    ("name", "text", "new"),
    [
        # Lines may move, and a line may change in a way that breaks the same rule.
        ("requirements.txt", "\n\n# a\nscipy==1.11.0\n--pre\nnumpy>=2\n", []),
        # A second violation of the same kind is new, and so are others.
        ("install.sh", "pip install six\n" * 3, ["install.sh:3: PIN007"]),
        ("install.sh", "pip install six\npip install six attrs\n", ["install.sh:2: PIN007"]),
        ("other.sh", "pip install six\n", ["other.sh:1: PIN007"]),
        ("requirements.txt", FILES["requirements.txt"] + "six>=1\n",
         ["requirements.txt:4: PIN001"]),
        ("requirements.txt", FILES["requirements.txt"] + "-i https://x.example\n",
         ["requirements.txt:4: PIN003"]),
        ("requirements.txt", "numpy~=1.26\nscipy==1.11.0\n--pre\n", ["requirements.txt:1: PIN002"]),
        # What cannot be read is always new.
        ("requirements.txt", FILES["requirements.txt"] + "-r gone.txt\n",
         ["requirements.txt:4: PIN000"]),
    ],
)  # fmt: skip
def test_only_new_violations_are_reported(root: Path, name: str, text: str, new: list[str]) -> None:
    (root / name).write_text(text)

    result = check(root)

    assert codes(result) == new
    assert result.exit_code == (0 if not new else 2 if "PIN000" in new[0] else 1)


def test_a_stale_entry_is_told(root: Path) -> None:
    (root / "requirements.txt").write_text("numpy~=1.26.0\nscipy==1.11.0\n--pre\n")
    (root / "install.sh").unlink()

    result = check(root)

    assert result.exit_code == 0
    assert "requirements.txt: PIN001 of numpy is in the baseline 1 time more" in result.stderr
    assert "install.sh: PIN007 of six is in the baseline 2 times more" in result.stderr
    assert "pins-baseline.json: 2 known, 0 new." in result.stderr


def test_a_baseline_is_no_door(root: Path) -> None:
    assert (root / "pins-baseline.json").is_file()
    assert "pins-baseline" not in CliRunner().invoke(app, ["check", str(root)]).stdout


def test_writing_again_removes_what_is_stale(root: Path) -> None:
    (root / "install.sh").unlink()
    check(root, "--write-baseline")

    assert "time" not in check(root).stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no baseline "),
        ("[]", "is not a baseline ("),
        ('{"format": 2, "violations": []}', "is not a baseline (format: "),
        ('{"violations": [{"path": "a", "code": "PIN001", "count": 0}]}', "is not a baseline"),
    ],
)
def test_a_baseline_that_cannot_be_read_exits_2(root: Path, text: str | None, message: str) -> None:
    baseline = root / "pins-baseline.json"
    baseline.unlink()
    if text is not None:
        baseline.write_text(text)

    result = check(root)

    assert (result.stdout, result.exit_code) == ("", 2)
    assert message in result.stderr


def test_what_cannot_be_checked_is_not_written(root: Path) -> None:
    before = (root / "pins-baseline.json").read_text()
    (root / "requirements.txt").write_text("-r gone.txt\n")

    result = check(root, "--write-baseline")

    assert result.exit_code == 2
    assert "requirements.txt:1: --requirement gone.txt is not a file" in result.stderr
    assert (root / "pins-baseline.json").read_text() == before


def test_a_baseline_needs_a_name(root: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(root), "--write-baseline"])

    assert result.exit_code == 2
    assert "Name it: --baseline pins-baseline.json." in result.stderr


def test_a_policy_above_the_checked_folder_is_told(write: Write) -> None:
    root = write({"pins.toml": "", "service/requirements.txt": "numpy~=1.26.4\n"})

    below = CliRunner().invoke(app, ["check", str(root / "service")])
    above = CliRunner().invoke(app, ["check", str(root)])

    assert f"{root / 'pins.toml'} is not used, because it is above" in below.stderr
    assert "is not used" not in above.stderr
    assert (below.exit_code, above.exit_code) == (0, 0)


def test_an_entry_of_pins_toml_that_does_nothing_is_told(write: Write) -> None:
    root = write({"pins.toml": '[policy]\nexclude = ["gone"]\n', "requirements.txt": ""})

    result = CliRunner().invoke(app, ["check", str(root)])

    assert "policy.exclude names gone, which does not exist: remove it\n" in result.stderr
