"""The kinds of files of a repository, and what is read of each. The README lists this table."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: The name of its files in reports, in the plural.
        names: The names of the files, for the README.
        pattern: Matches the path in lower case.
        has_pins: Whether its requirements are read, and every rule applies to them.
        has_commands: Whether the commands in it are read, for PIN007.
        unread: What it pins or installs that is not read; empty if nothing.
    """

    name: str
    names: str
    pattern: str
    has_pins: bool = False
    has_commands: bool = False
    unread: str = ""

    @property
    def is_read(self) -> bool:
        """Whether anything of these files is read."""
        return self.has_pins or self.has_commands


_YAML = r"\.ya?ml$"

LOCK_FILES = Kind(
    "lock files",
    "`uv.lock`, `poetry.lock`, `pdm.lock`, `Pipfile.lock`, `pixi.lock`, `pylock*.toml`, "
    "`conda-lock.yml`, `*.conda.lock`",
    r"(uv|poetry|pdm|pipfile|pixi|conda)\.lock$|pylock.*\.toml$|conda-lock" + _YAML,
    unread="what they lock: the rules are about the manifests",
)
REQUIREMENTS = Kind(
    "requirements files",
    "`requirements*.txt`, `*reqs*.txt`, `*constraints*.txt`, also with `.in` or `.pip`, and such "
    "files in a folder `requirements`",
    r"((?<![a-z])(requirements|(requirement|reqs?|constraints?)(?![a-z]))[^/]*"
    r"|(^|/)(requirements|reqs|constraints)/.*)\.(txt|in|pip)$",
    has_pins=True,
)
PYPROJECT = Kind(
    "pyproject.toml files",
    "`pyproject.toml`",
    r"(^|/)pyproject\.toml$",
    has_pins=True,
    has_commands=True,
)
PIPFILE = Kind("Pipfiles", "`Pipfile`", r"(^|/)pipfile$", has_pins=True)
SETUP_CFG = Kind(
    "setup.cfg and tox.ini files",
    "`setup.cfg`, `tox.ini`",
    r"(^|/)(setup\.cfg|tox\.ini)$",
    has_pins=True,
    has_commands=True,
)
SETUP_PY = Kind(
    "setup.py files", "`setup.py`", r"(^|/)setup\.py$", has_pins=True, has_commands=True
)
CONDA = Kind(
    "conda environments",
    "`environment*.yml`, `*conda*.yml`, `env*.yaml` with `dependencies`, and every YAML file with "
    "`channels` and `dependencies`",
    r"(environment|conda)[^/]*" + _YAML + r"|(^|/)env[^/]*" + _YAML,
    has_pins=True,
    has_commands=True,
)
PIXI = Kind("pixi manifests", "`pixi.toml`", r"(^|/)pixi\.toml$", has_pins=True, has_commands=True)
CONDA_RECIPE = Kind(
    "conda recipes",
    "`meta.yaml`, `recipe.yaml`",
    r"(^|/)(meta|recipe)" + _YAML,
    has_commands=True,
    unread="their requirements",
)
DOCKERFILE = Kind(
    "Dockerfiles",
    "every name with `Dockerfile` or `Containerfile`, without the suffix of another kind",
    r"(docker|container)file(?![^/]*\.(md|rst|py|ya?ml|json|toml|sh|dockerignore|ps1|js|ts|go)$)",
    has_commands=True,
)
MAKEFILE = Kind(
    "Makefiles",
    "`Makefile`, `GNUmakefile`, `Makefile.*`, `*.mk`",
    r"(^|/)(gnu)?makefile(\.[^/]*)?$|\.(mk|mak)$",
    has_commands=True,
)
SHELL = Kind(
    "shell scripts",
    "`*.sh`, `*.bash`, `*.ksh`, `*.zsh`, and files that begin with `#!` and a shell",
    r"\.(sh|bash|ksh|zsh)$|(^|/)\.(bash|zsh)rc$|(^|/)\.(bash_)?profile$|(^|/)\.envrc$",
    has_commands=True,
)
NOTEBOOK = Kind("notebooks", "`*.ipynb`: the cells with code", r"\.ipynb$", has_commands=True)
CHUNKS = Kind(
    "documents with code", "`*.qmd`, `*.Rmd`: the chunks", r"\.[qr]md$", has_commands=True
)
PYTHON = Kind(
    "Python programs",
    "`*.py`, and files that begin with `#!` and python: the commands that they start, and the "
    "requirements of a script block (PEP 723)",
    r"\.pyw?$",
    has_pins=True,
    has_commands=True,
)
YAML = Kind(
    "YAML files",
    "`*.yml`, `*.yaml`: every text, and every list of texts, that is a command; Ansible's `pip`",
    _YAML,
    has_commands=True,
)
JSON = Kind("JSON files", "`*.json`, `*.jsonc`: the same", r"\.json[c5]?$", has_commands=True)
TOML = Kind("TOML files", "`*.toml`: the same", r"\.toml$", has_commands=True)
PROSE = Kind(
    "texts for people",
    "`*.md`, `*.rst`, `*.txt`, `*.html`, `README`, `LICENSE` and the like, logs and patches, and "
    "what wheels say about themselves in `*.dist-info` and `*.egg-info`",
    r"\.(md|mdx|markdown|rst|adoc|asciidoc|txt|html?|tex|bib|org|rtf|pot?|log|diff|patch)$"
    r"|(^|/)(readme|licen[sc]e|notice|copying|changelog|authors|contributors)[^/]*$"
    r"|\.(dist|egg)-info/|(^|/)(metadata|pkg-info)$"
    r"|(^|/)(changes|codeowners|history|news|todo|version)$|\.git\w*$|\.\w*ignore$|\.(outdated|sarif)$",
)
DATA = Kind(
    "data files",
    "`*.csv`, `*.tsv`, `*.jsonl`, `*.svg`, `*.css` and the like, and files that are not text",
    r"\.(csv|tsv|jsonl|ndjson|geojson|svg|css|scss|less|map|sql|lock|sum|pem|crt|typed|parquet)$",
)
OTHER = Kind(
    "other text files",
    "every other text, such as `Jenkinsfile`, `justfile`, `*.tf`, `*.bat`, `*.ps1`, `*.js`: the "
    "lines that call an installer",
    r"",
    has_commands=True,
)
TEMPLATE = Kind(
    "templates of requirements",
    "the kinds with requirements above, with a suffix such as `.j2` or `.tmpl`",
    r"(?!)",
    unread="their requirements",
)

