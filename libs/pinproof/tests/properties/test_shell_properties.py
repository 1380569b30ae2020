"""However a command is quoted, and whatever a file holds, what it installs is found."""

import shlex
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from install_helpers import unpinned_installs
from pinproof.rules.install_commands.read_commands import UnreadableError

COMMAND = ["pip", "install", "-q"]
NAMES = ["numpy", "typing-extensions", "a.b", "x"]


@st.composite
def quoted(draw: st.DrawFn, word: str) -> str:
    """One of the ways to write a word in a shell."""
    written = ""
    for character in word:
        way = draw(st.sampled_from(["plain", "plain", "escaped", "single", "double", "empty"]))
        written += {
            "plain": character,
            "escaped": f"\\{character}",
            "single": f"'{character}'",
            "double": f'"{character}"',
            "empty": f"{character}''",
        }[way]
    return written


@given(data=st.data(), name=st.sampled_from(NAMES))
def test_every_way_to_quote_a_command_is_the_same_command(data: st.DataObject, name: str) -> None:
    words = [data.draw(quoted(word)) for word in [*COMMAND, name]]
    gap = data.draw(st.sampled_from([" ", "  ", "\t", " \\\n "]))
    script = gap.join(words)

    assert shlex.split(script.replace("\\\n", "")) == [*COMMAND, name]
    assert [found.distribution for found in unpinned_installs("x.sh", script)] == [
        name.replace(".", "-")
    ]


@given(
    prefix=st.sampled_from(["", "sudo ", "A=b ", "! ", "time ", "x | ", "x; ", "x && ", "( "]),
    suffix=st.sampled_from(["", " | y", " && y", " > z", " 2>&1", " &", "; y", " <<< z"]),
    wrap=st.sampled_from(["{}", "bash -c {}", "sh -ec {}", "eval {}", "su -c {} user"]),
)
def test_a_command_is_found_at_any_position(prefix: str, suffix: str, wrap: str) -> None:
    command = f"{prefix}pip install numpy{suffix}" + (" )" if prefix == "( " else "")
    script = command if wrap == "{}" else wrap.format(shlex.quote(command))

    assert "numpy" in [found.distribution for found in unpinned_installs("x.sh", script)]


TOKENS = """pip numpy install $ ( ) { } ' " \\ ` <<EOF EOF ; & | : = endef RUN FROM - [ ] call eval
foreach , # \xe9 run command ${x}"""
tokens = st.sampled_from([*TOKENS.split(), " ", " ", "\n", "\n", "\t", "\f", "define x", "- "])
texts = st.lists(tokens, max_size=25).map("".join)


@given(text=texts, name=st.sampled_from(["x.sh", "Dockerfile", "Makefile", "x.yml", "x.py"]))
def test_no_text_makes_a_reader_fail_in_a_way_that_it_does_not_say(text: str, name: str) -> None:
    with suppress(UnreadableError):
        unpinned_installs(name, text)
