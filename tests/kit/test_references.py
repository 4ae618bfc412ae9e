"""The second readings: JSON and the key header by the letter of their RFCs."""

from __future__ import annotations

from typing import Any

import pytest

from kit.references import UnreadableError, header_keys, json_meaning, meaning


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("1.50e+2", 150),
        ("-0.0E9", 0),
        ("0.001", 0.001),
        ('"a\\u00e9\\/\\n"', "aé/\n"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ud83d"', "\ud83d"),
        (" [ true , null , false , { } ] ", [True, None, False, {}]),
        ('{"b":[1],"a":{"c":""}}', {"a": {"c": ""}, "b": [1.0]}),
    ],
)
def test_json_is_read_by_value(written: str, value: Any) -> None:
    assert json_meaning(written) == meaning(value)


@pytest.mark.parametrize(
    "written",
    [
        *("", "01", "1.", ".5", "+1", "1e", "-", "tru", "[1,]", "[,1]", "[1 2]", '{"a" 1}'),
        *('{"a":1,}', '{"a":1,"\\u0061":2}', "{1:2}", '"\n"', '"\\x"', '"\\u12g4"', '"', "1 1"),
        *("NaN", "[", "'a'"),
    ],
)
def test_what_is_no_json_is_refused(written: str) -> None:
    with pytest.raises(UnreadableError):
        json_meaning(written)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a b", {"a b"}),
        (" a ,\tb ", {"a", "b"}),
        ('"a,\\"b\\\\"', {'a,"b\\'}),
        ('"a"; q=1;b="x,\\"y";*c , "d"', {"a", "d"}),
        ("", {""}),
        ("a,", {"a", ""}),
        ('a"b', {'a"b'}),
    ],
)
def test_keys_are_read_by_the_rfc(value: str, expected: set[str]) -> None:
    assert header_keys([value]) == expected


@pytest.mark.parametrize(
    "value", ['"', '"a', '"a"b', '"\\n"', '"ü"', '"a";', '"a";Q', '"a";b="', '"a";b="x" y', '"\\']
)
def test_what_is_no_string_of_the_rfc_is_refused(value: str) -> None:
    with pytest.raises(UnreadableError):
        header_keys([value])
