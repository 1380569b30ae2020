"""The values of data files and of programs: texts, lists and mappings."""

from collections.abc import Iterator

from pinproof.rules.install_commands.command import UNKNOWN, Word, split_words, without_expressions

# The longest text that may be a part of a command.
_LONGEST_PART = 200


class Text(str):
    """A text with its place.

    Attributes:
        line: The number of its first line.
        source: The text as written, for messages.
    """

    __slots__ = ("line", "source")
    line: int
    source: str

    def __new__(cls, value: str, line: int, source: str | None = None) -> "Text":  # noqa: PYI034 - 3.10 has no Self
        """Create a text."""
        text = super().__new__(cls, value)
        text.line = line
        text.source = value if source is None else source
        return text


Value = object
"""A `Text`, a list of values, a tuple of possible values, a mapping, or a scalar."""


def texts_of(value: Value) -> Iterator[Text]:
    """Yield the texts of a value: itself, or those of a list, also within lists."""
    if isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, Text):
        yield value


def word_of(text: Text) -> Word:
    """The word that a text is in a command. Expressions of templates are unknown."""
    known = without_expressions(text).replace("${", UNKNOWN) if "{{" in text else text
    return Word(str(known), text.source)


def split(value: Value) -> list[Text]:
    """The words of a text on one line that may be a part of a command."""
    if not isinstance(value, Text) or "\n" in value or len(value) > _LONGEST_PART:
        return []
    return [Text(word, value.line, value.source) for word in split_words(value)]
