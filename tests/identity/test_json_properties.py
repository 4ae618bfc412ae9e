"""Any text is read as RFC 8259 means it, and two texts have one canonical form only if they mean
the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.planted import plant, refutes
from kit.references import UnreadableError, json_meaning
from kit.strategies import ANY_TEXT, edited, respelled, thorough, values, written
from lambda_idempotency.identity.canonical import canonical, canonical_json, parse

NAMES: Final = ("a", ":", "\x00", "\x001e6000", "1", "\ud83d\ude00", "\U0001f600")
NUMBERS: Final = (
    *(1e22, 10**22, 2**53 + 1, float(2**53), Decimal("1e400"), Decimal("0.10")),
    *(Decimal("9007199254740992.5"), 10**17 + 1, Decimal("0.30000000000000001"), 10**400),
)
ANY_VALUE: Final = values(NAMES, NUMBERS)
WORDS: Final = (
    *(
        '"',
        "\\u",
        "\\u003a",
        "\\u003A",
        "\\u0061",
        "\\ud800",
        "\\udc00",
        "\\u0000",
        "\\/",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
    ),
    *("e", ".0", "-", "NaN", "Infinity", '"a":1,', "1e22", "1e400", "tru", " ", "\x00"),
)


def _object(members: list[tuple[str, str]]) -> str:
    return f"{{{','.join(f'{name}:{value}' for name, value in members)}}}"


ANY_TEXT_OF_A_VALUE: Final = ANY_VALUE.flatmap(written)
NAMES_THAT_MEET: Final = st.sampled_from(('"a"', '"\\u0061"', '":"', '"\\u003A"'))
NEARLY_JSON: Final = st.sampled_from(("NaN", "-Infinity", "01", "1.", ".5", "+1", "'a'", "tru"))
OBJECTS: Final = st.lists(
    st.tuples(NAMES_THAT_MEET, ANY_TEXT_OF_A_VALUE | NEARLY_JSON), max_size=3
).map(_object)
ANY_JSON: Final = (
    NEARLY_JSON
    | ANY_TEXT_OF_A_VALUE
    | OBJECTS
    | edited(ANY_TEXT_OF_A_VALUE | OBJECTS | ANY_TEXT, WORDS)
)
EQUALS: Final = (ANY_VALUE | st.sampled_from(NUMBERS)).flatmap(
    lambda value: st.tuples(written(value), respelled(value).flatmap(written))
)
PAIRS: Final = (
    EQUALS
    | EQUALS.flatmap(lambda pair: st.tuples(st.just(pair[0]), edited(st.just(pair[1]), WORDS)))
    | st.tuples(ANY_JSON, ANY_JSON)
)


def _meaning(text: str) -> Hashable | None:
    try:
        return json_meaning(text)
    except UnreadableError:
        return None


def _canonical(text: str) -> bytes | None:
    """Return the canonical form of a text; None if it is not JSON, b"" if it is JSON and
    refused.
    """
    try:
        return canonical_json(text)
    except ValueError as error:
        # The only JSON that is refused: Decimal has no such exponent.
        return b"" if "out of range" in str(error) else None


def _ending(read: Callable[[str], bytes], text: str) -> bytes | tuple[type, str]:
    try:
        return read(text)
    except ValueError as error:
        return type(error), str(error)


@thorough
@given(ANY_JSON)
def test_a_text_is_read_where_it_is_json_and_refused_where_it_is_not(text: str) -> None:
    form = _canonical(text)
    assert form == b"" or (form is None) == (_meaning(text) is None)


@thorough
@given(PAIRS)
def test_two_texts_have_one_form_only_where_they_mean_the_same(pair: tuple[str, str]) -> None:
    one, other = map(_canonical, pair)
    if one and other:
        assert (one == other) == (_meaning(pair[0]) == _meaning(pair[1]))


@thorough
@given(ANY_JSON)
def test_the_short_way_to_a_canonical_form_leads_where_the_long_one_does(text: str) -> None:
    def long(text: str) -> bytes:
        return canonical(parse(text), parsed=True)

    assert _ending(canonical_json, text) == _ending(long, text)


@thorough
@given(ANY_JSON)
def test_what_is_read_is_read_again_from_its_canonical_form(text: str) -> None:
    form = _canonical(text)
    if form and b'"\\u0000' not in form:  # else it holds a number that JSON cannot hold
        assert canonical(parse(form.decode("utf-8", "surrogatepass"))) == form


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_ambiguous", lambda text, points: False),
        ("_decimal", float),
        ("_WHOLE_FLOAT", re.compile("(x)(?!)")),
    ],
)
def test_two_forms_of_one_meaning_are_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, parse, name, defect)
    assert refutes(test_two_texts_have_one_form_only_where_they_mean_the_same, PAIRS)


@pytest.mark.parametrize(
    ("name", "defect"), [("_unique", dict), ("_refuse_constant", lambda text: 0)]
)
def test_what_is_read_and_is_no_json_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, parse, name, defect)
    assert refutes(test_a_text_is_read_where_it_is_json_and_refused_where_it_is_not, ANY_JSON)


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("_colons", lambda text: 0),
        ("_colons", lambda text: text.count('":')),
        ("_may_escape_colons", lambda text: False),
        ("_may_escape_colons", lambda text: "\\u003a" in text),
    ],
)
def test_a_short_way_that_leads_elsewhere_is_found(
    monkeypatch: pytest.MonkeyPatch, name: str, defect: Any
) -> None:
    plant(monkeypatch, canonical_json, name, defect)
    ways = test_the_short_way_to_a_canonical_form_leads_where_the_long_one_does
    assert refutes(ways, ANY_JSON)
