"""A duplicate gets the bytes of the first answer, for whatever Lambda's own client can send."""

from __future__ import annotations

import enum
import json
import sys
from collections import Counter, OrderedDict, UserDict, namedtuple
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.lambda_client import sent
from lambda_idempotency.response import lambda_json
from lambda_idempotency.response.lambda_json import NotRecordableError, read, written

Point = namedtuple("Point", "x y")


class Color(str, enum.Enum):  # noqa: UP042 - as old code has them
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Text(str):
    __slots__ = ()


class Row:
    """An object that the client takes for a named tuple."""

    def _asdict(self) -> dict[str, Any]:
        return {"id": 1}


class Hostile(dict[str, Any]):
    """A mapping with an item, so that the encoder reads it, and raises."""

    def items(self) -> Any:
        raise RuntimeError("no")


def _replayed(result: Any) -> bytes:
    return sent(read(written(result, surrogates=True)))


NAMES: Final = (
    st.text(st.characters(), max_size=2)
    | st.integers(-2, 2)
    | st.booleans()
    | st.none()
    | st.floats()
    | st.sampled_from([b"1", "1", "true", "null", b"x", Color.RED])
)
LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=4)
    | st.decimals()
    | st.text(max_size=3).map(str.encode)
    | st.sampled_from([Color.RED, Level.HIGH, Text("t"), Decimal("-0"), Row()])
)
RESULTS: Final = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(NAMES, inner, max_size=4)
        | st.builds(Point, inner, inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(RESULTS)
def test_what_the_client_can_send_is_replayed_byte_by_byte(result: Any) -> None:
    assert _replayed(result) == sent(result)


@settings(deadline=None)
@given(RESULTS)
def test_the_text_of_an_implied_http_body_is_the_client_s(result: Any) -> None:
    if not isinstance(result, bytes):
        assert lambda_json.sent(read(written(result, surrogates=True))).encode() == sent(result)


@pytest.mark.parametrize(
    ("result", "recorded"),
    [
        ({"a": [1, 1.5, "é", None, True]}, '{"a":[1,1.5,"é",null,true]}'),
        (Decimal("0.123456789012345678901234567890"), " 0.123456789012345678901234567890"),
        ([Decimal("1.50"), Decimal("NaN")], " [1.50,NaN]"),
        (Point(1, (2,)), '{"x":1,"y":[2]}'),
        ({1: "a", "1": "b"}, '{"1":"a","1":"b"}'),
        ({b"k": b"v"}, '{"k":"v"}'),
        (b"\xff", "=/w=="),
        (OrderedDict(b=1, a=2), '{"b":1,"a":2}'),
        (Counter("a"), '{"a":1}'),
        (Color.RED, '"red"'),
    ],
    ids=repr,
)
def test_the_recorded_form(result: Any, recorded: str) -> None:
    assert written(result) == recorded


def test_a_decimal_comes_back_with_all_its_digits() -> None:
    price = Decimal("0.123456789012345678901234567890")
    assert read(written({"price": price})) == {"price": price}


def test_a_text_that_looks_like_a_decimal_stays_a_text() -> None:
    result = {"text": lambda_json._MARK[:-1] + "-1.5", "number": Decimal("1.50")}
    assert _replayed(result) == sent(result)


def test_an_ordinary_result_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    encode = lambda_json._ENCODE

    def counted(value: Any) -> str:
        texts.append(encode(value))
        return texts[-1]

    monkeypatch.setattr(lambda_json, "_ENCODE", counted)
    assert written({"id": 1}) == '{"id":1}'
    assert len(texts) == 1


ENDLESS: Final[list[Any]] = []
ENDLESS.append(ENDLESS)


@pytest.mark.parametrize(
    "result",
    [
        {1, 2},
        object(),
        bytearray(b"x"),
        {"a": [1j]},
        {"a": b"\xff"},
        Hostile(a=1),
        [Hostile(a=1)],
        {(1, 2): 3},
        {Decimal(1): 1},
        MappingProxyType({"a": 1}),
        UserDict(a=1),
        ENDLESS,
        [Decimal(1), ENDLESS],
        10**5000,
        (each for each in "ab"),
    ],
    ids=lambda result: type(result).__name__,
)
def test_what_the_client_cannot_send_has_no_recorded_form(result: Any) -> None:
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        sent(result)
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        written(result)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"secret-4711": {1}}, "the result holds a set, which is not JSON"),
        ({("secret-4711",): 1}, "the result has an object with a tuple as a name"),
    ],
)
def test_the_error_names_the_type_and_quotes_nothing(result: Any, why: str) -> None:
    with pytest.raises(NotRecordableError) as refused:
        written(result)
    assert str(refused.value) == why


@pytest.mark.parametrize("result", ["\ud800", {"\udfff": ["é", "\ud83d"]}, "\ud83d\ude00"])
def test_a_lone_surrogate_is_replayed_where_the_client_sends_it(result: Any) -> None:
    assert written(result, surrogates=True).encode()
    assert _replayed(result) == sent(result)


def test_a_lone_surrogate_is_refused_where_the_client_does_not_send_it() -> None:
    with pytest.raises(UnicodeEncodeError):
        sent("\ud800", escapes=False)
    with pytest.raises(NotRecordableError, match="lone surrogate"):
        written("\ud800", surrogates=False)


@pytest.mark.parametrize(
    ("runtime", "escaped"),
    [
        (None, True),
        ("AWS_Lambda_Image", True),
        ("AWS_Lambda_python3.11", True),
        ("AWS_Lambda_python3.12", False),
        ("AWS_Lambda_python3.14", False),
    ],
)
def test_the_client_escapes_up_to_python_3_11(*, runtime: str | None, escaped: bool) -> None:
    environment = {} if runtime is None else {"AWS_EXECUTION_ENV": runtime}
    assert lambda_json.escapes(environment) is escaped


def _nested(core: Any, depth: int = 700) -> Any:
    for _ in range(depth):
        core = [core]
    return core


def _deeper(levels: int, function: Any) -> Any:
    return function() if levels == 0 else _deeper(levels - 1, function)


@pytest.mark.skipif(
    sys.version_info >= (3, 12), reason="C code has a stack of its own from 3.12 on"
)
def test_json_itself_fails_from_a_deep_stack() -> None:
    text = json.dumps(_nested(1))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # as at a start: another test's library may have set a higher one
    try:
        with pytest.raises(RecursionError):
            _deeper(400, lambda: json.loads(text))
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.parametrize("core", [1, Decimal("1.50"), Point(1, 2)], ids=repr)
def test_a_deeply_nested_result_is_recorded_and_replayed_from_a_deep_stack(core: Any) -> None:
    result = _nested(core)
    text = _deeper(400, lambda: written(result))
    back = _deeper(400, lambda: read(text))
    for _ in range(700):
        [back] = back
    assert sent(back) == sent(core)


@pytest.mark.parametrize("text", ["=%", "", "{", '{"a"', "[" * 100_000])
def test_what_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        read(text)


def test_names_that_came_twice_are_told_apart() -> None:
    assert list(read('{"1":"a","1":"b"}').values()) == ["a", "b"]
