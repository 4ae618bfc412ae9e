"""Options reach the function's environment, and invalid ones are refused."""

from __future__ import annotations

import re
from typing import Any

import jsii
import pytest
from aws_cdk import Duration, IStableStringProducer, Lazy, Token

from cdk_idempotency import Idempotency, IdempotencyOptions
from kit.synth import environments, function, stack, template, variables

PROPS: list[tuple[IdempotencyOptions, dict[str, str]]] = [
    ({"key": "body.order_id"}, {"KEY": "body.order_id"}),
    ({"fingerprint": "body.amount"}, {"FINGERPRINT": "body.amount"}),
    ({"expires_after": Duration.days(7)}, {"EXPIRES_AFTER": "604800"}),
    ({"on_in_progress": "wait"}, {"ON_IN_PROGRESS": "wait"}),
    ({"wait_timeout": Duration.millis(1500)}, {"WAIT_TIMEOUT": "1.5"}),
    ({"max_attempts": 3}, {"MAX_ATTEMPTS": "3"}),
    ({"cache_size": 100}, {"CACHE_SIZE": "100"}),
    ({"store_response": False}, {"STORE_RESPONSE": "false"}),
    ({"redact": "{id: id}"}, {"REDACT": "{id: id}"}),
    ({"on_missing_key": "bypass"}, {"ON_MISSING_KEY": "bypass"}),
    ({"fail_open": True}, {"FAIL_OPEN": "true"}),
    ({"heartbeat": False}, {"HEARTBEAT": "false"}),
]


EACH = pytest.mark.parametrize("number", range(len(PROPS)), ids=lambda n: next(iter(PROPS[n][0])))


@pytest.fixture(scope="module")
def deployed() -> dict[str, dict[str, Any]]:
    """Return the environments of functions with a single prop, of their construct or of
    `attach`.
    """
    scope = stack()
    plain = Idempotency(scope, "Plain")
    plain.attach(function(scope, "None"))
    for number, (props, _) in enumerate(PROPS):
        Idempotency(scope, f"Of{number}", **props).attach(function(scope, f"Construct{number}"))
        plain.attach(function(scope, f"Attach{number}"), **props)
    return environments(template(scope))


def _added(found: dict[str, Any]) -> dict[str, str]:
    """Return the variables beyond those that every attached function has."""
    added = {name.removeprefix("IDEMPOTENCY_"): value for name, value in found.items()}
    for always in ("TABLE", "URL_SUFFIX", "NAMESPACE", "TIMEOUT"):
        added.pop(always)
    return added


@EACH
def test_a_prop_of_the_construct_reaches_the_function(
    deployed: dict[str, dict[str, Any]], number: int
) -> None:
    assert _added(deployed[f"Construct{number}"]) == PROPS[number][1]


@EACH
def test_a_prop_of_attach_reaches_that_function(
    deployed: dict[str, dict[str, Any]], number: int
) -> None:
    assert _added(deployed[f"Attach{number}"]) == PROPS[number][1]


def test_a_prop_of_attach_reaches_no_other_function(deployed: dict[str, dict[str, Any]]) -> None:
    assert _added(deployed["None"]) == {}


def test_a_prop_of_attach_wins_over_the_constructs() -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency", key="id", max_attempts=3)
    idempotency.attach(function(scope), key="order.id")
    found = variables(template(scope))
    assert (found["IDEMPOTENCY_KEY"], found["IDEMPOTENCY_MAX_ATTEMPTS"]) == ("order.id", "3")


@jsii.implements(IStableStringProducer)
class _Text:
    def produce(self) -> str:
        return "resolved"


def test_a_text_prop_may_be_a_token() -> None:
    scope = stack()
    key = Lazy.string(_Text())
    Idempotency(scope, "Idempotency", key=key).attach(function(scope))
    assert variables(template(scope))["IDEMPOTENCY_KEY"] == "resolved"


# Refusals ----------------------------------------------------------------------------------------


def _refused(message: str) -> pytest.RaisesExc[ValueError]:
    return pytest.RaisesExc(ValueError, match=re.escape(message))


BAD_PROPS: list[tuple[dict[str, Any], str]] = [
    ({"key": "body.["}, "key is 'body.[', which is not JMESPath"),
    ({"fingerprint": "a b c"}, "fingerprint is 'a b c', which is not JMESPath"),
    ({"key": ""}, "key is '', which is not JMESPath"),
    ({"key": len}, "expected JMESPath (callables go in the code)"),
    ({"expires_after": Duration.seconds(0)}, "expires_after is 0 seconds; expected at least 1"),
    ({"expires_after": 3600}, "expires_after is 3600; expected a Duration"),
    ({"lease": Duration.seconds(0)}, "lease is 0 seconds; expected at least"),
    ({"wait_timeout": Duration.seconds(0)}, "wait_timeout is 0 seconds; expected at least"),
    ({"on_in_progress": "ignore"}, "on_in_progress is 'ignore'; expected 'raise' or 'wait'"),
    ({"on_missing_key": "warn"}, "on_missing_key is 'warn'; expected 'reject' or 'bypass'"),
    ({"max_attempts": 0}, "max_attempts is 0; expected a whole number from 1"),
    ({"max_attempts": True}, "max_attempts is True; expected a whole number from 1"),
    ({"cache_size": -1}, "cache_size is -1; expected a whole number from 0"),
    ({"redact": "body.["}, "redact is 'body.[', which is not JMESPath"),
    (
        {"store_response": False, "redact": "id"},
        "redact is given, and store_response=False keeps no response for it",
    ),
    ({"fail_open": "yes"}, "fail_open is 'yes'; expected true or false"),
    ({"ttl": 3}, "ttl is not a prop; the props are cache_size, expires_after, fail_open"),
]


EACH_BAD = pytest.mark.parametrize(
    ("props", "message"), BAD_PROPS, ids=lambda value: str(value)[:40]
)


@EACH_BAD
def test_a_bad_prop_of_the_construct_is_refused(props: dict[str, Any], message: str) -> None:
    with _refused("[Stack/Idempotency] ") as caught:
        Idempotency(stack(), "Idempotency", **props)
    assert message in str(caught.value)


@EACH_BAD
def test_a_bad_prop_of_attach_is_refused(props: dict[str, Any], message: str) -> None:
    scope = stack()
    idempotency = Idempotency(scope, "Idempotency")
    with _refused("[Stack/Payments] ") as caught:
        idempotency.attach(function(scope), **props)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "props",
    [
        {"max_attempts": Token.as_number({"Ref": "Attempts"})},
        {"expires_after": Duration.seconds(Token.as_number({"Ref": "Seconds"}))},
        {"on_in_progress": Token.as_string({"Ref": "Choice"})},
    ],
    ids=["max_attempts", "expires_after", "on_in_progress"],
)
def test_a_token_where_a_value_is_needed_is_refused(props: dict[str, Any]) -> None:
    [name] = props
    with _refused(f"[Stack/Idempotency] {name} is a CDK token"):
        Idempotency(stack(), "Idempotency", **props)
