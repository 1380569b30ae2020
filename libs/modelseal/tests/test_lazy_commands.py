"""Commands, and the names of the library, are imported when they are used."""

import subprocess
import sys
from pathlib import Path

import modelseal
import pytest
from modelseal.lazy_commands import lazy_app
from typer.testing import CliRunner

COMMAND = '''"""A command."""
from pathlib import Path

Path("imported").touch()


def command(number: int, wide: bool = False) -> None:
    """Print twice a number.

    Not in the list of commands.
    """
    print(2 * number, wide)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    name = f"lazy_{tmp_path.name}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    (tmp_path / name / "print_twice.py").write_text(COMMAND)
    return name


def test_the_list_of_commands_is_read_from_the_source(package: str) -> None:
    app = lazy_app("lazy", package=package, commands=("print-twice",), help="Some commands.")

    shown = CliRunner().invoke(app, ["--help"])

    assert shown.exit_code == 0
    assert "Some commands." in shown.stdout
    assert "print-twice" in shown.stdout
    assert "Print twice a number." in shown.stdout
    assert "Not in the list" not in shown.stdout
    assert not Path("imported").exists()


def test_a_command_is_imported_and_run_with_its_arguments(package: str) -> None:
    app = lazy_app("lazy", package=package, commands=("print-twice",), help="Some commands.")

    done = CliRunner().invoke(app, ["print-twice", "21", "--wide"])

    assert (done.exit_code, done.stdout) == (0, "42 True\n")
    assert Path("imported").exists()
    help_text = CliRunner().invoke(app, ["print-twice", "--help"]).stdout
    assert "Usage: lazy print-twice" in help_text
    assert "Not in the list of commands." in help_text


def test_a_command_without_a_module_or_function_is_an_error_at_once(package: str) -> None:
    Path(package, "empty.py").touch()

    for name, error in (("absent", ModuleNotFoundError), ("empty", AttributeError)):
        with pytest.raises(error):
            CliRunner().invoke(
                lazy_app("lazy", package=package, commands=(name,), help=""),
                ["--help"],
                catch_exceptions=False,
            )


def test_the_list_of_commands_imports_neither_pydantic_nor_the_libraries_of_one_command() -> None:
    code = (
        "import sys\nfrom modelseal.cli import app\n"
        "try:\n    app(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(sorted({'pydantic', 'obstore', 'cryptography'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_every_public_name_of_the_library_can_be_imported() -> None:
    assert [name for name in modelseal.__all__ if not hasattr(modelseal, name)] == []
    with pytest.raises(AttributeError, match="has no attribute 'unseal'"):
        _ = modelseal.unseal
