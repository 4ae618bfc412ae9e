"""Connections over TLS: the certificates they trust, and the text of a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.network.fault_server import LOST, FaultServer, answer
from kit.network.tls import Certificates, certificates
from lambda_idempotency.clients.aws.connections import (
    ConnectionFailedError,
    Connections,
)
from lambda_idempotency.clients.aws.endpoints import Endpoint
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.http1 import Response
from lambda_idempotency.clients.net.waiting import BLOCKING, run


@pytest.fixture
def certified(tmp_path: Path) -> Certificates:
    return certificates(tmp_path, "127.0.0.1")


def _ask(connections: Connections, seconds: float = 30) -> Response:
    request = connections.request("POST", "/", {"host": "here"}, b"secret")
    return run(connections.exchange(request, BLOCKING, Deadline(seconds)))


def _refusal(server: FaultServer) -> str:
    with pytest.raises(ConnectionFailedError) as raised:
        _ask(Connections(Endpoint.parse(server.endpoint)))
    assert not raised.value.reused
    return str(raised.value)


def test_a_certificate_in_the_bundle_is_trusted(
    certified: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certified.ca))
    with FaultServer(answer(b"first"), answer(b"second"), tls=certified) as server:
        connections = Connections(Endpoint.parse(server.endpoint))
        assert [_ask(connections).body, _ask(connections).body] == [b"first", b"second"]
        connections.close()
        assert server.opened == 1


def test_an_unknown_certificate_is_not_trusted(certified: Certificates) -> None:
    with FaultServer(tls=certified) as server:
        refusal = _refusal(server)
        assert refusal.startswith(f"127.0.0.1:{server.port}: its certificate is not trusted (")
        assert "self-signed" in refusal
        assert server.requests == []


def test_another_certificate_than_the_bundles_is_not_trusted(
    certified: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates(tmp_path / "other", "127.0.0.1").ca))
    with FaultServer(tls=certified) as server:
        assert "its certificate is not trusted (" in _refusal(server)
        assert server.requests == []


def test_a_certificate_for_another_host_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = certificates(tmp_path, "dynamodb.example.com")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(other.ca))
    with FaultServer(tls=other) as server:
        refusal = _refusal(server)
        assert "its certificate is not trusted (" in refusal
        assert "127.0.0.1" in refusal.partition("(")[2]
        assert server.requests == []


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "senseless"])
def test_a_bundle_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(bundle))
    with FaultServer() as server:
        endpoint = Endpoint(scheme="https", host="127.0.0.1", port=server.port)
        with pytest.raises(ConnectionFailedError, match="AWS_CA_BUNDLE"):
            _ask(Connections(endpoint))


def test_a_server_without_tls_is_a_failed_connection() -> None:
    with FaultServer() as server:
        endpoint = Endpoint(scheme="https", host="127.0.0.1", port=server.port)
        with pytest.raises(ConnectionFailedError, match=f"127.0.0.1:{server.port}: "):
            _ask(Connections(endpoint), seconds=0.2)
        assert server.requests == []


def test_a_reply_lost_over_tls_is_a_failed_connection(
    certified: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certified.ca))
    with FaultServer(answer(), LOST, tls=certified) as server:
        connections = Connections(Endpoint.parse(server.endpoint))
        _ask(connections)
        with pytest.raises(ConnectionFailedError) as raised:
            _ask(connections)
        assert raised.value.reused
        assert connections._pool._idle == []


def test_an_idle_connection_over_tls_that_the_server_closed_is_replaced_without_an_error(
    certified: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(certified.ca))
    with FaultServer(answer(close=True), tls=certified) as server:
        connections = Connections(Endpoint.parse(server.endpoint))
        _ask(connections)
        server.wait_closed(1)
        assert _ask(connections).status == 200
        connections.close()
        assert server.opened == 2
