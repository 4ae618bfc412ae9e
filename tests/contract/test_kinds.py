"""Kinds of values: each accepts values up to its bounds, and names what it expects beyond them."""

from __future__ import annotations

import math
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_idempotency.contract.http import HttpModeKind, HttpOptions, Origin, RegularExpression
from lambda_idempotency.contract.kinds import (
    CENTURY_S,
    Choice,
    Each,
    Flag,
    Kind,
    Matching,
    Seconds,
    Text,
    Whole,
)
from lambda_idempotency.contract.redis import Certificates, Host, RefreshAfter
from lambda_idempotency.contract.settings import WRAPPER, HandlerName, Namespace
from lambda_idempotency.errors import ConfigurationError

TOKEN: Final = "${Token[TOKEN.1]}"
PEM: Final = "-----BEGIN CERTIFICATE-----"
YEAR: Final = 366 * 24 * 3600

ACCEPTED: Final[list[tuple[Kind, list[Any]]]] = [
    (Choice("a", "b"), ["a", "b"]),
    (Seconds(least=1), [1, 1.0, 3600, CENTURY_S]),
    (Seconds(least=0.001), [0.001, 1]),
    (Whole(least=0), [0, 1, 10**400]),
    (Whole(least=1, most=3), [1, 2, 3]),
    (Flag(), [True, False]),
    (Text(), ["a", " a ", "ü", TOKEN]),
    (Matching("a+", "letters"), ["a", "aaa"]),
    (Each(Flag()), [(), (True,), (True, False)]),
    (Each(Flag(), least=1), [(True,), (True, False)]),
    (Namespace(), ["a", "n" * 128, "shop/a-1.2_3", TOKEN]),
    (HandlerName(), ["a.b", "a/b.c", "a.b.c", "a-b.c"]),
    (RegularExpression(), ["a", "[a-z]{2}", "(a|b)*"]),
    (Origin(), ["*", "https://shop.example", "app://local:80", TOKEN]),
    (HttpModeKind(), [None, HttpOptions(profile="stripe")]),
    (Host(), ["cache", "10.0.0.1", "::1", "größe.example"]),
    (Certificates(), [PEM, f"{PEM}\nMIIB\n"]),
    (RefreshAfter(), [0.001, 1, YEAR]),
]
REFUSED: Final[list[tuple[Kind, list[Any], str]]] = [
    (Choice("a", "b", "c"), ["", "A", "d", None, ["a"], 1], "'a', 'b' or 'c'"),
    (Choice("a", "b"), ["c"], "'a' or 'b'"),
    (Choice("a"), ["b"], "'a'"),
    (Seconds(least=1), ["1", None, True, [1], 1j], "a number of seconds"),
    (
        Seconds(least=1),
        [0.999, 0, -1, math.nan, -math.inf, math.inf, math.nextafter(CENTURY_S, math.inf), 10**400],
        "at least 1 and at most 100 years",
    ),
    (Seconds(least=0.001), [0.0009, 0], "at least 0.001 and at most 100 years"),
    (Whole(least=0), [-1, 1.0, True, False, "1", None], "a whole number from 0"),
    (Whole(least=1, most=3), [0, 4, 2.0, math.nan], "a whole number from 1 to 3"),
    (Flag(), [0, 1, "true", None], "true or false"),
    (Text(), ["", " ", "\n\t", None, 5, b"a"], "a text that is not empty"),
    (Text("a name"), [""], "a name"),
    (Matching("a+", "letters"), ["", "b", "aab", "a\n", None, b"a", ["a"]], "letters"),
    (Each(Flag()), [None, [True], True, {}], "a tuple of none or more: true or false"),
    (Each(Flag(), least=1), [(), [True]], "a tuple of at least one: true or false"),
    (Each(Flag()), [(1,), (True, None)], "true or false"),
    (Namespace(), ["", " ", None, ["a"]], "a text that is not empty"),
    (
        Namespace(),
        ["n" * 129, "a b", "a#b", "a*", "ü", "$Token["],
        "1 to 128 of the characters A-Z a-z 0-9 . _ / -",
    ),
    (HandlerName(), ["", None, 5], "a text that is not empty"),
    (
        HandlerName(),
        ["handler", "a.", ".a", "../a.b", "a b.c", TOKEN],
        "a module and a function, such as 'payments.handler' or 'orders/payments.handler'",
    ),
    (HandlerName(), [WRAPPER, WRAPPER.replace(".", "/", 1)], "the function's own handler"),
    (
        RegularExpression(),
        ["[", "a{99999999999999999999}", "(" * 50_000, None, 5],
        "a regular expression (see the re module)",
    ),
    (RegularExpression(), ["", b"a"], "a text that is not empty"),
    (
        Origin(),
        ["", "shop.example", "https://shop.example/", "https://a b", "**", None],
        "'*' or origins such as 'https://shop.example'",
    ),
    (HttpModeKind(), ["stripe", "off", {}, False], "HttpOptions(...) or None (off)"),
    (
        Host(),
        ["", " ", "redis://a", "a:1", "[::1]", "a..b", "c" * 64, "a\n", "\ud800", None, 5],
        "a host name or an IP address, and no URL",
    ),
    (Certificates(), ["", "MIIB", None, {"pem": PEM}], f'PEM text with "{PEM}"'),
    (
        RefreshAfter(),
        [0, -1, YEAR + 1, math.nan, math.inf, 10**400, True, "60", None],
        "a number of seconds above 0, at most a year",
    ),
]


