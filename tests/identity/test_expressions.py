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


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("", "it is empty"),
        ("order.", "something is missing at character 7"),
        ("[a, b", "something is missing at character 6"),
        ("a b", "'b' is not expected at character 3"),
        ("a.b = c", "unknown token '=' at character 5"),
        ("a[?b == 'x]", "unclosed ' delimiter at character 9"),
        ("lenght(id)", "it has no function lenght"),
        ("json(id, id)", "json takes 1 arguments, not 2"),
    ],
)
def test_a_syntax_error_is_told_with_its_place(expression: str, wrong: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Selector("key", expression)
    expected = f"key is {expression!r}, which is not JMESPath: {wrong} (see jmespath.org)"
    assert str(refused.value) == expected


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


# Missing keys -------------------------------------------------------------------------------------


def refusal(expression: Any, event: Any, **options: Any) -> str:
    with pytest.raises(KeyAbsentError) as refused:
        Selector("key", expression, **options).select(event)
    return str(refused.value)


def test_a_missing_key_names_its_expression_where_it_was_set_and_what_to_do() -> None:
    assert refusal("order_id", {"orderId": 1}) == (
        "The key is missing from the event, or empty. The option key is 'order_id'. The event has "
        "a name that differs from 'order_id' in case, '_' or '-' alone: is that meant? Correct it, "
        "send what it names, or run such calls unprotected with on_missing_key='bypass'."
    )


def test_a_key_of_the_construct_is_named_as_its_prop() -> None:
    assert "The prop is 'id'." in refusal("id", {}, origin="The prop")


@pytest.mark.parametrize(
    "expression", ["items[*].sku", "[id, part]", "json(id)", "abs(id)", "items[3]"]
)
def test_every_missing_key_names_its_expression(expression: str) -> None:
    event = {"id": "x4711000", "items": [{}]}
    assert f"The option key is {expression!r}." in refusal(expression, event)


def test_a_callable_is_named_by_its_name() -> None:
    def order_id(event: Any) -> Any:
        return event["id"]

    text = refusal(order_id, {})
    assert "(KeyError in order_id, line " in text
    assert f"The option key is {order_id.__qualname__}." in text


@pytest.mark.parametrize(
    ("expression", "event", "meant"),
    [
        ("id", {"body": {"id": 1}}, "body.id"),
        ("id", {"detail": {"id": 1}}, "detail.id"),
        ("id", {"kinesis": {"data": {"id": 1}}}, "kinesis.data.id"),
    ],
)
def test_a_path_that_was_perhaps_meant_is_told(expression: str, event: Any, meant: str) -> None:
    assert f"The event has {meant!r}: is that meant?" in refusal(expression, event)


@pytest.mark.parametrize(
    ("expression", "event", "name"),
    [
        ("order_id", {"order-id": 1}, "order_id"),
        ("Order.ID", {"order": {"id": 1}}, "Order"),
        ("order_id.id", {"orderId": 1, "order_id": {"ID": 1}}, "id"),
        ("users.jane_4711000", {"users": {"Jane-4711000": 1}}, "jane_4711000"),
    ],
)
def test_a_name_that_differs_in_its_spelling_alone_is_hinted_at_and_not_told(
    expression: str, event: Any, name: str
) -> None:
    text = refusal(expression, event)
    assert f"a name that differs from {name!r} in case" in text
    assert "Jane-4711000" not in text


def test_an_error_within_jmespath_has_no_line_of_its_code() -> None:
    assert "(JMESPathTypeError)" in refusal("abs(id)", {"id": "x"})


@pytest.mark.parametrize(
    ("expression", "event"),
    [
        ("id", {"jane@example.com": 1}),
        ("order.id", {"order": {"4711000": 1}}),
        ("order.id", {"order": None}),
        ("id", {"id": ""}),
        ("id", {"Id": None}),
        ("id", [{"Id": 1}]),
        ("id", "text"),
        ("[order_id]", {"orderId": 1}),
        ("id", {7: 1}),
    ],
)
def test_no_other_name_of_the_event_is_told(expression: str, event: Any) -> None:
    text = refusal(expression, event)
    assert "meant" not in text
    assert "jane" not in text
    assert "4711000" not in text
