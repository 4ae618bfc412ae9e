"""The key in the header: RFC 8941 Strings, bare values, and what is neither."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_idempotency.http.header import MalformedKeyError, key_in, quoted

printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)
bare = printable.filter(lambda key: key == key.strip() and "," not in key and key[0] != '"')
spaces = st.text(" \t", max_size=3)


@given(printable, spaces, spaces)
def test_a_quoted_key_survives(key: str, before: str, after: str) -> None:
    assert key_in([f"{before}{quoted(key)}{after}"]) == key


@given(bare, spaces, spaces)
def test_a_bare_key_survives(key: str, before: str, after: str) -> None:
    assert key_in([f"{before}{key}{after}"]) == key


@given(bare)
def test_quoted_and_bare_are_one_key(key: str) -> None:
    assert key_in([key, quoted(key), f"{quoted(key)}, {key}"]) == key


@given(printable, printable)
def test_two_keys_are_refused_however_they_are_sent(one: str, other: str) -> None:
    if one == other:
        assert key_in([quoted(one), quoted(other)]) == one
        return
    for values in ([quoted(one), quoted(other)], [f"{quoted(one)},{quoted(other)}"]):
        with pytest.raises(MalformedKeyError, match="2 different values"):
            key_in(values)


@given(st.lists(st.text(max_size=300), max_size=3))
def test_any_value_is_a_key_or_refused_and_never_quoted(values: list[str]) -> None:
    refused, key = "", None
    try:
        key = key_in(values)
    except MalformedKeyError as error:
        refused = str(error)
    assert all(len(value) < 12 or value not in refused for value in values)
    assert (key is None) == (values == [] or refused != "")
    assert key is None or re.fullmatch(r"[\x20-\x7e]{1,255}", key)


@given(printable.map(quoted), printable.map(quoted))
def test_parameters_are_ignored(key: str, parameter: str) -> None:
    assert key_in([f"{key}; v={parameter};w;x=1"]) == key_in([key])


@pytest.mark.parametrize(
    "value",
    [
        '"',
        '"a',
        '"a"b',
        '"a" b',
        '"a";',
        '"a";V=1',
        r'"\n"',
        '"ü"',
        '"a\x00"',
        '"a\n"',
        "a\x7f",
        "",
    ],
)
def test_what_is_no_key_is_refused(value: str) -> None:
    with pytest.raises(MalformedKeyError):
        key_in([value])


@pytest.mark.parametrize("length", [1, 255])
def test_a_key_has_1_to_255_characters(length: int) -> None:
    assert key_in(["k" * length]) == "k" * length


@pytest.mark.parametrize("length", [0, 256, 10_240])
def test_a_longer_or_empty_key_is_refused(length: int) -> None:
    with pytest.raises(MalformedKeyError, match=f"has {length} characters; expected 1 to 255"):
        key_in([quoted("k" * length)])


@pytest.mark.parametrize("tail", ["\\", '\\"', ";a=" * 3000, " ;" * 3000, '"a' * 3000])
def test_a_hostile_header_takes_no_time(tail: str) -> None:
    with pytest.raises(MalformedKeyError):
        key_in(['"' + "\\\\" * 4000 + tail])


def test_a_pattern_replaces_the_rule() -> None:
    pattern = re.compile("ü{3}|k{300}")
    assert key_in(["üüü"], pattern) == "üüü"
    assert key_in(["k" * 300], pattern) == "k" * 300
    for other in ("üü", "üüüü", ""):
        with pytest.raises(MalformedKeyError, match="form that this API asks for"):
            key_in([other], pattern)


def test_no_header_is_no_key() -> None:
    assert key_in([]) is None
