"""The definition of a record: the model's inputs.

The fields of `Record` are the columns of a table, the fields of a request and the inputs of the
model, in this order. Validation, features, golden records, sample data and warnings are derived
from them. To change the inputs, change the lines of `Record`; the sample fills a new input with
noise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

TARGET: Final = "disputed"
"""The column that the model predicts: 1 for a disputed transaction, else 0."""


def _add_example(schema: dict[str, Any]) -> None:
    schema["examples"] = [example()]


class Record(BaseModel):
    """One transaction. A field that may be null may also be omitted."""

    # Strict: a number as text, or true as a number, is a mistake of the client.
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra=_add_example
    )

    # One line for each input: a number with its bounds and an example, with `| None` and the
    # default None if it may be unknown; or a Literal of at least two levels.
    amount: Annotated[float, Field(ge=0, le=1_000_000, examples=[49.9])]
    hour: Annotated[int, Field(ge=0, le=23, examples=[14])]
    items: Annotated[int, Field(ge=1, le=1_000, examples=[2])]
    account_days: Annotated[int | None, Field(ge=0, le=36_500, examples=[400])] = None
    channel: Literal["web", "app", "phone"]


@dataclass(frozen=True)
class Number:
    """The values that a numeric input may take, derived from its field.

    Attributes:
        low: Minimum.
        high: Maximum.
        example: A typical value.
        whole: Whether only integers are valid.
        nullable: Whether the value may be unknown.
    """

    low: float
    high: float
    example: float
    whole: bool
    nullable: bool

    def __str__(self) -> str:
        """The valid values in words."""
        kind = "a whole number" if self.whole else "a number"
        blank = ", or blank" if self.nullable else ""
        return f"{kind} from {self.low:,} to {self.high:,}{blank}"


def _derive(
    fields: Mapping[str, FieldInfo],
) -> tuple[dict[str, Number], dict[str, tuple[str, ...]]]:
    """The numeric and the categorical inputs of a definition.

    Raises:
        TypeError: A field is neither; the message names it and the valid forms.
    """
    numbers: dict[str, Number] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for name, field in fields.items():
        if get_origin(field.annotation) is Literal:
            categories[name] = get_args(field.annotation)
        elif (number := _number(field)) is not None:
            numbers[name] = number
        else:
            raise TypeError(
                f"Record.{name} is not a valid input of the model: {field.annotation}. Write "
                "Annotated[float, Field(ge=..., le=..., examples=[...])], the same with int or "
                "`| None`, or a Literal of its levels."
            )
    return numbers, categories


def _number(field: FieldInfo) -> Number | None:
    kinds = set(get_args(field.annotation) or (field.annotation,))
    nullable = NoneType in kinds
    low = [mark.ge for mark in field.metadata if hasattr(mark, "ge")]
    high = [mark.le for mark in field.metadata if hasattr(mark, "le")]
    is_number = kinds - {NoneType} in ({int}, {float}) and nullable is not field.is_required()
    if not (is_number and low and high and field.examples):
        return None
    example: Any = field.examples[0]
    return Number(low[0], high[0], example, whole=int in kinds, nullable=nullable)


NUMBERS, CATEGORIES = _derive(Record.model_fields)
FEATURES: Final = tuple(Record.model_fields)


def example() -> dict[str, Any]:
    """A typical record as a JSON object: the example of every number, the first level."""
    return {
        name: CATEGORIES[name][0] if name in CATEGORIES else NUMBERS[name].example
        for name in FEATURES
    }
