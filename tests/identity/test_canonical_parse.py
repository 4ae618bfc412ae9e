"""JSON texts are read without loss, or refused."""

from __future__ import annotations

import sys
from decimal import Decimal

import pytest

from lambda_idempotency.identity import effort
from lambda_idempotency.identity.canonical import NotJSONError, canonical, parse


def test_a_fraction_is_read_exactly() -> None:
    assert parse("0.10000000000000000001") == Decimal("0.10000000000000000001")


@pytest.mark.parametrize("text", ["1", "1.0", "1e0", "10E-1", "0.1e+1"])
def test_every_spelling_of_one_is_one(text: str) -> None:
    assert canonical(parse(text)) == b"1"


@pytest.mark.parametrize("text", ["-0", "-0.0", "0e5", "0.00E-3"])
def test_every_spelling_of_zero_is_zero(text: str) -> None:
    assert canonical(parse(text)) == b"0"


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_integer_of_more_digits_than_python_reads_is_exact(sign: str) -> None:
    text = sign + "1" + "0" * 5000
    assert canonical(parse(text)) == canonical(parse(f"{sign}1e5000"))
    assert canonical(parse(text)) != canonical(parse(text[:-1] + "1"))


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_longest_integer_that_python_reads_is_an_integer(sign: str) -> None:
    assert canonical(parse(sign + "9" * 4300)) == (sign + "9" * 4300).encode()


def test_huge_exponents_do_not_take_the_memory_they_stand_for() -> None:
    assert canonical(parse("1e999999999999")) != canonical(parse("1e999999999998"))


@pytest.mark.parametrize("text", ["1e99999999999999999999", "1e-99999999999999999999"])
def test_an_exponent_beyond_what_decimals_hold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="exponent is out of range"):
        parse(text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_nan_and_infinities_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="NaN or an infinity") as refused:
        parse(text)
    assert not isinstance(refused.value, NotJSONError)


@pytest.mark.parametrize(
    "text", ['{"a": 1, "a": 2}', '{"a": 1, "a": 1}', '[{"b": {"a": 1, "\\u0061": 2}}]']
)
def test_a_name_that_comes_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="same name twice") as refused:
        parse(text)
    assert not isinstance(refused.value, NotJSONError)


def test_a_name_may_come_in_two_objects() -> None:
    assert parse('{"a": {"a": 1}}') == {"a": {"a": 1}}


def test_names_that_differ_in_case_are_two_names() -> None:
    assert parse('{"a": 1, "A": 2}') == {"a": 1, "A": 2}


@pytest.mark.parametrize("text", ["", "hello", "{}x", "{'a': 1}", "01", b"\xff\xff\xff", b"\x80"])
def test_what_is_no_json_is_told_apart(text: str | bytes) -> None:
    with pytest.raises(NotJSONError):
        parse(text)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse("[" * 100_000 + "]" * 100_000)


def test_an_escaped_surrogate_pair_is_one_character() -> None:
    assert canonical(parse('"\\ud83d\\ude00"')) == canonical("\U0001f600")


def test_an_escaped_lone_surrogate_stays_one() -> None:
    assert canonical(parse('"\\ud83d"')) == canonical("\ud83d")


def test_bytes_are_read_like_the_text_they_encode() -> None:
    assert parse('{"naïve": 1.5}'.encode()) == parse('{"naïve": 1.5}')


@pytest.mark.parametrize("text", ['{"secret-4711": 1, "secret-4711": 2}', '"secret-4711', "secret"])
def test_a_refusal_quotes_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="it ") as refused:
        parse(text)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["1", "-1", "1.5", "-0.0", "0.1", "1e2", "1E400", "1.10", "9" * 4300]
)
def test_a_number_is_read_alike_with_and_without_a_limit_of_time(text: str) -> None:
    with effort.limited(60_000):
        limited = parse(f"[{text}]")
    assert repr(parse(f"[{text}]")) == repr(limited)


@pytest.mark.parametrize("most", [0, 640])
def test_what_an_integer_means_does_not_depend_on_the_interpreters_limit(most: int) -> None:
    long = "9" * 5000
    expected = canonical(parse(long))
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(most)
    try:
        assert canonical(parse(long)) == expected
    finally:
        sys.set_int_max_str_digits(before)


def test_a_name_twice_is_refused_beside_an_integer_that_is_too_long() -> None:
    with pytest.raises(ValueError, match="the same name twice"):
        parse('{"a": %s, "b": 1, "b": 2}' % ("9" * 5000))