@pytest.mark.parametrize(
    ("kind", "value"),
    [(kind, value) for kind, values in ACCEPTED for value in values],
    ids=lambda each: type(each).__name__ if isinstance(each, Kind) else repr(each)[:20],
)
def test_a_value_of_its_kind_is_accepted(kind: Kind, value: Any) -> None:
    kind.check("setting", value)
    assert kind.expected(value) is None


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [(kind, value, expected) for kind, values, expected in REFUSED for value in values],
    ids=lambda each: type(each).__name__ if isinstance(each, Kind) else repr(each)[:20],
)
def test_another_value_is_refused_by_name_with_what_is_expected(
    kind: Kind, value: Any, expected: str
) -> None:
    assert kind.expected(value) == expected
    with pytest.raises(ConfigurationError) as refused:
        kind.check("setting", value)
    assert str(refused.value) == f"setting is {kind.shown(value)}; expected {expected}"
    assert kind.shown(value).startswith(repr(value))


def test_every_kind_is_tested() -> None:
    tested = {type(kind) for kind, _ in ACCEPTED}
    assert tested == {type(kind) for kind, _, _ in REFUSED}
    assert tested == {kind for kind in _below(Kind) if "lambda_idempotency" in kind.__module__}


def _below(kind: type[Kind]) -> set[type[Kind]]:
    return {each for child in kind.__subclasses__() for each in {child, *_below(child)}}


# As text ------------------------------------------------------------------------------------------

TEXTS: Final[list[tuple[Kind, Any, str]]] = [
    (Choice("a", "b"), "a", "a"),
    (Seconds(least=1), 30, "30"),
    (Seconds(least=1), 30.0, "30"),
    (Seconds(least=1), 2.5, "2.5"),
    (Whole(least=0), 100, "100"),
    (Flag(), True, "true"),
    (Flag(), False, "false"),
    (Text(), " a ", " a "),
    (Namespace(), "shop/a", "shop/a"),
    (HandlerName(), "a/b.c", "a/b.c"),
    (HttpModeKind(), None, "off"),
    (HttpModeKind(), HttpOptions(profile="stripe"), '{"profile":"stripe"}'),
]


@pytest.mark.parametrize(("kind", "value", "text"), TEXTS)
def test_a_value_has_a_text_and_is_read_from_it(kind: Kind, value: Any, text: str) -> None:
    assert kind.write(value) == text
    read = kind.read(text)
    assert read == value
    assert kind.expected(read) is None


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((Seconds(least=1), text) for text in ("", "1 hour", "true", "5,5", "PT30S")),
        *((Whole(least=1), text) for text in ("", "1.5", "many", "10 MB", "true", "9" * 5000)),
        *((Flag(), text) for text in ("", "yes", "2", "on")),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Kind) else each[:9],
)
def test_a_text_that_stands_for_nothing_is_left_for_the_check(kind: Kind, text: str) -> None:
    assert kind.read(text) == text
    assert kind.expected(kind.read(text)) is not None


@pytest.mark.parametrize(("text", "value"), [("TRUE", True), (" 1 ", True), ("0", False)])
def test_a_flag_is_read_as_people_write_it(text: str, *, value: bool) -> None:
    assert Flag().read(text) is value


@given(st.floats(0.001, CENTURY_S) | st.integers(1, CENTURY_S))
def test_any_duration_survives_as_text(seconds: float) -> None:
    kind = Seconds(least=0.001)
    assert kind.read(kind.write(seconds)) == seconds


def test_a_kind_that_expects_nothing_is_none() -> None:
    with pytest.raises(NotImplementedError):
        Kind().expected(1)
