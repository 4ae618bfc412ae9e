"""Equality of canonical forms is equality by value, checked against an independent definition."""

from __future__ import annotations

import json
from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_idempotency.identity.canonical import _ENCODE, _plain, canonical, parse

UNTIMED: Final = settings(deadline=None)


def meaning(value: Any) -> Hashable:
    """Return a value's meaning in terms that have only one form; a float means what it prints
    as.
    """
    if value is None or isinstance(value, bool | str):
        return type(value).__name__, value
    if isinstance(value, int | Decimal):
        return "number", Fraction(value)
    if isinstance(value, float):
        return "number", Fraction(repr(value))
    if isinstance(value, dict):
        return "object", frozenset((name, meaning(item)) for name, item in value.items())
    return "list", tuple(map(meaning, value))


# Small ones often meet; large ones are where representations end.
decimals = st.builds(
    lambda digits, exponent: Decimal(f"{digits}e{exponent}"),
    st.integers(-20, 20) | st.integers(-(10**40), 10**40),
    st.integers(-3, 3) | st.integers(-400, 400) | st.sampled_from([-6000, 4299, 4300, 6000]),
)
floats = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers() | st.sampled_from([2**53 + 1, 10**22, 10**23, -(10**4299)])
texts = st.text(st.characters(), max_size=4) | st.sampled_from(
    ["\x00", "\x00\x00", "\x001e6000", "1", "1.0", "\ud800", "\ud83d\ude00", "\U0001f600", 'a"\x00']
)
json_scalars = st.none() | st.booleans() | integers | floats | texts


def nested(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.lists(inner, max_size=3).map(tuple)
            | st.dictionaries(texts, inner, max_size=3)
        ),
        max_leaves=8,
    )


values = nested(json_scalars | decimals)


def spellings(value: int | float | Decimal) -> list[int | float | Decimal]:
    """Return the same number as an integer, a float and a decimal, as far as these can hold it."""
    exact = Fraction(repr(value)) if isinstance(value, float) else Fraction(value)
    found: list[int | float | Decimal] = [value]
    if exact.denominator == 1:
        found += [int(exact), Decimal(int(exact))]
    decimal = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    sign, digits, exponent = decimal.as_tuple()
    assert isinstance(exponent, int)
    found.append(Decimal((sign, (0, *digits, 0, 0), exponent - 2)))
    if abs(exact) < 10**308 and Fraction(repr(float(exact))) == exact:
        found.append(float(exact))
    return found


@st.composite
def pairs_of_equals(draw: st.DrawFn) -> tuple[Any, Any]:
    def respelled(value: Any) -> Any:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return draw(st.sampled_from(spellings(value)))
        if isinstance(value, dict):
            return {name: respelled(value[name]) for name in draw(st.permutations(list(value)))}
        if isinstance(value, list | tuple):
            return draw(st.sampled_from([list, tuple]))([respelled(item) for item in value])
        return value

    value = draw(values)
    return value, respelled(value)


@UNTIMED
@given(pairs_of_equals())
def test_equal_values_have_equal_canonical_forms(pair: tuple[Any, Any]) -> None:
    one, other = pair
    assert meaning(one) == meaning(other)
    assert canonical(one) == canonical(other)


@UNTIMED
@given(values, values)
def test_canonical_forms_are_equal_only_where_the_values_are(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (meaning(one) == meaning(other))


@UNTIMED
@given(integers | floats | decimals, integers | floats | decimals)
def test_numbers_have_equal_canonical_forms_only_where_they_are_equal(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (meaning(one) == meaning(other))


@UNTIMED
@given(values)
def test_the_fast_way_and_the_slow_way_agree(value: Any) -> None:
    assert canonical(value) == _ENCODE(_plain(value)).encode("utf-8", "surrogatepass")


def is_marked(value: Any) -> bool:
    """Tell whether the form holds a number, or a text, with a mark that tells it apart."""
    return b'"\\u0000' in canonical(value)


@UNTIMED
@given(values.filter(lambda value: not is_marked(value)))
def test_a_canonical_form_is_json_of_the_same_value(value: Any) -> None:
    assert canonical(parse(canonical(value))) == canonical(value)


@UNTIMED
@given(nested(json_scalars))
def test_a_value_has_the_canonical_form_of_its_json_text(value: Any) -> None:
    assert canonical(parse(json.dumps(value, ensure_ascii=False))) == canonical(value)
