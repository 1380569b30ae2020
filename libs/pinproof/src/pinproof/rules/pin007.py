"""Commands install only from requirements files that are checked.

Forbidden: a command that installs a distribution by its name, an address, an archive or a file that
is not checked, with pip, uv, pipx, conda, mamba, poetry, pdm, pipenv, rye, pixi, easy_install,
`setup.py` or the system's installer (`apt-get install python3-*`). In Python programs, each text or
list that calls an installer and that a function receives counts, and so do the instructions of a
Dockerfile that it writes, and the keywords and methods of platforms, such as `packages_to_install=`
and `.pip_install(...)`. A command whose arguments are known only at run time, such as `pip install
$PACKAGE` or `xargs pip install`, is a violation too, because it cannot be checked. Forbidden with a
checked file or project, too: `--pre`, `--no-deps`, another index, `--find-links` and
`--trusted-host`, and their variables, such as `PIP_PRE` and `UV_INDEX`. They change what its pins
mean, as PIN003 says.

Why: nothing pins what such a command installs, in addition to the requirements files. It differs
between the image, the pipeline and the machine that ran the tests.

Instead: write the distribution into a requirements file with `~=`, and install that with `-r`.

Allowed: `-r` with a requirements file of the repository, also in a variable folder (`-r
$DIR/requirements.txt`), a project of the repository, also as `.` or `poetry install`, `--no-deps`
with a project, `--no-index` with a folder of wheels, system packages of Python itself, such as
`python3-venv`, and packages of conda that are not in Python. If a command must differ, for example
in a test of other versions, add an exception to pins.toml with the path.
"""

from collections.abc import Iterator

from pinproof.repository.reader import Repository
from pinproof.rules.install_commands.install_checker import InstallChecker
from pinproof.rules.install_commands.read_commands import UnreadableError, read_commands
from pinproof.violations import Violation

CODE = "PIN007"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every command that installs something that is not in a checked file."""
    checker = InstallChecker(repository.files)
    for path in repository.scripts:
        try:
            for command in read_commands(repository.root, path):
                for found in checker.unpinned_installs(command, path):
                    yield Violation(path, command.line, CODE, found.message, found.distribution)
        except UnreadableError as error:
            message = f"{error}, so it is unknown what it installs: correct or exclude this file"
            yield Violation(path, 1, CODE, message)
