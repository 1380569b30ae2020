"""Options with values, from the help of the installers themselves."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from install_helpers import unpinned_installs
from installer_help import COMMANDS, DOCUMENTED, options_of, parse_help, version
from pinproof.closure.uv import find_uv
from pinproof.rules.install_commands import tables

UV = Path(find_uv(Path(__file__).parents[5]))
TOOLS = {"pip": UV.with_name("pip"), "uv": UV}
TABLE = json.loads(tables.OPTIONS.read_text(encoding="utf-8"))
# Options that say what is installed, or that change it: they have tests of their own.
ABOUT_SOURCES = {
    *("-r", "--requirement", "--requirements", "--requirements-from-script", "--with-requirements"),
    *("-e", "--editable", "--with-editable", "--override", "--overrides", "--with", "-w", "--from"),
    *("-i", "--index-url", "--extra-index-url", "--index", "--default-index", "-f", "--find-links"),
    *("--trusted-host", "--allow-insecure-host", "--prerelease", "--all-releases"),
    "--with-executables-from",
}
INSTALLS = [("pip", verb) for verb in ("install", "download", "wheel")]
INSTALLS += [("uv", "pip install"), ("uv", "pip sync"), ("uv", "add")]


def with_values() -> Iterator[tuple[str, str]]:
    """Each option with a value of pip's and uv's commands that can install a file."""
    for tool, command in INSTALLS:
        for written, takes_value in TABLE[tool]["commands"][command].items():
            for option in written.split():
                if takes_value and ({option, *written.split()} & ABOUT_SOURCES) == set():
                    file = "requirements.txt" if command.endswith("sync") else "-r requirements.txt"
                    yield f"{tool} {command}", f"{option} D {file}"


@pytest.mark.parametrize(("command", "arguments"), list(with_values()))
def test_the_value_of_an_option_is_not_installed(command: str, arguments: str) -> None:
    assert [found.message for found in unpinned_installs("x.sh", f"{command} {arguments}")] == []


@pytest.mark.parametrize(("tool", "command"), [("pip", "install"), ("uv", "pip install")])
def test_what_follows_a_flag_is_installed(tool: str, command: str) -> None:
    flags = [
        option
        for written, takes_value in TABLE[tool]["commands"][command].items()
        for option in written.split()
        if not takes_value
    ]

    assert len(flags) > 20
    for flag in flags:
        script = f"{tool} {command} {flag} numpy"
        assert [each.distribution for each in unpinned_installs("x.sh", script)] == ["numpy"], flag


@pytest.mark.parametrize(
    ("tool", "command"),
    [(tool, command) for tool in TOOLS for command in COMMANDS[tool] if command],
)
def test_the_table_has_every_option_of_the_installers_of_this_repository(
    tool: str, command: str
) -> None:
    recorded = {
        option: takes_value
        for written, takes_value in TABLE[tool]["commands"][command].items()
        for option in written.split()
    }
    present = {
        option: takes_value
        for written, takes_value in options_of(TOOLS[tool], command).items()
        for option in written.split()
    }

    remedy = f"run tests/installer_help.py with {tool} {version(TOOLS[tool])}"
    assert {o: takes for o, takes in present.items() if recorded.get(o) != takes} == {}, remedy


def test_the_table_names_the_source_of_each_tool() -> None:
    assert TABLE.keys() == COMMANDS.keys() | DOCUMENTED.keys()
    assert all(any(map(str.isdigit, entry["source"])) for entry in TABLE.values())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("  -r, --requirement <file>    Install from", {"-r --requirement": True}),
        ("  -q, --quiet...\n          Use quiet output", {"-q --quiet": False}),
        ("      --no-deps\n          Ignore", {"--no-deps": False}),
        ("  -i URL, --index URL   Specify", {"-i --index": True}),
        ("  -G, --group=GROUP     The group", {"-G --group": True}),
        ("  -v|vv|vvv, --verbose  Increase", {"-v --verbose": False}),
        ("  --optional X\n      Add [aliases: --extra-x]", {"--optional --extra-x": True}),
        ("Can be used with\n                   --group, or not", {}),
        ("  --no-root     Do not\nHelp:\n  --no-root option like below:", {"--no-root": False}),
    ],
)
def test_each_style_of_help_is_read(text: str, found: dict[str, bool]) -> None:
    assert parse_help(text) == found
