"""Proxies from the environment, with the standard library's reading as the oracle (boto3's own)."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any, Final

import pytest

from kit.aws.credentials import function_environment
from kit.aws.light import DynamoDB
from kit.network.fault_server import FaultServer, answer
from kit.network.http_proxy import HttpProxy
from kit.network.tls import certificates
from lambda_idempotency.clients.aws.client import ServiceError
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.proxies import proxy_for
from lambda_idempotency.clients.net.secret import Environment
from lambda_idempotency.errors import ConfigurationError

ITEM: Final = {"Item": {"id": {"S": "shop#1"}}}


def _client(endpoint: str, **more: str) -> DynamoDB:
    return DynamoDB(environment=function_environment(endpoint, **more), sleep=lambda _: None)


# Requests -----------------------------------------------------------------------------------------


def test_a_request_without_tls_is_given_to_the_proxy_with_its_url() -> None:
    with FaultServer(otherwise=answer(ITEM)) as server, HttpProxy(server.port) as proxy:
        client = _client(server.endpoint, HTTP_PROXY=f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        assert client.get_item()["Item"] == ITEM["Item"]
        assert client.get_item()["Item"] == ITEM["Item"]
        client.close()
        [head] = proxy.heads
        assert head.startswith(f"POST {server.endpoint}/ HTTP/1.1\r\n")
        assert "\r\nproxy-authorization: Basic dXNlcjpwQHNz\r\n" in f"{head}\r\n"


def test_a_request_over_tls_goes_through_a_tunnel(tmp_path: Path) -> None:
    files = certificates(tmp_path, "127.0.0.1")
    with (
        FaultServer(otherwise=answer(ITEM), tls=files) as server,
        HttpProxy(server.port) as proxy,
    ):
        client = _client(
            server.endpoint,
            AWS_CA_BUNDLE=str(files.ca),
            https_proxy=f"http://user:p%40ss@127.0.0.1:{proxy.port}",
        )
        assert client.get_item()["Item"] == ITEM["Item"]
        assert client.get_item()["Item"] == ITEM["Item"]
        client.close()
        [head] = proxy.heads
        assert head.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.1\r\n")
        assert "proxy-authorization: Basic dXNlcjpwQHNz" in head
        assert "proxy-authorization" not in server.requests[0].headers


def test_a_proxy_that_refuses_is_named() -> None:
    with HttpProxy(1, refuses=407) as proxy:
        client = _client("https://db.example", HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}")
        token = deadline.start(200)
        try:
            with pytest.raises(ServiceError, match=f"proxy 127.0.0.1:{proxy.port} said 407"):
                client.get_item()
        finally:
            deadline.end(token)


# The environment ----------------------------------------------------------------------------------

_VARIABLES: Final[dict[str, dict[str, str]]] = {
    "none": {},
    "upper": {"HTTPS_PROXY": "http://upper:1"},
    "lower": {"https_proxy": "http://lower:1"},
    "both": {"HTTPS_PROXY": "http://upper:1", "https_proxy": "http://lower:1"},
    "empty": {"HTTPS_PROXY": "http://upper:1", "https_proxy": ""},
    "another scheme": {"HTTP_PROXY": "http://upper:1"},
    "excepted": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "db.example"},
    "lower exception": {"HTTPS_PROXY": "http://upper:1", "no_proxy": "other, DB.example"},
    "domain": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": ".example"},
    "domain without dot": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "example"},
    "port": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "db.example:443"},
    "another port": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "db.example:8443"},
    "end of a name": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "b.example"},
    "all": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": "*"},
    "nothing": {"HTTPS_PROXY": "http://upper:1", "NO_PROXY": ""},
}


@pytest.mark.parametrize("name", _VARIABLES)
def test_the_environment_is_read_as_boto3_reads_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = _VARIABLES[name]
    for each in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"):
        for spelling in (each, each.lower()):
            monkeypatch.delenv(spelling, raising=False)
    for each, value in variables.items():
        monkeypatch.setenv(each, value)
    expected: Any = urllib.request.getproxies_environment().get("https")
    if urllib.request.proxy_bypass("db.example:443"):
        expected = None
    found = proxy_for("https", "db.example", 443, Environment(variables))
    assert (None if found is None else f"http://{found.host}:{found.port}") == expected


def test_a_header_of_a_cgi_request_is_no_setting() -> None:
    variables = {"HTTP_PROXY": "http://proxy:1", "REQUEST_METHOD": "GET"}
    assert proxy_for("http", "db.example", 80, Environment(variables)) is None


@pytest.mark.parametrize("url", ["proxy:8080", "//proxy:8080", "http://proxy:8080/"])
def test_a_proxy_needs_no_scheme(url: str) -> None:
    found = proxy_for("https", "db.example", 443, Environment({"HTTPS_PROXY": url}))
    assert found is not None
    assert (found.host, found.port) == ("proxy", 8080)


@pytest.mark.parametrize("url", ["https://proxy:1", "socks5://proxy:1", "http://", "http://a:b"])
def test_a_proxy_that_cannot_be_used_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^HTTPS_PROXY .* expected http://.*without TLS"):
        _client("https://db.example", HTTPS_PROXY=url)
