"""Inputs that nobody thought of: no crash, no hang, and no two different ones with one key.

`make fuzz` goes on from here, for as long as one likes.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from kit.fuzz import fuzzer
from kit.fuzz.fuzzer import HangError, Subject, fuzz
from kit.fuzz.provider import Provider, text
from kit.fuzz.references import UnreadableError, header_keys, json_meaning, meaning
from kit.fuzz.targets import SUBJECTS
from lambda_idempotency.contract.kinds import Whole
from lambda_idempotency.http import header
from lambda_idempotency.identity import canonical, keys
from lambda_idempotency.stores import dynamodb_items


@pytest.mark.parametrize("name", SUBJECTS)
def test_any_input_is_read_or_refused(name: str) -> None:
    report = fuzz(SUBJECTS[name], executions=3000)
    assert report.branches > 30


# Defects that were put there ----------------------------------------------------------------------


PLANTED: list[tuple[str, Any, str, Any]] = [
    ("canonical JSON", canonical, "_ambiguous", lambda text: False),
    ("canonical JSON", canonical, "_unique", dict),
    ("canonical JSON", canonical, "_decimal", float),
    ("key extraction", keys, "canonical", lambda value, parsed: repr(value).encode()),
    ("key extraction", keys, "is_empty", lambda value: value in ("", None)),
    ("key header", header, "_ESCAPED", re.compile("(x)(?!)")),
    ("key header", header, "_PRINTABLE", re.compile(".*", re.DOTALL)),
    ("DynamoDB item", dynamodb_items, "_text", lambda item, name: item[name]["S"] + "x"),
    ("environment", Whole, "read", lambda kind, written: int(written)),
]


@pytest.mark.parametrize(("name", "owner", "attribute", "defect"), PLANTED)
def test_a_defect_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, owner: Any, attribute: str, defect: Any
) -> None:
    monkeypatch.setattr(owner, attribute, defect)
    with pytest.raises((AssertionError, ValueError, LookupError)) as found:
        fuzz(SUBJECTS[name], executions=20_000)
    assert found.value.__notes__[0].startswith("input: b")


# The fuzzer itself --------------------------------------------------------------------------------


def _maze(data: bytes) -> None:
    if data[:1] == b"m":
        if data[1:2] == b"a":
            if data[2:3] == b"z":
                raise LookupError
            return
        return


def _endless(data: bytes) -> None:
    while data:
        pass


HERE = (sys.modules[__name__],)


def test_what_is_behind_several_branches_is_reached_through_each() -> None:
    with pytest.raises(LookupError) as found:
        fuzz(Subject(_maze, HERE, (b"....",)), executions=60_000)
    assert found.value.__notes__[0].startswith("input: b'maz")


def test_without_a_look_at_the_branches_it_is_not() -> None:
    report = fuzz(Subject(_maze, (fuzzer,), (b"....",)), executions=60_000)
    assert report.corpus == [b"...."]


def test_an_input_that_hangs_is_told() -> None:
    with pytest.raises(HangError, match="in _endless") as found:
        fuzz(Subject(_endless, HERE, (b"", b"x")), executions=1)
    assert found.value.__notes__ == ["input: b'x'"]


def test_a_seed_makes_the_same_inputs_again() -> None:
    def inputs(seed: int) -> list[bytes]:
        seen: list[bytes] = []
        fuzz(Subject(seen.append, HERE, (b"abc",)), executions=50, seed=seed)
        return seen

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)


def test_a_provider_that_has_run_out_gives_what_is_small() -> None:
    provider = Provider(b"")
    assert (provider.byte(), provider.text(), provider.value(("a",))) == (0, "", "a")


@pytest.mark.parametrize("data", [b"", b"abc", b"\xff\x00", b"\xed\xa0\x80", "ü".encode()])
def test_any_bytes_are_a_text(data: bytes) -> None:
    assert isinstance(text(data), str)


# The second readings ------------------------------------------------------------------------------


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
