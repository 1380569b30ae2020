"""Whatever a document of YAML has, its findings are the same whole and divided into entries."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from install_helpers import unpinned_installs
from pinproof.rules.install_commands import yaml_entries
from pinproof.rules.install_commands.read_commands import UnreadableError

KEYS = ["run", "command", "args", "env", "pip", "image", "packages", "steps", "x.sh", "a", "b-c"]
COMMANDS = yaml.safe_load(
    r"""[pip install numpy, pip, install, uvx, -r, "set -e\nif x; then\n  pip install y\nfi",
    [pip, install, numpy], {command: pip, args: [install, y]}]"""
)
HARMLESS = ["x", "a: b", "- c", "it's", "# no", "two\nlines\n", "{{ y }}", "1", "&x", "- [", "true"]

leaves = st.sampled_from([*COMMANDS, *HARMLESS, *HARMLESS])
keys = st.sampled_from(KEYS).flatmap(lambda key: st.sampled_from([key, f"{key}2", f"{key}3"]))
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=25,
)


def findings(text: str) -> list[tuple[int, str]] | str:
    try:
        return [(found.line, found.message) for found in unpinned_installs("x.yml", text)]
    except UnreadableError as error:
        return str(error)


@given(
    documents=st.lists(values, min_size=1, max_size=3),
    indent=st.sampled_from([2, 4]),
    flow=st.sampled_from([None, False]),
)
def test_a_divided_document_has_the_findings_of_the_whole(
    documents: list[object], indent: int, flow: bool | None
) -> None:
    text = yaml.safe_dump_all(documents, indent=indent, default_flow_style=flow, sort_keys=False)
    whole = findings(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_entries, "_SMALL", 0)
        assert findings(text) == whole
