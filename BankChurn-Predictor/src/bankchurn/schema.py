"""What a customer is: the one definition of the model's inputs.

The fields of `Customer` are the columns of the table, the fields of a request and the columns of
the feature matrix, in this order. Everything else is derived from them: `FEATURES`, `NUMBERS` and
`CATEGORIES` here, the checks of tables, the feature matrix, golden and sample customers, groups
and explanations. A new input is one more line in `Customer`. The names are the business's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
)
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema

__all__ = [
    "CATEGORIES",
    "CUSTOMER_ID",
    "FEATURES",
    "IDENTIFIERS",
    "NUMBERS",
    "NUMERIC_COLUMNS",
    "TARGET",
    "Between",
    "Bounds",
    "Customer",
    "example",
]


@dataclass(frozen=True)
class Between:
    """The range of a numeric field, as an annotation.

    Attributes:
        low: The least value.
        high: The greatest value.
        example: An ordinary value, for documentation and golden customers.
    """

    low: float
    high: float
    example: float

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Numbers only, within the range."""
        limits = Field(ge=self.low, le=self.high)
        return handler.generate_schema(Annotated[source, limits, BeforeValidator(self._number)])

    @staticmethod
    def _number(value: object) -> object:
        # Lax parsing would read "42" and true as numbers; a client that sends them has a mistake.
        if isinstance(value, str | bool):
            raise ValueError("Input should be a number, not text or a truth value")  # noqa: TRY004
        return value


@dataclass(frozen=True)
class YesNo(Between):
    """The range of a field that is 0 or 1; JSON's truth values are accepted."""

    low: float = 0
    high: float = 1
    example: float = 1

    @staticmethod
    def _number(value: object) -> object:
        if isinstance(value, str):
            raise ValueError("Input should be 0 or 1, not text")  # noqa: TRY004
        return value


@dataclass(frozen=True)
class Bounds:
    """The values that a numeric column may take, derived from its field.

    Attributes:
        low: The least value.
        high: The greatest value.
        example: An ordinary value.
        whole: Whether only whole numbers are meant.
        nullable: Whether the value may be unknown.
    """

    low: float
    high: float
    example: float
    whole: bool = True
    nullable: bool = False


Flag = Annotated[int, YesNo()]

# Money ends at a billion: far beyond every account, yet it catches a wrong unit.
MAX_MONEY: Final = 1e9


def _add_example(schema: dict[str, Any]) -> None:
    schema["examples"] = [example()]


class Customer(BaseModel):
    """One customer, as the bank knows them.

    A field that may be null may be left out, too: the model then takes the training data's
    median. Whole numbers may be written as ``2`` or ``2.0``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, json_schema_extra=_add_example
    )

    # One line per input: `Annotated[int or float, Between(...)]`, with `| None = None` behind it
    # where the value may be unknown; `Flag`; or `Literal["one level", "another"]`. The code of a
    # level in the feature matrix is its place here. Germany is at an end because its customers
    # differ most from the others: one split of a tree then sets them apart.
    CreditScore: Annotated[int, Between(300, 850, example=619)]
    Geography: Literal["France", "Spain", "Germany"]
    Gender: Literal["Female", "Male"]
    Age: Annotated[int, Between(18, 100, example=42)]
    Tenure: Annotated[int, Between(0, 10, example=2)] | None = None
    Balance: Annotated[float, Between(0, MAX_MONEY, example=83_807.86)]
    NumOfProducts: Annotated[int, Between(1, 4, example=1)]
    HasCrCard: Flag
    IsActiveMember: Flag
    EstimatedSalary: Annotated[float, Between(0, MAX_MONEY, example=101_348.88)]


def _bounds(annotation: Any, between: Between | None) -> Bounds | None:  # noqa: ANN401 - a type
    """The bounds of a numeric field; None where the annotation is not one."""
    nullable = get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)
    if nullable:
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        between = next((mark for mark in marks if isinstance(mark, Between)), None)
    if between is None or annotation not in (int, float):
        return None
    return Bounds(between.low, between.high, between.example, annotation is int, nullable)


def _derive(
    fields: Mapping[str, FieldInfo],
) -> tuple[dict[str, Bounds], dict[str, tuple[str, ...]]]:
    """The numeric and the categorical columns of a definition.

    Raises:
        TypeError: A field is neither; the message names it and says how to write one.
    """
    numbers: dict[str, Bounds] = {}
    categories: dict[str, tuple[str, ...]] = {}
    for name, field in fields.items():
        between = next((mark for mark in field.metadata if isinstance(mark, Between)), None)
        if get_origin(field.annotation) is Literal:
            categories[name] = get_args(field.annotation)
        elif bounds := _bounds(field.annotation, between):
            numbers[name] = bounds
        else:
            raise TypeError(
                f"Customer.{name} is no input that the model can take: {field.annotation}. Write "
                "Annotated[int, Between(...)] or Annotated[float, Between(...)], Flag, or a "
                "Literal of its levels; only a number may be `| None`."
            )
    return numbers, categories


NUMBERS, CATEGORIES = _derive(Customer.model_fields)

# The model's inputs, in the order of its feature matrix.
FEATURES: Final = tuple(Customer.model_fields)

TARGET: Final = "Exited"
NUMERIC_COLUMNS: Final = {**NUMBERS, TARGET: Bounds(0, 1, example=0)}

# Columns of the public table that do not describe a customer. Never used, except that no identifier
# may occur twice in a training.
CUSTOMER_ID: Final = "CustomerId"
IDENTIFIERS: Final = ("RowNumber", CUSTOMER_ID, "Surname")


def example() -> dict[str, Any]:
    """An ordinary customer as a JSON object: the example value of every number, the first level."""
    return {
        name: CATEGORIES[name][0] if name in CATEGORIES else _example(NUMBERS[name])
        for name in FEATURES
    }


def _example(bounds: Bounds) -> float:
    return int(bounds.example) if bounds.whole else bounds.example
