"""Trust in AWS's own endpoints: Amazon's roots at first, the system's store where they say no."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import certifi
import pytest

from kit.network.fault_server import FaultServer, answer
from kit.network.tls import Certificates, certificates
from lambda_idempotency.clients.aws import roots
from lambda_idempotency.clients.aws.connections import ConnectionFailedError, Connections
from lambda_idempotency.clients.aws.endpoints import Endpoint, bucket_endpoint, endpoint_of
from lambda_idempotency.clients.aws.trust import Trust
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.secret import Environment
from lambda_idempotency.clients.net.waiting import BLOCKING, run


@pytest.fixture
def certified(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Certificates:
    """Return certificates of a CA that is in the system's bundle, beside the public ones."""
    certified = certificates(tmp_path, "127.0.0.1")
    _system_bundle(tmp_path, monkeypatch, Path(certifi.where()).read_bytes(), certified.ca)
    return certified


def _system_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, public: bytes, *more: Path
) -> None:
    bundle = tmp_path / "system.pem"
    bundle.write_bytes(public + b"".join(each.read_bytes() for each in more))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


def _as_amazons(ca: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a CA the one root that Amazon has."""
    der = ssl.PEM_cert_to_DER_cert(ca.read_text())
    root = roots.Root("CA", "", sha256(der).hexdigest(), b64encode(der)[:64])
    monkeypatch.setattr(roots, "ROOTS", (root,))


def _connections(server: FaultServer) -> Connections:
    endpoint = Endpoint.parse(server.endpoint)._replace(own=True)
    return Connections(endpoint, Environment({}))


def _ask(connections: Connections) -> bytes:
    request = connections.request("POST", "/", {"host": "here"}, b"body")
    return run(connections.exchange(request, BLOCKING, Deadline(30))).body


def _loaded(*, amazon: bool = True, **variables: str) -> int:
    """Return the number of roots that are trusted at first."""
    return len(Trust(Environment(variables), amazon=amazon).context().get_ca_certs())


def test_at_first_only_amazons_roots_are_loaded(certified: Certificates) -> None:
    assert _loaded() == len(roots.ROOTS)


def test_for_other_endpoints_the_whole_store_is_loaded(certified: Certificates) -> None:
    assert _loaded(amazon=False) > len(roots.ROOTS)


def test_the_users_bundle_goes_before_amazons_roots(certified: Certificates) -> None:
    assert _loaded(AWS_CA_BUNDLE=str(certified.ca)) == 1


def test_without_amazons_roots_in_the_systems_bundle_the_whole_store_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certified: Certificates
) -> None:
    _system_bundle(tmp_path, monkeypatch, b"", certified.ca)
    assert _loaded() == 1


def test_without_a_bundle_in_one_file_the_whole_store_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert _loaded() == 0


def test_a_certificate_of_amazons_is_verified_at_once(
    certified: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_amazons(certified.ca, monkeypatch)
    with FaultServer(answer(b"there"), tls=certified) as server:
        with closing(_connections(server)) as connections:
            assert _ask(connections) == b"there"
        assert server.opened == 1


def test_where_the_issuer_is_unknown_the_whole_store_decides_and_is_kept(
    certified: Certificates,
) -> None:
    with FaultServer(otherwise=answer(b"there"), tls=certified) as server:
        connections = _connections(server)
        with closing(connections):
            assert _ask(connections) == b"there"
        assert server.opened == 2
        with closing(connections):
            assert _ask(connections) == b"there"
        assert server.opened == 3


def test_an_issuer_that_the_whole_store_does_not_know_either_is_refused(
    certified: Certificates, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    with FaultServer(tls=certificates(tmp_path / "other", "127.0.0.1")) as server:
        with pytest.raises(ConnectionFailedError, match="certificate is not trusted"):
            _ask(_connections(server))
        assert server.opened == 2


def test_a_certificate_for_another_host_is_refused_at_once(
    tmp_path: Path, certified: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    other = certificates(tmp_path / "other", "dynamodb.example.com")
    _system_bundle(tmp_path, monkeypatch, b"", other.ca)
    _as_amazons(other.ca, monkeypatch)
    with FaultServer(tls=other) as server:
        with pytest.raises(ConnectionFailedError, match="certificate is not trusted"):
            _ask(_connections(server))
        assert server.opened == 1


@pytest.mark.parametrize(
    ("variables", "own"),
    [
        ({}, True),
        ({"AWS_ENDPOINT_URL": "https://dynamodb.us-east-1.amazonaws.com"}, False),
        (
            {"AWS_ENDPOINT_URL_DYNAMODB": "https://a.example", "AWS_ENDPOINT_URL_S3": "https://a"},
            False,
        ),
    ],
)
def test_an_endpoint_that_somebody_configured_is_not_aws_own(
    variables: Mapping[str, str],
    own: bool,  # noqa: FBT001
) -> None:
    environment = {"AWS_REGION": "us-east-1", **variables}
    assert endpoint_of("dynamodb", "DYNAMODB", "amazonaws.com", environment).own is own
    assert bucket_endpoint("bucket", "amazonaws.com", environment).own is own
    assert bucket_endpoint("a.bucket", "amazonaws.com", environment).own is own


def test_through_a_proxy_the_whole_store_is_used(certified: Certificates) -> None:
    endpoint = Endpoint(scheme="https", host="127.0.0.1", port=1, own=True)
    proxied = Connections(endpoint, Environment({"https_proxy": "http://127.0.0.1:2"}))
    assert proxied._trust is not None
    assert len(proxied._trust.context().get_ca_certs()) > len(roots.ROOTS)
