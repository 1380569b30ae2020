"""Makes the table of the options of installers, from the help texts of the installers.

`python tests/installer_help.py FOLDER...` writes the table. Each folder is the `bin` folder of an
environment with some of the installers. An option counts as one with a value if a version of any of
the folders says so: install an old pip too. What no index has is in `DOCUMENTED`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pinproof.rules.install_commands import tables

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "pip": ("", "install", "download", "wheel"),
    "uv": (
        *("", "pip", "pip install", "pip sync", "add", "run", "sync"),
        *("tool", "tool install", "tool run", "tool upgrade"),
    ),
    "pip-sync": ("",),
    "pipx": ("", "install", "run", "inject", "upgrade", "install-all"),
    "poetry": ("", "add", "install", "self add"),
    "pipenv": ("", "install", "sync"),
    "pdm": ("", "add", "install", "sync"),
}
# From the reference documentation of each tool: what takes a value; the rest are flags.
DOCUMENTED: Mapping[str, tuple[str, Iterable[str]]] = {
    "conda": (
        "reference of conda 26.3, mamba 2.5 and micromamba 2.5",
        (
            *("-n --name", "-p --prefix", "-c --channel", "-f --file", "-r --root-prefix"),
            *("--solver", "--repodata-fn", "--experimental", "--console", "--subdir --platform"),
            *("--clone", "--revision", "--format", "--exclude-newer", "--rc-file", "--category"),
            *("--environment-specifier --env-spec", "--ssl-verify", "--cacert-path"),
            *("--channel-alias", "--channel-priority", "--repodata-ttl", "--log-level"),
            *("--download-threads", "--retry-clean-cache", "--cwd", "-a --attach"),
        ),
    ),
    "apt-get": (
        "manual of apt 2.6.1",
        (
            *("-t --target-release --default-release", "-o --option", "-c --config-file"),
            *("-a --host-architecture", "-P --build-profiles", "--with-source"),
        ),
    ),
    "apk": (
        "manual of apk-tools 2.14",
        (
            *("-X --repository", "-p --root", "-t --virtual", "--arch", "--cache-dir", "--timeout"),
            *("--keys-dir", "--repositories-file", "--wait", "--progress-fd", "--cache-max-age"),
        ),
    ),
    "dnf": (
        "manuals of dnf 4.14, yum 3.4 and microdnf 3.9",
        (
            *("-c --config", "-x --exclude --excludepkgs", "--enablerepo", "--disablerepo"),
            *("--repo --repoid", "--repofrompath", "--releasever", "--installroot", "--setopt"),
            *("-e --errorlevel", "-d --debuglevel", "-R --randomwait", "--forcearch", "--color"),
            *("--advisory", "--bz", "--cve", "--comment", "--disableplugin", "--enableplugin"),
            *("--downloaddir --destdir", "--sec-severity --secseverity"),
        ),
    ),
    "zypper": (
        "manual of zypper 1.14",
        (
            *("-R --root", "--installroot", "-D --reposd-dir", "-C --cache-dir", "-p --plus-repo"),
            *("--plus-content", "-c --config", "-r --repo", "--from", "-t --type", "--download"),
            *("--releasever", "--pkg-cache-dir", "--solv-cache-dir", "--raw-cache-dir"),
        ),
    ),
    "pacman": (
        "manual of pacman 6.1",
        (
            *("-b --dbpath", "-r --root", "--arch", "--cachedir", "--config", "--gpgdir"),
            *("--hookdir", "--logfile", "--ignore", "--ignoregroup", "--overwrite", "--color"),
            *("--assume-installed", "--print-format"),
        ),
    ),
    "pixi": (
        "reference of pixi 0.60",
        (
            *("-p --platform", "-f --feature", "-m --manifest-path", "--git", "--branch", "--tag"),
            *("--rev", "-s --subdir", "-c --channel", "-e --environment", "--expose", "--with"),
        ),
    ),
    "rye": (
        "reference of rye 0.44",
        (
            *("--git", "--url", "--path", "--tag", "--rev", "--branch", "--features", "--optional"),
            *("--pin", "--pyproject", "--include-dep", "--extra-requirement", "--index"),
        ),
    ),
}

_SPELLING = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_ALIASES = re.compile(r"\[alias(?:es)?: ([^\]]*)\]")
_REPEATED = re.compile(r"\|v+|\.\.\.$")
_BOLD = re.compile(r"\x1b\[[\d;]*m")


def parse_help(text: str) -> dict[str, bool]:
    """The spellings of each option of a help text, and whether it takes a value."""
    found: dict[str, bool] = {}
    last = ""
    for line in _BOLD.sub("", text).splitlines():
        stripped = line.strip()
        if stripped.startswith("-") and len(line) - len(stripped) <= 6:
            written = _REPEATED.sub("", re.split(r"\s{2,}", stripped)[0])
            spellings = list(dict.fromkeys(_SPELLING.findall(written)))
            if not spellings:
                continue
            last = " ".join(spellings)
            # The first is the list of options; a text below it may begin with one.
            found.setdefault(last, bool(_SPELLING.sub("", written).replace(",", "").strip()))
        if last and (aliases := _ALIASES.search(line)):
            takes = found.pop(last)
            last = " ".join([last, *aliases[1].replace(",", " ").split()])
            found[last] = takes
    return found


def help_text(program: Path, command: str) -> str:
    """What an installer prints about one of its commands."""
    run = subprocess.run(
        [program, *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1", "PATH": "/usr/bin:/bin"},
    )
    return run.stdout


def version(program: Path) -> str:
    """The version of an installer."""
    run = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\d+(?:\.\d+)+", run.stdout)
    if found is None:
        raise ValueError(f"{program} --version prints no version: {run.stdout!r}")
    return found[0]


def options_of(program: Path, command: str) -> dict[str, bool]:
    """The options of a command of an installer that is present."""
    return parse_help(help_text(program, command))


def _table(folders: Iterable[Path]) -> dict[str, object]:
    table: dict[str, object] = {}
    for tool, commands in COMMANDS.items():
        programs = [folder / tool for folder in folders if (folder / tool).exists()]
        if not programs:
            raise FileNotFoundError(f"no folder has {tool}")
        read: dict[str, dict[str, bool]] = {command: {} for command in commands}
        for program in programs:
            for command in commands:
                for spellings, takes in options_of(program, command).items():
                    read[command][spellings] = takes or read[command].get(spellings, False)
        table[tool] = {
            "source": f"--help of {', '.join(map(version, programs))}",
            "commands": {command: dict(sorted(found.items())) for command, found in read.items()},
        }
    for tool, (source, with_value) in DOCUMENTED.items():
        table[tool] = {"source": source, "commands": {"": dict.fromkeys(with_value, True)}}
    return table


if __name__ == "__main__":
    made = json.dumps(_table([Path(name) for name in sys.argv[1:]]), indent=1)
    tables.OPTIONS.write_text(f"{made}\n", encoding="utf-8")
