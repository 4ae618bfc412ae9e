"""Credentials: from the environment, or from the container endpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from kit.aws.credential_issuer import GOOD_FOR
from kit.aws.credentials import STATIC, current, shown
from kit.clocks import ManualClock
from kit.network.fault_server import LOST, SILENCE, UNREAD, FaultServer, Step, answer, raw
from kit.network.processes import free_port
from lambda_idempotency.clients.aws import credentials as module
from lambda_idempotency.clients.aws.credentials import TRIES, CredentialsError, CredentialSource

SECRETS: Final = ("the-secret-key", "the-session-token", "the-authorization")
FULL_URI: Final = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
AUTHORIZATION: Final = "AWS_CONTAINER_AUTHORIZATION_TOKEN"


def _source(issuer: FaultServer, clock: ManualClock, **more: str) -> CredentialSource:
    return CredentialSource({FULL_URI: f"{issuer.endpoint}/role?version=1", **more}, clock)


def _refusal(source: CredentialSource) -> str:
    """Return the message of the failure, checked to name no secret, like everything around it."""
    with pytest.raises(CredentialsError) as raised:
        current(source)
    error: BaseException | None = raised.value
    while error is not None:
        for secret in SECRETS:
            assert secret not in f"{error!r} {error} {error.args}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return str(raised.value)


# The environment ----------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["the-session-token", None])
def test_the_environments_credentials_are_taken(token: str | None) -> None:
    environment = {**STATIC, **({} if token is None else {"AWS_SESSION_TOKEN": token})}
    known = current(CredentialSource(environment))
    assert (known.access_key, known.secret_key.reveal()) == ("AKID", "the-secret-key")
    assert (shown(known.token), known.ends) == (token, None)


def test_an_empty_token_is_none() -> None:
    assert current(CredentialSource({**STATIC, "AWS_SESSION_TOKEN": ""})).token is None


def test_the_environments_credentials_come_before_the_containers(
    issuer: FaultServer, clock: ManualClock
) -> None:
    assert current(_source(issuer, clock, **STATIC)).access_key == "AKID"
    assert issuer.requests == []


@pytest.mark.parametrize("missing", STATIC)
def test_half_of_the_environments_credentials_are_none(
    issuer: FaultServer, clock: ManualClock, missing: str
) -> None:
    half = {name: value for name, value in STATIC.items() if name != missing}
    assert current(_source(issuer, clock, **half)).access_key == "AKID1"


@pytest.mark.parametrize("half", [{}, {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": ""}])
def test_without_credentials_the_error_says_what_is_missing(half: dict[str, str]) -> None:
    refusal = _refusal(CredentialSource(half))
    assert "AWS_ACCESS_KEY_ID" in refusal
    assert FULL_URI in refusal


def test_the_environments_credentials_never_end(clock: ManualClock) -> None:
    source = CredentialSource(dict(STATIC), clock)
    known = current(source)
    clock.advance(1000 * GOOD_FOR)
    assert current(source) is known


# The container endpoint ---------------------------------------------------------------------------


def test_the_full_uri_is_asked(
    issuer: FaultServer, source: CredentialSource, clock: ManualClock
) -> None:
    known = current(source)
    assert (known.access_key, known.secret_key.reveal()) == ("AKID1", "the-secret-key")
    assert (shown(known.token), known.ends) == ("the-session-token", clock() + GOOD_FOR)
    (request,) = issuer.requests
    assert (request.method, request.path, request.body) == ("GET", "/role?version=1", b"")
    assert request.headers["host"] == f"127.0.0.1:{issuer.port}"
    assert "authorization" not in request.headers


def test_the_relative_uri_is_asked_before_the_full_one(
    issuer: FaultServer, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RELATIVE_HOST", issuer.endpoint)
    environment = {
        FULL_URI: f"http://127.0.0.1:{free_port()}/full",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/relative",
    }
    assert current(CredentialSource(environment, clock)).access_key == "AKID1"
    assert [request.path for request in issuer.requests] == ["/relative"]


@pytest.mark.parametrize("uri", [".example.com/role", "@example.com/role", ":port/role"])
def test_a_relative_uri_names_no_other_host(uri: str) -> None:
    _refusal(CredentialSource({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": uri}))


def test_the_authorization_token_is_sent(issuer: FaultServer, clock: ManualClock) -> None:
    current(_source(issuer, clock, **{AUTHORIZATION: "Basic the-authorization"}))
    assert issuer.requests[0].headers["authorization"] == "Basic the-authorization"


def test_the_token_file_comes_before_the_token_and_is_read_each_time(
    issuer: FaultServer, clock: ManualClock, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    source = _source(issuer, clock, **{AUTHORIZATION: "stale", f"{AUTHORIZATION}_FILE": str(file)})
    for token in ("first", "second"):
        file.write_text(f"{token}\n")
        current(source)
        clock.advance(GOOD_FOR)
    sent = [request.headers["authorization"] for request in issuer.requests]
    assert sent == ["first", "second"]


@pytest.mark.parametrize("content", [None, b"the-authorization\r\nx: y", b"the-authorization\xff"])
def test_a_senseless_token_file_is_an_error_that_tells_none_of_it(
    issuer: FaultServer, clock: ManualClock, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    source = _source(issuer, clock, **{f"{AUTHORIZATION}_FILE": str(file)})
    assert f"{AUTHORIZATION}_FILE" in _refusal(source)
    assert issuer.requests == []


def test_a_token_with_a_line_break_is_an_error_that_tells_none_of_it(
    issuer: FaultServer, clock: ManualClock
) -> None:
    source = _source(issuer, clock, **{AUTHORIZATION: "the-authorization\r\nx: y"})
    assert AUTHORIZATION in _refusal(source)
    assert issuer.requests == []


@pytest.mark.parametrize(
    "host", ["example.com", "169.254.169.254", "127.0.0.1.example.com", "[fe80::1]"]
)
def test_another_host_is_not_asked_without_tls(host: str) -> None:
    uri = f"http://{host}/role"
    refusal = _refusal(CredentialSource({FULL_URI: uri}))
    assert host.strip("[]") in refusal
    assert "https" in refusal


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_is_asked_without_tls(host: str) -> None:
    uri = f"http://{host}:{free_port()}/role"
    refusal = _refusal(CredentialSource({FULL_URI: uri}))
    assert "the container credentials endpoint failed" in refusal


@pytest.mark.parametrize("uri", ["role", "ftp://localhost/role", "http://[::1/", "http://a:b/"])
def test_a_senseless_uri_is_an_error_that_names_its_variable(uri: str) -> None:
    refusal = _refusal(CredentialSource({FULL_URI: uri}))
    assert FULL_URI in refusal


_COMPLETE: Final = {
    "AccessKeyId": "AKID",
    "SecretAccessKey": "the-secret-key",
    "Token": "the-session-token",
    "Expiration": "2100-01-01T00:00:00Z",
}
_NO_CREDENTIALS: Final[dict[str, Step]] = {
    "403": answer(_COMPLETE, status=403),
    "500": answer(_COMPLETE, status=500),
    "redirect": answer(status=302, headers={"Location": "http://example.com/"}),
    "no JSON": answer(b'the-secret-key "the-session-token'),
    "no object": answer(b'["the-secret-key"]'),
    "too deep": answer(b"[" * 60_000),
    "nothing": answer(b""),
    "senseless end": answer({**_COMPLETE, "Expiration": "the-session-token"}),
    "null as end": answer({**_COMPLETE, "Expiration": None}),
    "null as key": answer({**_COMPLETE, "AccessKeyId": None}),
    "null as secret": answer({**_COMPLETE, "SecretAccessKey": None}),
    "number as token": answer({**_COMPLETE, "Token": 1}),
    "empty secret": answer({**_COMPLETE, "SecretAccessKey": ""}),
    "refused": answer({"code": "Denied", "message": "the-authorization is wrong"}),
    "unread": UNREAD,
    "lost": LOST,
    "garbage": raw(b"the-secret-key\r\n\r\n", close=True),
    **{
        f"no {name}": answer({key: _COMPLETE[key] for key in _COMPLETE if key != name})
        for name in ("AccessKeyId", "SecretAccessKey", "Expiration")
    },
}


@pytest.mark.parametrize("fault", _NO_CREDENTIALS)
def test_an_answer_without_credentials_is_an_error_that_tells_none_of_it(
    issuer: FaultServer, source: CredentialSource, fault: str
) -> None:
    issuer.script(*[_NO_CREDENTIALS[fault]] * TRIES)
    assert "container credentials endpoint" in _refusal(source)


@pytest.mark.parametrize("fault", [*(answer(status=code) for code in (429, 500, 503)), LOST])
def test_one_failure_of_the_endpoint_is_no_error(
    issuer: FaultServer, source: CredentialSource, fault: Step
) -> None:
    issuer.script(fault)
    assert current(source).access_key == "AKID1"
    assert len(issuer.requests) == 2


@pytest.mark.parametrize(("status", "asked"), [(503, TRIES), (403, 1), (404, 1)])
def test_failures_that_last_are_asked_about_a_few_times_and_refusals_once(
    issuer: FaultServer, source: CredentialSource, status: int, asked: int
) -> None:
    issuer.script(*[answer(status=status)] * 10)
    assert f"said {status}" in _refusal(source)
    assert len(issuer.requests) == asked


def test_an_answer_without_a_token_is_enough(issuer: FaultServer, source: CredentialSource) -> None:
    issuer.script(answer({name: _COMPLETE[name] for name in _COMPLETE if name != "Token"}))
    assert current(source).token is None


def test_after_an_error_the_endpoint_is_asked_again(
    issuer: FaultServer, source: CredentialSource
) -> None:
    issuer.script(*[LOST] * TRIES)
    _refusal(source)
    assert current(source).access_key == "AKID1"


def test_a_slow_endpoint_is_not_waited_for(
    issuer: FaultServer, source: CredentialSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRY_S", 0.1)
    issuer.script(*[SILENCE] * TRIES)
    assert "timed out" in _refusal(source)
