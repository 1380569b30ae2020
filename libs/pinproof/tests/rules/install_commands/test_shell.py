"""What a shell script installs: each line of the tables is a script of its own."""

import pytest
from install_helpers import unpinned_installs

# a script, and what of it no checked file names; an empty text is what cannot be checked
REFUSED = [
    ("pip install numpy", ["numpy"]),
    ("pip install numpy==1.26.4 'pandas>=2' scipy~=1.17.1", ["numpy", "pandas", "scipy"]),
    ("pip3.11 install -U --quiet numpy", ["numpy"]),
    ("/opt/venv/bin/pip install Typing_Extensions[x]", ["typing-extensions"]),
    ("python3 -m pip install numpy", ["numpy"]),
    ("python -mpip install numpy", ["numpy"]),
    ("pip --python x --quiet install numpy", ["numpy"]),
    ("pip install -r requirements.txt numpy", ["numpy"]),
    ("pip install -rrequirements.txt -t x numpy", ["numpy"]),
    ("pip install --no-deps xgboost", ["xgboost"]),
    ("pip install -- numpy", ["numpy"]),
    ("pip download numpy", ["numpy"]),
    ("PIP_INDEX_URL=x pip install numpy", ["numpy"]),
    ("sudo -H pip install numpy", ["numpy"]),
    ("docker run --rm image pip install numpy", ["numpy"]),
    ("true && pip install numpy || true", ["numpy"]),
    ("pip install numpy > log 2>&1 &", ["numpy"]),
    ("pip install > log numpy", ["numpy"]),
    ("if true; then pip install a; else pip install b; fi", ["a", "b"]),
    ("f() { pip install a; }; (pip install b); { pip install c; }", ["a", "b", "c"]),
    ("x=$(pip install a) y=`pip install b`", ["a", "b"]),
    ("while read x; do pip install a; done", ["a"]),
    ("case $x in a) pip install a;; esac", ["a"]),
    ("pip install \\\n  numpy \\\n  pandas", ["numpy", "pandas"]),
    ("bash -c 'pip install numpy'", ["numpy"]),
    ("su user -lc \"sh -c 'pip install numpy'\"", ["numpy"]),
    ("eval 'pip install numpy'", ["numpy"]),
    ("ssh host 'pip install numpy'", ["numpy"]),
    ("bash <<EOF\npip install numpy\nEOF", ["numpy"]),
    ("python - <<'EOF'\nimport os\nos.system('pip install numpy')\nEOF", ["numpy"]),
    ('PACKAGE=numpy; pip install "$PACKAGE"', ["numpy"]),
    ('PIP="python -m pip"; $PIP install numpy', ["numpy"]),
    ("$PIP install numpy", ["numpy"]),
    ('"${VENV}/bin/pip" install numpy', ["numpy"]),
    ("p'i'p \"install\" num\\py", ["numpy"]),
    ("pip install $'numpy'", ["numpy"]),
    ("uv pip install numpy", ["numpy"]),
    ("uv --quiet pip install --python x numpy", ["numpy"]),
    ("uv add numpy", ["numpy"]),
    ("uv tool install ruff --with numpy", ["ruff", "numpy"]),
    ("uv tool run ruff check", ["ruff"]),
    ("uvx --with numpy ruff check .", ["numpy", "ruff"]),
    ("uvx ruff@latest", ["ruff"]),
    ("uv run --with numpy,pandas x.py", ["numpy", "pandas"]),
    ("uv run --python 3.11 pip install numpy", ["numpy"]),
    ("pipx run black x.py", ["black"]),
    ("pipx install --force poetry", ["poetry"]),
    ("pipx inject poetry plugin", ["poetry", "plugin"]),
    ("conda install -y -c conda-forge numpy=1.26", ["numpy"]),
    ("mamba create -n x python=3.11 numpy", ["numpy"]),
    ("conda run -n x pip install numpy", ["numpy"]),
    ("poetry add numpy", ["numpy"]),
    ("pdm add numpy", ["numpy"]),
    ("pipenv install numpy", ["numpy"]),
    ("easy_install numpy", ["numpy"]),
    ("apt-get install -y --no-install-recommends curl python3-numpy", ["numpy"]),
    ("apt install python3.11-scipy=1.2", ["scipy"]),
    ("apk add --no-cache py3-pandas", ["pandas"]),
    ("dnf -y install python3-numpy", ["numpy"]),
    # An address, an archive, or a file that nobody checks, has no name.
    ("pip install https://example.org/a.whl", [""]),
    ("pip install git+https://example.org/a.git@main", [""]),
    ("pip install dist/*.whl ./a-1.0.tar.gz", ["", ""]),
    ("pip install -e git+https://example.org/a.git", [""]),
    ("pip install ./elsewhere /tmp/project", ["", ""]),
    ("pip install -r /tmp/requirements.txt", [""]),
    ("pip install -r absent.txt", [""]),
    ("pip install -r https://example.org/requirements.txt", [""]),
    ("pip install -r <(cut -d= -f1 requirements.txt)", [""]),
    ("pip-sync absent.txt", [""]),
    ("uv pip sync absent.txt", [""]),
    ("uv pip install -r requirements.txt --override absent.txt", [""]),
    ("conda env create -f absent.yml", [""]),
    ("conda install --file packages.txt", [""]),
    # What cannot be decided.
    ("pip install $PACKAGE", [""]),
    ('pip install "$@"', [""]),
    ('pip install "${PACKAGES[@]}"', [""]),
    ("pip install $(cat packages)", [""]),
    ("for p in a b; do pip install $p; done", ["a", "b"]),
    ("X=a; X=b; pip install $X", ["a", "b"]),
    ('read X; X=a; pip install "$X"', [""]),
    ("pip install -r $FILE", [""]),
    ("pip install -e $FOLDER", [""]),
    ("pip $ARGUMENTS", [""]),
    ("cat packages | xargs pip install", [""]),
    ("xargs -n1 pip install -r requirements.txt", [""]),
    # What the parser gives up on.
    ("fi; ) pip install numpy", ["numpy"]),
]
ALLOWED = [
    "pip install -r requirements.txt",
    "pip install --requirement=requirements.txt -c constraints.txt",
    "pip install -q -r service/requirements-prod.txt",
    "cd service && pip install -r requirements-prod.txt",
    'pip install -r "$HERE/requirements-prod.txt"',
    'pip install -r "$HERE/service/requirements-$KIND.txt"',
    "pip install -r ../service/requirements-prod.txt",
    "pip install . -e . -e .[extra] --no-deps",
    "pip install -e ./service -e libs/tool",
    'pip install "$HERE/libs/tool"',
    "FILE=requirements.txt; pip install -r $FILE",
    "uv pip install --python x -r requirements.txt -e libs/tool",
    "uv pip sync requirements.txt",
    "uv run pytest",
    "uv sync --frozen && uv lock && uv venv x",
    "pip install --upgrade",
    "pip list; pip --version; pip freeze; pip check",
    "echo pip install numpy",
    "grep 'pip install' x; git commit -m 'pip install numpy'",
    "# pip install numpy",
    "cat <<EOF\npip install numpy\nEOF",
    "apt-get install -y curl python3 python3-venv python3.11-dev python3-pip libpython3-dev",
    "apt-get update && apt-get remove python3-numpy",
    "poetry install && pipenv install && pdm install",
    "conda activate x",
    "pipx list",
]


@pytest.mark.parametrize(("script", "names"), REFUSED)
def test_what_no_checked_file_names_is_refused(script: str, names: list[str]) -> None:
    assert [found.distribution or "" for found in unpinned_installs("x.sh", script)] == names


@pytest.mark.parametrize("script", ALLOWED)
def test_what_a_checked_file_names_is_allowed(script: str) -> None:
    assert [found.message for found in unpinned_installs("x.sh", script)] == []


def test_a_command_is_reported_on_its_first_line() -> None:
    script = "#!/bin/bash\n\npip install \\\n  a\nbash <<EOF\n\npip install b\nEOF\n"

    assert [found.line for found in unpinned_installs("x", script)] == [3, 7]


def test_a_file_without_an_ending_is_known_by_its_first_line() -> None:
    assert unpinned_installs("run", "#!/usr/bin/env bash\npip install a")
    assert unpinned_installs("run", "#!/usr/bin/python3\nimport os\nos.system('pip install a')")
    assert not unpinned_installs("run", "# pip install a")
