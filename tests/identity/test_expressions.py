"""JMESPath expressions: refused when they are given, or when they meet an event."""

from __future__ import annotations

import traceback
from decimal import Decimal
from typing import Any

import pytest

from lambda_idempotency import ConfigurationError, MissingKeyError
from lambda_idempotency.identity.events import view
from lambda_idempotency.identity.keys import KeyAbsentError, Selector


@pytest.mark.parametrize("expression", ["", "order.", "[a", "a b", "a[?b", "&", "{a}"])
@pytest.mark.parametrize("name", ["key", "fingerprint"])
def test_malformed_jmespath_is_refused_by_the_option_s_name(name: str, expression: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Selector(name, expression)
    assert str(refused.value).startswith(f"{name} is {expression!r}, which is not JMESPath")


@pytest.mark.parametrize("expression", ["order.id", "[a, b]", "length(a)", '"a b"', "a[?b > `1`]"])
def test_well_formed_jmespath_is_accepted(expression: str) -> None:
    Selector("key", expression)


@pytest.mark.parametrize("expression", ["lenght(id)", "[id, no_such_function(id)]", "length(a, b)"])
def test_a_function_that_jmespath_does_not_have_is_refused_like_malformed_jmespath(
    expression: str,
) -> None:
    with pytest.raises(ConfigurationError, match="key is"):
        Selector("key", expression)


@pytest.mark.parametrize("expression", [5, ["order.id", "amount"], {"id": "order.id"}, b"order.id"])
def test_an_expression_of_another_type_is_refused_by_the_option_s_name(expression: Any) -> None:
    with pytest.raises(ConfigurationError, match="key is"):
        Selector("key", expression)


@pytest.mark.parametrize(
    ("expression", "event"),
    [
        ("length(id)", {"id": 4711_000}),
        ("join('-', [id, 'x'])", {"id": 4711_000}),
        ("to_number(id) | abs(@)", {"id": {"a": "4711000"}}),
        ("starts_with(id, 'a')", {"id": ["4711000"]}),
    ],
)
def test_a_type_error_does_not_quote_the_value_that_it_met(
    expression: str, event: dict[str, Any]
) -> None:
    with pytest.raises(KeyAbsentError) as refused:
        Selector("key", expression).select(event)
    assert "4711000" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("ceil(to_number(id))", "1e999"),
        ("floor(id)", float("inf")),
        ("avg(id)", [10**400, 1]),
        (lambda event: Decimal(event["id"]), "many"),
        (lambda event: int(float(event["id"])), "1e999"),
    ],
)
def test_a_number_that_is_none_or_out_of_range_is_no_key(expression: Any, value: Any) -> None:
    with pytest.raises(KeyAbsentError, match="cannot be read"):
        Selector("key", expression).select({"id": value})


@pytest.mark.parametrize("what", ["key", "fingerprint"])
def test_an_error_names_the_option(what: str) -> None:
    with pytest.raises(MissingKeyError, match=what):
        Selector(what, "id").select({})


def body(text: str) -> Any:
    return view({"httpMethod": "POST", "resource": "/", "headers": None, "body": text})


@pytest.mark.parametrize(
    ("expression", "selected"),
    [("floor(body.price)", 1), ("sum(body.prices)", 4), ("type(body.price)", "number")],
)
def test_functions_take_the_fractions_of_a_body_for_numbers(expression: str, selected: Any) -> None:
    seen = body('{"price": 1.5, "prices": [1.5, 2.5]}')
    assert Selector("key", expression).select(seen) == selected


def test_functions_take_the_integers_of_a_body_for_numbers() -> None:
    assert Selector("key", "sum(body.prices)").select(body('{"prices": [1, 2]}')) == 3


def test_fractions_of_a_body_that_are_made_numbers_stay_apart() -> None:
    price = Selector("key", "to_number(body.price)")
    assert price.select(body('{"price": 1.5}')) != price.select(body('{"price": 1.7}'))


def test_fractions_of_a_body_that_are_made_texts_are_equal_where_their_values_are() -> None:
    price = Selector("key", "to_string(body.price)")
    assert price.select(body('{"price": 1.5}')) == price.select(body('{"price": 1.50}'))


def test_a_fraction_of_a_body_equals_the_same_literal() -> None:
    assert Selector("key", "body.price == `0.1`").select(body('{"price": 0.1}')) is True
