import pytest
from install_helpers import unpinned_installs

# a Dockerfile, with the lines and the names of what it installs unchecked
REFUSED = [
    ("FROM x\nRUN pip install numpy", [(2, "numpy")]),
    ("from x\nrun pip install numpy", [(2, "numpy")]),
    ('FROM x\nRUN ["pip", "install", \\\n "numpy"]', [(2, "numpy")]),
    ("FROM x\nRUN --mount=type=cache,target=/x apt-get update \\\n && pip install a", [(3, "a")]),
    ("FROM x\nRUN true \\\n  # why\n  && pip install \\\n  # more\n  a", [(4, "a")]),
    ("FROM x\nRUN <<EOF\ntrue\npip install a\nEOF", [(4, "a")]),
    (
        "FROM x\nRUN <<EOF\n#!/usr/bin/env python\nimport os\nos.system('pip install a')\nEOF",
        [(5, "a")],
    ),
    ("FROM x\nRUN bash <<'EOF' && pip install b\npip install a\nEOF", [(2, "b"), (3, "a")]),
    ('FROM x\nCMD ["sh", "-c", "pip install a && x"]', [(2, "a")]),
    ("FROM x\nENTRYPOINT pip install a && x", [(2, "a")]),
    ("FROM x\nHEALTHCHECK CMD pip install a", [(2, "a")]),
    ("FROM x\nONBUILD RUN pip install a", [(2, "a")]),
    ("FROM x\nCOPY <<EOF /start.sh\npip install a\nEOF", [(3, "a")]),
    ("FROM x\nARG PACKAGE=numpy\nRUN pip install $PACKAGE", [(3, None)]),
    ("FROM x\nENV PACKAGE=numpy\nRUN pip install $PACKAGE", [(3, "numpy")]),
    ("FROM x\nARG FILE=requirements.txt\nRUN pip install -r $FILE", [(3, None)]),
    ("FROM x\nRUN pip install /wheels/*.whl", [(2, None)]),
    ("FROM x\nRUN pip install /elsewhere", [(2, None)]),
    ("FROM x\nCOPY --from=y . /app\nRUN pip install /app", [(3, None)]),
    ("FROM x\nCOPY . /app\nFROM y\nRUN pip install /app", [(4, None)]),
    ("FROM x\nCOPY service /app\nRUN pip install /app/elsewhere", [(3, None)]),
    ("FROM x\nCOPY . /app\nRUN pip install -r /app/absent.txt", [(3, None)]),
    ("FROM x AS a\nRUN pip install a\nFROM y\nRUN pip install b", [(2, "a"), (4, "b")]),
]
ALLOWED = [
    "FROM x\nRUN pip install -r requirements.txt",
    "FROM x\nCOPY requirements.txt /tmp/\nRUN pip install -r /tmp/requirements.txt",
    "FROM x\nRUN pip install --no-deps /src/libs/tool /app/service .",
    "FROM x\nCOPY . /app\nRUN pip install --no-deps /app /app/libs/tool /app/service[extra]",
    "FROM x\nWORKDIR /app\nCOPY . .\nRUN pip install -e /app -r /app/requirements.txt",
    "FROM x\nWORKDIR /a\nWORKDIR b\nCOPY service ./c\nRUN pip install /a/b/c",
    'FROM x\nADD ["libs", "/src/"]\nRUN pip install /src/tool',
    "FROM x\nCOPY service/requirements-prod.txt /x/\nRUN pip install -r /x/requirements-prod.txt",
    "FROM x\nENV FILE=requirements.txt\nRUN pip install -r $FILE",
    "FROM x\nRUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt",
    "FROM x\nRUN apt-get install -y python3-venv",
    "FROM x\n# RUN pip install a",
    'FROM x\nLABEL how="pip install a"',
]


@pytest.mark.parametrize(("text", "reported"), REFUSED)
@pytest.mark.parametrize(
    "name", ["Dockerfile", "Dockerfile.gpu", "api.dockerfile", "Containerfile"]
)
def test_what_no_checked_file_names_is_refused(
    name: str, text: str, reported: list[tuple[int, str | None]]
) -> None:
    assert [(found.line, found.distribution) for found in unpinned_installs(name, text)] == reported


@pytest.mark.parametrize("text", ALLOWED)
def test_what_a_checked_file_names_is_allowed(text: str) -> None:
    assert unpinned_installs("Dockerfile", text) == []
