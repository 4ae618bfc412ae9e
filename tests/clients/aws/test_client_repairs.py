"""Failures that the client can repair (a wrong clock, expired credentials), and the form of the
others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Final, TypeAlias

import pytest

from kit.aws.light import SSM, DynamoDB, SecretsManager
from kit.clocks import ManualClock
from kit.network.fault_server import FaultServer, Request, Step, answer, failure
from lambda_idempotency.clients.aws.client import ServiceError

Connect: TypeAlias = Callable[..., Any]

KEY: Final = {"id": {"S": "shop#1"}}
ITEM: Final = {"Item": {"id": {"S": "shop#1"}}}
SKEW: Final = 600

_SKEWED = pytest.mark.parametrize(
    "code",
    ["InvalidSignatureException", "RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"],
)
_EXPIRED = pytest.mark.parametrize(
    "code", ["ExpiredToken", "ExpiredTokenException", "UnrecognizedClientException"]
)


def _get(client: DynamoDB) -> dict[str, Any]:
    return client.get_item(TableName="table", Key=KEY)


def _error(client: DynamoDB) -> ServiceError:
    with pytest.raises(ServiceError) as raised:
        _get(client)
    return raised.value


def _code(client: DynamoDB) -> Any:
    return _error(client).response["Error"]["Code"]


def _date(now: float) -> str:
    return formatdate(now, usegmt=True)


def _signed_at(server: FaultServer) -> list[str]:
    return [request.headers["x-amz-date"] for request in server.requests]


# A wrong clock ------------------------------------------------------------------------------------


@_SKEWED
@pytest.mark.parametrize("skew", [SKEW, -SKEW], ids=["behind", "ahead"])
def test_a_wrong_clock_is_corrected_from_the_servers_date_and_the_request_sent_again(
    *,
    server: FaultServer,
    client: DynamoDB,
    clock: ManualClock,
    slept: list[float],
    code: str,
    skew: int,
) -> None:
    server.script(failure(code, date=_date(clock() + skew)), answer(ITEM))
    assert _get(client)["Item"] == ITEM["Item"]
    # 1,800,000,000 is 08:00:00; a Date has whole seconds, so almost a second behind is right too.
    first, second = _signed_at(server)
    assert first == "20270115T080000Z"
    assert second in (
        {"20270115T081000Z"} if skew > 0 else {"20270115T075000Z", "20270115T075001Z"}
    )
    assert slept == []


@_SKEWED
def test_a_good_clock_is_no_reason_to_send_again(
    server: FaultServer, client: DynamoDB, clock: ManualClock, slept: list[float], code: str
) -> None:
    server.script(failure(code, date=_date(clock())), answer(ITEM))
    assert _code(client) == code
    assert len(server.requests) == 1
    assert slept == []


@pytest.mark.parametrize("date", [None, "yesterday", ""])
def test_without_the_servers_date_a_request_is_not_sent_again(
    server: FaultServer, client: DynamoDB, date: str | None
) -> None:
    server.script(failure("RequestExpired", date=date), answer(ITEM))
    assert _code(client) == "RequestExpired"
    assert len(server.requests) == 1


def test_a_corrected_clock_is_not_corrected_again(
    server: FaultServer, client: DynamoDB, clock: ManualClock
) -> None:
    server.script(*[failure("RequestExpired", date=_date(clock() + SKEW))] * 10)
    assert _code(client) == "RequestExpired"
    assert len(server.requests) == 2


def test_a_date_that_runs_away_is_not_followed_for_ever(
    server: FaultServer, client: DynamoDB, clock: ManualClock
) -> None:
    dates = iter(range(1, 100))

    def away(_: Request) -> Step:
        return failure("RequestExpired", date=_date(clock() + SKEW * next(dates)))

    server.script(*[away] * 50)
    assert _code(client) == "RequestExpired"
    assert len(server.requests) <= 3


def test_a_clock_that_is_accepted_signs_as_it_is(
    server: FaultServer, client: DynamoDB, clock: ManualClock
) -> None:
    server.script(answer(headers={"Date": _date(clock() + SKEW)}))
    _get(client)
    _get(client)
    assert _signed_at(server) == ["20270115T080000Z", "20270115T080000Z"]


def test_a_clock_that_was_corrected_stays_so(
    server: FaultServer, client: DynamoDB, clock: ManualClock
) -> None:
    server.script(failure("RequestExpired", date=_date(clock() + SKEW)))
    _get(client)
    _get(client)
    assert _signed_at(server)[1:] == ["20270115T081000Z"] * 2


# Expired credentials ------------------------------------------------------------------------------


def _signed_by(server: FaultServer) -> list[str]:
    found = [
        re.search("Credential=([^/]+)/", request.headers["authorization"])
        for request in server.requests
    ]
    return [match[1] for match in found if match]


@pytest.fixture
def contained(issuer: FaultServer, connect: Connect) -> DynamoDB:
    """Return a client whose credentials come from the container endpoint."""
    made: DynamoDB = connect(
        AWS_ACCESS_KEY_ID="", AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{issuer.endpoint}/role"
    )
    return made


def test_the_containers_credentials_sign_and_their_token_is_sent(
    server: FaultServer, issuer: FaultServer, contained: DynamoDB
) -> None:
    _get(contained)
    _get(contained)
    assert _signed_by(server) == ["AKID1", "AKID1"]
    assert server.requests[0].headers["x-amz-security-token"] == "the-session-token"
    assert len(issuer.requests) == 1


@_EXPIRED
def test_expired_credentials_of_the_container_are_replaced_and_the_request_sent_again(
    server: FaultServer,
    issuer: FaultServer,
    contained: DynamoDB,
    slept: list[float],
    code: str,
) -> None:
    server.script(failure(code), answer(ITEM))
    assert _get(contained)["Item"] == ITEM["Item"]
    assert _signed_by(server) == ["AKID1", "AKID2"]
    assert len(issuer.requests) == 2
    assert slept == []


def test_credentials_that_stay_expired_are_not_replaced_for_ever(
    server: FaultServer, issuer: FaultServer, contained: DynamoDB
) -> None:
    server.script(*[failure("ExpiredTokenException")] * 50)
    assert _code(contained) == "ExpiredTokenException"
    assert len(server.requests) <= 3
    assert len(issuer.requests) <= 3


@_EXPIRED
def test_expired_credentials_of_the_environment_are_an_error_at_once(
    server: FaultServer, client: DynamoDB, slept: list[float], code: str
) -> None:
    server.script(failure(code), answer(ITEM))
    assert _code(client) == code
    assert len(server.requests) == 1
    assert slept == []


def test_without_credentials_nothing_is_sent_and_the_error_says_what_is_missing(
    server: FaultServer, connect: Connect, slept: list[float]
) -> None:
    error = _error(connect(AWS_SECRET_ACCESS_KEY=""))
    assert error.response["Error"]["Code"] == "NoCredentials"
    assert "AWS_ACCESS_KEY_ID" in str(error)
    assert server.opened == 0
    assert slept == []


@pytest.mark.parametrize("token", ["the-token\r\nx-other: y", "the-token-\N{EURO SIGN}"])
def test_a_token_that_cannot_be_sent_is_an_error_that_tells_none_of_it(
    server: FaultServer, connect: Connect, token: str
) -> None:
    error = _error(connect(AWS_SESSION_TOKEN=token))
    assert "the-token" not in f"{error!r} {error} {error.response}"
    assert server.opened == 0


# Errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "name", "call"),
    [
        (DynamoDB, "DynamoDB GetItem", lambda client: client.get_item()),
        (SSM, "SSM GetParameter", lambda client: client.get_parameter()),
        (SecretsManager, "SecretsManager GetSecretValue", lambda client: client.get_secret_value()),
    ],
)
def test_an_error_names_service_operation_code_and_request(
    server: FaultServer, connect: Connect, service: type, name: str, call: Callable[[Any], object]
) -> None:
    server.script(failure("ValidationException"))
    with pytest.raises(ServiceError) as raised:
        call(connect(service=service))
    assert str(raised.value) == f"{name} failed: ValidationException (request id REQUEST-7)"


@pytest.mark.parametrize(
    ("step", "code"),
    [
        (failure("ValidationException"), "ValidationException"),
        (answer(b'{"__type": "Plain"}', status=400), "Plain"),
        (answer(b'{"__type": "a#Linked:http://b#c/"}', status=400), "Linked"),
        (answer(b"{}", status=400, headers={"x-amzn-ErrorType": "Headed:http://a/"}), "Headed"),
        (answer(b"", status=400, headers={"x-amzn-ErrorType": "Headed"}), "Headed"),
        (answer(b'{"__type": null}', status=400), "HTTP 400"),
        (answer(b"<html>", status=400), "HTTP 400"),
    ],
)
def test_the_code_is_found_wherever_it_is(
    server: FaultServer, client: DynamoDB, step: Step, code: str
) -> None:
    server.script(step)
    assert _code(client) == code


@pytest.mark.parametrize(
    "step",
    [
        failure("ValidationException", message="card 4111"),
        failure("ValidationException", Message="card 4111"),
    ],
    ids=["message", "Message"],
)
def test_the_services_words_are_in_the_response_and_not_in_the_error(
    server: FaultServer, client: DynamoDB, step: Step
) -> None:
    server.script(step)
    error = _error(client)
    assert error.response["Error"]["Message"] == "card 4111"
    assert "4111" not in f"{error} {error!r} {error.args}"


def test_the_pages_of_a_proxy_are_not_in_the_error(server: FaultServer, client: DynamoDB) -> None:
    server.script(answer(b"<html>card 4111", status=403))
    error = _error(client)
    assert "4111" not in f"{error} {error!r} {error.args} {error.response}"
