"""Describes validation errors of pydantic."""

from pydantic import ValidationError

__all__ = ["first_error"]


def first_error(error: ValidationError) -> str:
    """The first error, as ``field: message``."""
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"
