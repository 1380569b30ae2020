"""The indexes of uv and pip, from their variables and files."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pinproof.audit.index.configuration import (
    ConfigurationError,
    IndexSettings,
    configured_indexes,
)

Write = Callable[[Mapping[str, str]], Path]
Configured = Callable[..., IndexSettings]

PYPI = "https://pypi.org/simple/"
OURS = "https://ours.example/simple"
MORE = "https://more.example/simple"


@pytest.fixture
def configured(write: Write) -> Configured:
    """The indexes of a folder and a home with these files, and these variables only."""

    def run(
        files: Mapping[str, str] | None = None, given: tuple[str, ...] = (), **variables: str
    ) -> IndexSettings:
        root = write({"README": "", **(files or {})})
        home = {
            "XDG_CONFIG_HOME": str(root / "home"),
            "XDG_CONFIG_DIRS": str(root / "system"),
            "VIRTUAL_ENV": str(root / "venv"),
            "NETRC": str(root / "netrc"),
        }
        if not any(name.startswith("PIP_") for name in variables) and not files:
            home["PIP_CONFIG_FILE"] = "/dev/null"
        return configured_indexes(given, root, {**home, **variables})

    return run


@pytest.mark.parametrize(
    ("variables", "urls", "merged"),
    [
        ({}, (PYPI,), True),
        ({"UV_DEFAULT_INDEX": OURS}, (OURS,), False),
        ({"UV_INDEX_URL": OURS}, (OURS,), False),
        ({"UV_INDEX": f"{OURS} named={MORE}"}, (OURS, MORE, PYPI), False),
        ({"UV_INDEX": OURS, "UV_DEFAULT_INDEX": f"main={MORE}"}, (OURS, MORE), False),
        ({"UV_EXTRA_INDEX_URL": OURS}, (OURS, PYPI), False),
        ({"UV_INDEX": OURS, "UV_INDEX_STRATEGY": "unsafe-best-match"}, (OURS, PYPI), True),
        ({"UV_DEFAULT_INDEX": OURS, "PIP_INDEX_URL": MORE}, (OURS,), False),
        ({"PIP_INDEX_URL": OURS, "PIP_CONFIG_FILE": "/dev/null"}, (OURS,), True),
        ({"PIP_EXTRA_INDEX_URL": f"{OURS} {MORE}", "PIP_CONFIG_FILE": "/dev/null"},
         (PYPI, OURS, MORE), True),
        ({"UV_INDEX": f"my-own.one={OURS}", "UV_INDEX_MY_OWN_ONE_USERNAME": "me",
          "UV_INDEX_MY_OWN_ONE_PASSWORD": "a b/c"},
         ("https://me:a%20b%2Fc@ours.example/simple", PYPI), False),
    ],
)  # fmt: skip
def test_the_variables_of_uv_come_before_those_of_pip(
    configured: Configured, variables: Mapping[str, str], urls: tuple[str, ...], merged: bool
) -> None:
    settings = configured(**variables)

    assert (settings.urls, settings.merged) == (urls, merged)


INDEX = '[[{0}index]]\nname = "ours"\nurl = "{1}"\n{2}\n'


@pytest.mark.parametrize(
    ("files", "urls"),
    [
        ({"uv.toml": INDEX.format("", OURS, "")}, (OURS, PYPI)),
        ({"uv.toml": INDEX.format("", OURS, "default = true")}, (OURS,)),
        ({"uv.toml": INDEX.format("", OURS, "explicit = true")}, (PYPI, OURS)),
        ({"uv.toml": f'index-url = "{OURS}"\nextra-index-url = ["{MORE}"]'}, (MORE, OURS)),
        ({"pyproject.toml": INDEX.format("tool.uv.", OURS, "")}, (OURS, PYPI)),
        ({"uv.toml": "", "pyproject.toml": INDEX.format("tool.uv.", OURS, "")}, (PYPI,)),
        ({"home/uv/uv.toml": INDEX.format("", OURS, "")}, (OURS, PYPI)),
        ({"uv.toml": INDEX.format("", OURS, ""), "home/uv/uv.toml": INDEX.format("", MORE, "")},
         (OURS, MORE, PYPI)),
        ({"home/pip/pip.conf": f"[global]\nindex-url = {OURS}\nextra-index-url =\n  {MORE}\n"},
         (OURS, MORE)),
        ({"system/pip/pip.conf": f"[global]\nindex_url = {OURS}\n",
          "venv/pip.conf": f"[install]\nindex-url = {MORE}\n"}, (MORE,)),
    ],
)  # fmt: skip
def test_the_files_of_uv_and_pip_are_read(
    configured: Configured, files: Mapping[str, str], urls: tuple[str, ...]
) -> None:
    found = configured(files, PIP_EXTRA_INDEX_URL="") if "pip" in str(files) else configured(files)

    assert found.urls == urls


def test_given_indexes_replace_the_configured_ones(configured: Configured) -> None:
    settings = configured(given=(OURS, f"named={MORE}"), UV_DEFAULT_INDEX=PYPI)

    assert (settings.urls, settings.merged) == ((OURS, MORE), False)


def test_the_login_of_netrc_is_used_for_its_server(configured: Configured) -> None:
    netrc = {"netrc": "machine ours.example login me password secret\n"}

    settings = configured(netrc, given=(OURS, MORE))

    assert settings.urls == ("https://me:secret@ours.example/simple", MORE)


def test_an_index_that_is_not_on_a_server_is_named_without_its_password(
    configured: Configured,
) -> None:
    settings = configured(UV_INDEX="file:///wheels ssh://me:secret@host/simple")

    assert settings.urls == (PYPI,)
    assert settings.unread == ("file:///wheels", "ssh://host/simple")


@pytest.mark.parametrize("name", ["uv.toml", "pyproject.toml", "home/pip/pip.conf", "netrc"])
def test_a_file_that_cannot_be_read_is_an_error(configured: Configured, name: str) -> None:
    with pytest.raises(ConfigurationError, match=name.rpartition("/")[2]):
        configured({name: "= nonsense ="})
