"""Classes of rows: given by keyword, checked, immutable, and known to tools."""

# No `from __future__ import annotations`: see the module tested.
import copy
import inspect
import pickle
from typing import Annotated, Any

import pytest

from lambda_idempotency.contract.http import HttpOptions
from lambda_idempotency.contract.kinds import Flag, Text, Whole
from lambda_idempotency.contract.rows import Rows, kinds_of
from lambda_idempotency.contract.settings import Settings
from lambda_idempotency.errors import ConfigurationError


class Car(Rows, noun="part", prefix="car "):
    """A row that may be None, and one that may not."""

    color: Annotated[str | None, Text("a color")] = None
    """None: bare metal."""
    wheels: Annotated[int, Whole(least=3)] = 4


def refusal(**values: Any) -> str:
    with pytest.raises(ConfigurationError) as refused:
        Car(**values)
    return str(refused.value)


# Values -------------------------------------------------------------------------------------------


def test_what_is_given_is_kept_and_the_rest_has_its_default() -> None:
    car = Car(color="red")
    assert (car.color, car.wheels) == ("red", 4)
    assert (Car().color, Car().wheels) == (None, 4)


def test_none_is_accepted_where_it_is_the_default() -> None:
    assert Car(color=None).color is None
    assert refusal(wheels=None) == "car wheels is None; expected a whole number from 3"


def test_a_senseless_value_is_named_with_what_is_expected() -> None:
    assert refusal(color="") == "car color is ''; expected a color"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("colors", "; did you mean 'color'? "),
        ("wheel", "; did you mean 'wheels'? "),
        ("Colors", "; did you mean 'color'? "),
        ("engine", ". "),
        ("", ". "),
        ("color" * 1000, ". "),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest_one_and_all_there_are(
    name: str, hint: str
) -> None:
    assert refusal(**{name: 3}) == f"Car has no part {name!r}{hint}The parts are color, wheels"


def test_an_unknown_name_is_told_before_a_senseless_value() -> None:
    assert "has no part" in refusal(wheels=0, door=1)


def test_values_are_given_by_keyword_alone() -> None:
    car: Any = Car
    with pytest.raises(TypeError, match="positional argument"):
        car("red")


def test_values_are_overridden_in_a_copy() -> None:
    car = Car(color="red")
    assert car.overridden(wheels=3) == Car(color="red", wheels=3)
    assert car == Car(color="red")


def test_what_overrides_is_checked() -> None:
    with pytest.raises(ConfigurationError, match="car wheels is 2;"):
        Car().overridden(wheels=2)
    with pytest.raises(ConfigurationError, match="Car has no part 'wheel'"):
        Car().overridden(wheel=4)


# Immutable values ---------------------------------------------------------------------------------


def test_rows_cannot_be_set() -> None:
    car: Any = Car()
    with pytest.raises(AttributeError, match="Car is immutable"):
        car.wheels = 3
    with pytest.raises(AttributeError, match="Car is immutable"):
        car.door = 3
    assert car == Car()


def test_rows_cannot_be_deleted() -> None:
    car: Any = Car(wheels=3)
    with pytest.raises(AttributeError, match="Car is immutable"):
        del car.wheels
    assert car.wheels == 3


def test_equal_values_are_equal_and_have_one_hash() -> None:
    one, other = Car(wheels=3, color="red"), Car(color="red", wheels=3)
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other, Car()}) == 2


def test_other_values_and_other_classes_are_not_equal() -> None:
    class Cart(Rows, noun="part"):
        color: Annotated[str | None, Text()] = None
        wheels: Annotated[int, Whole(least=3)] = 4

    assert Car() != Car(wheels=3)
    assert Car() != Cart()
    assert Car() != (None, 4)


@pytest.mark.parametrize("rows", [Car(wheels=3), Settings(table="a"), HttpOptions(cors=("*",))])
def test_a_copy_and_what_was_pickled_are_equal(rows: Rows) -> None:
    assert copy.copy(rows) == rows
    assert copy.deepcopy(rows) == rows
    assert pickle.loads(pickle.dumps(rows)) == rows


def test_what_differs_from_the_default_is_shown() -> None:
    assert repr(Car()) == "Car()"
    assert repr(Car(wheels=3)) == "Car(wheels=3)"


# Tools --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [Car, Settings, HttpOptions])
def test_the_signature_has_a_keyword_for_each_row(rows: type[Rows]) -> None:
    parameters = inspect.signature(rows).parameters
    assert {name: each.default for name, each in parameters.items()} == rows.defaults
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    assert all(each.annotation is not inspect.Parameter.empty for each in parameters.values())


def test_the_signature_is_the_one_that_is_written() -> None:
    assert str(inspect.signature(Car)) == "(*, color: str | None = None, wheels: int = 4)"


def test_a_field_without_a_kind_is_no_row() -> None:
    class Mixed:
        one: Annotated[bool, Flag()] = True
        two: bool = False

    assert list(kinds_of(Mixed)) == ["one"]


def test_a_subclass_has_the_rows_of_its_base() -> None:
    class Taxi(Car):
        """A car with a meter."""

    assert Taxi(color="yellow").color == "yellow"
    with pytest.raises(ConfigurationError, match="Taxi has no part 'colors'; did you mean 'color'"):
        Taxi(colors="red")  # type: ignore[call-arg]
