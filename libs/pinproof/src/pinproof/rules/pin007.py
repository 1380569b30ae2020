"""Commands install only from requirements files that are checked.

Forbidden: a command that installs a distribution by its name, an address, an archive or a file that
is not checked. The rule looks for `pip install`, `uv pip install`, `uv add`, `uv tool`, `uvx`,
`uv run --with`, `pipx`, `conda` and its variants, `poetry add`, `pdm add`, `pipenv install`,
`easy_install` and `apt-get install python3-*` in Dockerfiles, GitHub workflows and actions,
Kubernetes manifests and other YAML, Makefiles, shell scripts, and the commands that Python programs
run. A command whose arguments are known only at run time, such as `pip install $PACKAGE` or `xargs
pip install`, is a violation too, because it cannot be checked.

Why: nothing pins what such a command installs, in addition to the requirements files. It differs
between the image, the pipeline and the machine that ran the tests.

Instead: write the distribution into a requirements file with `~=`, and install that with `-r`.

Allowed: `-r` with a requirements file of the repository, also in a variable folder (`-r
$DIR/requirements.txt`), a folder of the repository that has a pyproject.toml, `.`, and system
packages of Python itself, such as `python3-venv`. If a command must differ, for example in a test
of other versions, add an exception to pins.toml with the path.
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
