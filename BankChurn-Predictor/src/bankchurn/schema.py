"""The definition of a customer: the model's inputs.

The fields of `Customer` are the columns of the table, the fields of a request and the columns of
the feature matrix, in this order. Everything else is derived from them: `FEATURES`, `NUMBERS` and
`CATEGORIES` here, table validation, golden and sample customers, constraints, groups and
explanations. To add or drop an input, add or drop its line of `Customer`, and train again. The
names are the bank's.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True)
class Between:
    """The range of a numeric field, as an annotation.

    Attributes:
        low: Minimum.
        high: Maximum.
        example: A typical value, for documentation and golden customers.
        monotone: -1 if a larger value may never raise the boosters' margins, 1 if it may never
            lower them, 0 for no constraint.
        groups: Minima of the second and later groups that evaluations compare; empty for none.
    """

    low: float
    high: float
    example: float
    monotone: Literal[-1, 0, 1] = 0
    groups: tuple[float, ...] = ()

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate a number in the range."""
        limits = Field(ge=self.low, le=self.high)
        return handler.generate_schema(Annotated[source, limits, BeforeValidator(self._number)])

    @staticmethod
    def _number(value: object) -> object:
        # pydantic would convert "42" and true; in a request they are mistakes.
        if isinstance(value, str | bool):
            raise ValueError("Input should be a number, not a string or a boolean")  # noqa: TRY004
        return value


@dataclass(frozen=True)
class YesNo(Between):
    """The range of a field that is 0 or 1; JSON's booleans are accepted."""

    low: float = 0
    high: float = 1
    example: float = 1

    @staticmethod
    def _number(value: object) -> object:
        if isinstance(value, str):
            raise ValueError("Input should be 0 or 1, not a string")  # noqa: TRY004
        return value


@dataclass(frozen=True)
class Bounds:
    """The values that a numeric column may take, derived from its field.

    Attributes:
        low: Minimum.
        high: Maximum.
        example: A typical value.
        monotone: As in `Between`.
        groups: As in `Between`.
        whole: Whether only integers are valid.
        nullable: Whether the value may be unknown.
    """

    low: float
    high: float
    example: float
    monotone: Literal[-1, 0, 1] = 0
    groups: tuple[float, ...] = ()
    whole: bool = True
    nullable: bool = False


Flag = Annotated[int, YesNo()]

# Far above any account, and low enough to catch a wrong unit.
MAX_MONEY: Final = 1e9


def _add_example(schema: dict[str, Any]) -> None:
    schema["examples"] = [example()]


class Customer(BaseModel):
    """One customer.

    A field that may be null may also be omitted; the model then uses the training median. Integers
    may be written as ``2`` or ``2.0``.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, json_schema_extra=_add_example
    )

    # One line per input: `Annotated[int or float, Between(...)]`, followed by `| None = None` if
    # the value may be unknown; `Flag`; or `Literal["one level", "another"]`. The code of a level in
    # the feature matrix is its position here. Germany is last because its customers differ most
    # from the others: one split of a tree then separates them. Activity never makes a customer
    # likelier to leave: the bank knows it, and the table shows it. The constraint keeps noise in
    # small groups from suggesting otherwise.
    CreditScore: Annotated[int, Between(300, 850, example=619)]
    Geography: Literal["France", "Spain", "Germany"]
    Gender: Literal["Female", "Male"]
    Age: Annotated[int, Between(18, 100, example=42, groups=(30, 40, 50, 60))]
    Tenure: Annotated[int, Between(0, 10, example=2)] | None = None
    Balance: Annotated[float, Between(0, MAX_MONEY, example=83_807.86)]
    NumOfProducts: Annotated[int, Between(1, 4, example=1)]
    HasCrCard: Flag
    IsActiveMember: Annotated[int, YesNo(monotone=-1)]
    EstimatedSalary: Annotated[float, Between(0, MAX_MONEY, example=101_348.88)]


def _bounds(annotation: Any, between: Between | None) -> Bounds | None:  # noqa: ANN401 - a type
    """The bounds of a numeric field; None for other annotations."""
    nullable = get_origin(annotation) in (Union, UnionType) and NoneType in get_args(annotation)
    if nullable:
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation, *marks = get_args(annotation)
        between = next((mark for mark in marks if isinstance(mark, Between)), None)
    if between is None or annotation not in (int, float):
        return None
    return Bounds(**asdict(between), whole=annotation is int, nullable=nullable)


def _derive(
    fields: Mapping[str, FieldInfo],
) -> tuple[dict[str, Bounds], dict[str, tuple[str, ...]]]:
    """The numeric and the categorical columns of a definition.

    Raises:
        TypeError: A field is neither; the message names it and the valid forms.
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
                f"Customer.{name} is not a valid input of the model: {field.annotation}. Write "
                "Annotated[int, Between(...)] or Annotated[float, Between(...)], Flag, or a "
                "Literal of its levels; only a number may be `| None`."
            )
    return numbers, categories


NUMBERS, CATEGORIES = _derive(Customer.model_fields)

# The model's inputs, in the order of its feature matrix.
FEATURES: Final = tuple(Customer.model_fields)

TARGET: Final = "Exited"
NUMERIC_COLUMNS: Final = {**NUMBERS, TARGET: Bounds(0, 1, example=0)}

# Columns of the public table that do not describe a customer. Unused, except that training refuses
# repeated identifiers.
CUSTOMER_ID: Final = "CustomerId"
IDENTIFIERS: Final = ("RowNumber", CUSTOMER_ID, "Surname")


def example() -> dict[str, Any]:
    """A typical customer as a JSON object: the example of every number, the first level."""
    return {
        name: CATEGORIES[name][0] if name in CATEGORIES else _example(NUMBERS[name])
        for name in FEATURES
    }


def _example(bounds: Bounds) -> float:
    return int(bounds.example) if bounds.whole else bounds.example
