"""Value classes: what `typing.NamedTuple` does, ours do."""

from __future__ import annotations

import copy
import pickle
import typing
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

import pytest

from lambda_idempotency.tuples import _CONSTRUCTORS, NamedTuple

T = TypeVar("T")


class Ours(NamedTuple):
    """A value."""

    key: str
    number: int = 1
    texts: tuple[str, ...] = ()

    def doubled(self) -> int:
        return 2 * self.number


class Typings(typing.NamedTuple):
    key: str
    number: int = 1
    texts: tuple[str, ...] = ()


class Loaded(NamedTuple, Generic[T]):
    value: T


USES: Final[dict[str, Callable[[Any], Any]]] = {
    "fields": lambda kind: (kind._fields, kind.__match_args__, kind._field_defaults),
    "positions": lambda kind: tuple(kind("a", 2, ("b",))),
    "names": lambda kind: tuple(kind(texts=("b",), key="a")),
    "attributes": lambda kind: (kind("a").key, kind("a").number, kind("a").texts),
    "equality": lambda kind: (kind("a") == ("a", 1, ()), kind("a") == kind("b"), len({kind("a")})),
    "a change": lambda kind: tuple(kind("a")._replace(number=2)),
    "a dict": lambda kind: kind("a")._asdict(),
    "a list": lambda kind: tuple(kind._make(["a", 2, ()])),
    "its text": lambda kind: repr(kind("a")).partition("(")[2],
    "a copy": lambda kind: (type(copy.deepcopy(kind("a"))) is kind, tuple(copy.copy(kind("a")))),
    "a pickle": lambda kind: tuple(pickle.loads(pickle.dumps(kind("a")))),
    "annotations": typing.get_type_hints,
    "no dict of its own": lambda kind: hasattr(kind("a"), "__dict__"),
    "an ordinary class": type,
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_it_is_used_as_one_of_typings(use: Callable[[Any], Any]) -> None:
    assert use(Ours) == use(Typings)


@pytest.mark.parametrize(
    ("arguments", "named", "about"),
    [((), {}, "key"), (("a", 1, (), 4), {}, "4"), (("a",), {"other": 1}, "other")],
    ids=["missing", "too many", "unknown"],
)
def test_a_wrong_argument_is_named(
    arguments: tuple[Any, ...], named: dict[str, Any], about: str
) -> None:
    with pytest.raises(TypeError, match=rf"Ours\.__new__\(\).*{about}"):
        Ours(*arguments, **named)


def test_a_change_of_an_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="Ours has no field other"):
        Ours("a")._replace(other=1)  # type: ignore[call-arg]


def test_it_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError):
        Ours("a").key = "b"  # type: ignore[misc]


def test_it_has_methods_and_a_docstring() -> None:
    assert Ours("a", 2).doubled() == 4
    assert Ours.__doc__ == "A value."


def test_it_can_be_generic() -> None:
    assert Loaded[int](1).value == 1


def test_each_constructor_takes_as_many_fields_as_its_place_says() -> None:
    for number, constructor in enumerate(_CONSTRUCTORS):
        made: Any = constructor
        assert made(tuple, *range(number)) == tuple(range(number))
