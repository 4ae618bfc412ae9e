"""Credentials of the container endpoint: renewed in time, once, and replaced when refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Final

import pytest

from kit.aws.credential_issuer import GOOD_FOR
from kit.aws.credentials import STATIC, credentials, current
from kit.clocks import ManualClock
from kit.network.fault_server import LOST, FaultServer, Reaction, answer
from lambda_idempotency.clients.aws.credentials import (
    REFRESH_BEFORE,
    TRIES,
    CredentialsError,
    CredentialSource,
)
from lambda_idempotency.clients.net.renewing import RETRY_AFTER_S

SECRETS: Final = ("the-secret-key", "the-session-token", "the-authorization")


def test_credentials_are_kept_while_they_last(
    issuer: FaultServer, source: CredentialSource, clock: ManualClock
) -> None:
    known = current(source)
    clock.advance(GOOD_FOR - REFRESH_BEFORE - 1)
    assert current(source) is known
    assert len(issuer.requests) == 1


def test_credentials_are_renewed_before_their_end(
    issuer: FaultServer, source: CredentialSource, clock: ManualClock
) -> None:
    current(source)
    clock.advance(GOOD_FOR - REFRESH_BEFORE + 1)
    assert [current(source).access_key for _ in range(3)] == ["AKID2"] * 3
    assert len(issuer.requests) == 2


_FAILS: Final[list[Reaction]] = [answer(status=500), LOST, answer(b"no JSON")]


@pytest.mark.parametrize("fault", _FAILS, ids=["500", "lost", "no JSON"])
def test_old_credentials_serve_until_their_end_when_the_renewal_fails(
    issuer: FaultServer, source: CredentialSource, clock: ManualClock, fault: Reaction
) -> None:
    known = current(source)
    clock.advance(GOOD_FOR - REFRESH_BEFORE + 1)
    issuer.script(*[fault] * TRIES)
    assert current(source) is known
    assert current(source) is known
    assert len(issuer.requests) == 1 + TRIES  # a dead endpoint is not asked at every call
    clock.advance(RETRY_AFTER_S)
    assert current(source).access_key == "AKID2"


@pytest.mark.parametrize("fault", _FAILS, ids=["500", "lost", "no JSON"])
def test_old_credentials_do_not_serve_after_their_end(
    issuer: FaultServer, source: CredentialSource, clock: ManualClock, fault: Reaction
) -> None:
    current(source)
    clock.advance(GOOD_FOR)
    issuer.script(*[fault] * TRIES)
    with pytest.raises(CredentialsError):
        current(source)
    assert current(source).access_key == "AKID2"


@pytest.mark.parametrize("already", [0, 1], ids=["at first", "later"])
def test_many_threads_renew_once(
    issuer: FaultServer, source: CredentialSource, clock: ManualClock, already: int
) -> None:
    for _ in range(already):
        current(source)
        clock.advance(GOOD_FOR)
    threads = 16
    start = Barrier(threads)

    def work(_: int) -> str:
        start.wait()
        return current(source).access_key

    with ThreadPoolExecutor(threads) as pool:
        assert set(pool.map(work, range(threads))) == {f"AKID{already + 1}"}
    assert len(issuer.requests) == already + 1


# Refused by a service -----------------------------------------------------------------------------


def test_refused_credentials_are_replaced(source: CredentialSource) -> None:
    assert source.refused(current(source))
    assert current(source).access_key == "AKID2"


def test_credentials_refused_twice_are_replaced_once(
    issuer: FaultServer, source: CredentialSource
) -> None:
    old = current(source)
    assert source.refused(old)
    known = current(source)
    assert source.refused(old)  # another thread's request was on its way
    assert current(source) is known
    assert len(issuer.requests) == 2


def test_the_environments_credentials_cannot_be_replaced() -> None:
    source = CredentialSource(dict(STATIC))
    known = current(source)
    assert not source.refused(known)
    assert current(source) is known


# Secrets ------------------------------------------------------------------------------------------


def test_nothing_shows_a_secret(source: CredentialSource) -> None:
    known = current(source)
    shown = f"{known!r} {known} {source!r} {source}"
    assert "AKID1" in shown
    for secret in SECRETS:
        assert secret not in shown


def test_credentials_of_the_environment_show_no_secret() -> None:
    assert repr(credentials("AKID", "the-secret-key", "the-session-token")).count("the-") == 0
