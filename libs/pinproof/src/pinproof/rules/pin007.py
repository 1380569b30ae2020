"""Nothing is installed through a side door.

Forbidden: a command that installs a distribution by its name, an address, an archive or a file that
is not checked. `pip install`, `uv pip install`, `uv add`, `uv tool`, `uvx`, `uv run --with`,
`pipx`, `conda` and its relatives, `poetry add`, `pdm add`, `pipenv install`, `easy_install` and
`apt-get install python3-*` are looked for in Dockerfiles, GitHub workflows and actions, Kubernetes
manifests and other YAML, Makefiles, shell scripts, and in what Python programs start. A command
whose words are only known when it runs, such as `pip install $PACKAGE` or `xargs pip install`, is a
violation too: it cannot be checked.

Why: what it installs is pinned by nobody, comes on top of what the requirements files say, and
differs between the image, the pipeline and the machine that the tests ran on. A pin rule that does
not look at every place where an installer is called is no rule.

Instead: write the distribution into a requirements file with `~=`, and install that with `-r`.

Allowed: `-r` with a requirements file of the repository, in a variable folder too (`-r
$DIR/requirements.txt`), a folder of the repository that has a pyproject.toml, `.`, and the parts of
Python itself that a system splits off, such as `python3-venv`. Where a command has to differ, as in
a test of other versions, name the exception in pins.toml with the path.
"""

from collections.abc import Iterator

from pinproof.repository.loading import Repository
from pinproof.rules.install_commands.install_checker import InstallChecker
from pinproof.rules.install_commands.reading import UnreadableError, read_commands
from pinproof.violations import Violation

CODE = "PIN007"


def check(repository: Repository, /) -> Iterator[Violation]:
    """Yield every command that installs what no checked file names."""
    checker = InstallChecker(repository.files)
    for path in repository.scripts:
        try:
            for command in read_commands(repository.root, path):
                for found in checker.unpinned_installs(command, path):
                    yield Violation(path, command.line, CODE, found.message, found.distribution)
        except UnreadableError as error:
            message = f"{error}, so that nobody knows what it installs: mend or exclude this file"
            yield Violation(path, 1, CODE, message)