# The first that matches is the kind.
KINDS = (
    *(LOCK_FILES, REQUIREMENTS, PYPROJECT, PIPFILE, SETUP_CFG, SETUP_PY, CONDA, PIXI),
    *(CONDA_RECIPE, DOCKERFILE, MAKEFILE, NOTEBOOK, CHUNKS, SHELL, PYTHON, YAML, JSON, TOML),
    *(TEMPLATE, PROSE, DATA, OTHER),
)

PROGRAMS = (DOCKERFILE, MAKEFILE, SHELL)
"""Kinds that consist of commands: read even if no installer is recognized in them."""
PYTHON_KINDS = (PYTHON, SETUP_PY, NOTEBOOK)
"""Kinds of programs in Python, whose variables may hold parts of a command."""

_TEMPLATE_SUFFIX = re.compile(
    r"(?:\.(?:j2|jinja2?|tmpl|tpl|template|gotmpl|erb|mustache|dist|sample|example))+$"
)
# Kinds whose files with commands are written as templates, too.
_MANIFESTS = (REQUIREMENTS, PYPROJECT, PIPFILE, SETUP_CFG, SETUP_PY, CONDA, PIXI)


@lru_cache(maxsize=65536)
def kind_of(path: str) -> Kind:
    """The kind of a file, from its path below the root."""
    name = path.lower()
    bare = _TEMPLATE_SUFFIX.sub("", name)
    found = _match(bare)
    if bare != name and found in _MANIFESTS:
        return TEMPLATE
    # A file that has only the suffix of a template may be anything.
    return OTHER if bare != name and found is PROSE else found


def is_template(path: str) -> bool:
    """Whether a file is filled in before it is used, as its suffix says."""
    return _TEMPLATE_SUFFIX.search(path.lower()) is not None


def _match(path: str) -> Kind:
    return next(kind for kind, matches in _matchers() if matches(path))


@cache
def _matchers() -> tuple[tuple[Kind, Callable[[str], object]], ...]:
    return tuple((kind, re.compile(kind.pattern).search) for kind in KINDS)


def table() -> str:
    """The kinds as a Markdown table."""
    rows = [f"| {kind.name} | {kind.names} | {_treatment(kind)} |" for kind in KINDS]
    return "\n".join(["| Kind | Files | What is read |", "|---|---|---|", *rows])


def _treatment(kind: Kind) -> str:
    read = [
        *(["requirements: every rule"] if kind.has_pins else []),
        *(["commands: PIN007"] if kind.has_commands else []),
    ]
    if kind.unread:
        read.append(f"not read, counted in reports: {kind.unread}")
    return "; ".join(read) or "nothing: they install nothing"
