"""The README agrees with the code."""

import re
from pathlib import Path

import httpx2
import pytest
from pydantic_core import PydanticUndefined
from servicekit import ServiceSettings, errors
from servicekit.testing import LiveService

README = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")


def settings_table() -> str:
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in ServiceSettings.model_fields.items():
        assert field.default is not PydanticUndefined
        default = field.default
        shown = "" if default in (None, ()) else f"`{str(default).removesuffix('.0')}`"
        rows.append(f"| `{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def test_the_table_of_settings_is_the_class() -> None:
    (table,) = re.findall(
        r"<!-- settings: .*? -->\n(.*?)\n<!-- end of settings -->", README, re.DOTALL
    )
    assert table == settings_table()


def test_the_example_runs(live_environment: dict[str, str], tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = tmp_path / "doubler.py"
    script.write_text(example)
    with LiveService([script], live_environment, {}) as service:
        service.wait_until_ready()
        response = httpx2.post(service.url + "/predict", json={"x": 21}, timeout=60)
        assert response.json() == {"y": 42}


def test_every_problem_of_servicekit_is_listed() -> None:
    section = README.split("## Errors")[1].split("\n## ")[0]
    kinds = errors.ServiceError.__subclasses__()
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert len(own) >= 13
    for error in own:
        assert str(error.status) in section
        assert f"`{error.code}`" in section


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/model_info"])
def test_every_endpoint_is_listed(path: str) -> None:
    assert f"`{path}`" in README
