"""Parts of queries of DuckDB."""

__all__ = ["identifier", "text_list", "text_literal"]


def identifier(name: str) -> str:
    """A name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def text_list(texts: list[str]) -> str:
    """A list of texts as a literal of SQL."""
    return "[" + ", ".join(map(text_literal, texts)) + "]"
