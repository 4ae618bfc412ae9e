"""Results of every kind that an annotation can name, and functions that return them."""

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import (
    Any,
    Final,
    Generic,
    NamedTuple,
    NewType,
    Optional,
    TypedDict,
    TypeVar,
)

import pydantic

from lambda_idempotency import MemoryStore, idempotent_function

T = TypeVar("T")
OrderId = NewType("OrderId", int)


class Color(enum.Enum):
    RED = ("a", 1)
    NONE = None


class Rights(enum.Flag):
    READ = 1
    WRITE = 2


class Level(enum.StrEnum):
    HIGH = "high"


class Point(NamedTuple):
    x: Decimal
    y: Decimal = Decimal(0)


class Address(TypedDict, total=False):
    street: str
    since: datetime.date


@dataclass(frozen=True)
class Item:
    sku: str
    price: Decimal
    color: Color = Color.RED


@dataclass
class Receipt:
    number: uuid.UUID
    items: list[Item]
    at: datetime.datetime
    note: str | None = None
    parent: Optional[Receipt] = None  # noqa: UP045 - as some write it
    total: Decimal = field(init=False, default=Decimal(0))

    def __post_init__(self) -> None:
        self.total = sum((item.price for item in self.items), Decimal(0))


@dataclass
class Refusal:
    number: uuid.UUID
    reason: str


@dataclass(frozen=True)
class Counted:
    number: int = 0
    seen: int = field(init=False, default=0)


class Model(pydantic.BaseModel):
    number: uuid.UUID = pydantic.Field(alias="orderNumber")
    points: list[Point]
    seen: set[int] = set()
    price: Decimal = pydantic.Field(validation_alias="p", serialization_alias="q")


class Strict(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, extra="forbid")

    day: datetime.date
    next: Optional[Strict] = None  # noqa: UP045 - as some write it

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def year(self) -> int:
        return self.day.year


class Secret(pydantic.BaseModel):
    password: pydantic.SecretStr


class Plain:
    """A class of no type that could be told from its parts."""

    def __init__(self, number: int) -> None:
        self.number = number


@dataclass
class Page(Generic[T]):
    items: list[T]


NUMBER: Final = uuid.UUID(int=5)
AT: Final = datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=datetime.UTC)
DAY: Final = datetime.date(2024, 1, 2)
ITEM: Final = Item("a", Decimal("1.50"))
RECEIPT: Final = Receipt(NUMBER, [ITEM, ITEM], AT, parent=Receipt(NUMBER, [], AT))
MODEL: Final = Model.model_validate(
    {"orderNumber": NUMBER, "points": [Point(Decimal(1))], "seen": {2}, "p": "1"}
)


COUNTED: Final = Counted(1)
object.__setattr__(COUNTED, "seen", 5)


def returning(result: Any, annotation: Any, **options: Any) -> Callable[[], Any]:
    """Return a function that returns this once; later calls are replays."""
    results = [result]

    def function() -> Any:
        return results.pop()

    function.__annotations__["return"] = annotation
    options = {"key": lambda _: 1, "store": MemoryStore(), "name": "function", **options}
    return idempotent_function(**options)(function)
