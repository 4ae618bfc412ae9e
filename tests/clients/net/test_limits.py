"""Every wait of every client, with a peer that is silent there: the limit's reserve stays.

There is no real time here, see `SilentNetwork`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, get_args

import pytest

from kit.aws.credentials import function_environment
from kit.aws.light import SSM, DynamoDB, SecretsManager
from kit.network.silence import CREDENTIALS_PORT, PROXY_PORT, SilentNetwork, Stage
from lambda_idempotency.clients.aws.client import Client, ServiceError
from lambda_idempotency.clients.aws.s3 import S3
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.net.waiting import Waits, run
from lambda_idempotency.clients.redis.base import BUDGET_S
from lambda_idempotency.clients.redis.fixed import client_of
from lambda_idempotency.errors import StoreError

LIMITS_S: Final = (0.1, 1.0, 3.0, 4.9, 10.0, 900.0)
REDIS_STAGES: Final[tuple[Stage, ...]] = (
    "resolving",
    "connecting",
    "connecting to three addresses",
    "the handshake",
    "writing",
    "reading",
    "a response that drips",
)
CLIENTS: Final[dict[str, tuple[Callable[..., Client], Callable[[Any, Waits], Any]]]] = {
    "DynamoDB": (DynamoDB, lambda client, waits: client.ask("get_item", "{}", waits)),
    "SSM": (SSM, lambda client, waits: client.request("GetParameter", {}, waits)),
    "SecretsManager": (
        SecretsManager,
        lambda client, waits: client.request("GetSecretValue", {}, waits),
    ),
    "S3, writing": (
        lambda **options: S3("bucket", **options),
        lambda client, waits: client.put("key", b"body", waits),
    ),
    "S3, reading": (
        lambda **options: S3("bucket", **options),
        lambda client, waits: client.get("key", waits),
    ),
}


def _environment(stage: Stage) -> dict[str, str]:
    variables = function_environment("http://aws.example")
    if stage in ("the handshake", "the proxy"):
        variables["AWS_ENDPOINT_URL"] = "https://aws.example"
    if stage == "the proxy":
        variables["HTTPS_PROXY"] = f"http://proxy.example:{PROXY_PORT}"
    if stage.startswith("credentials"):
        variables["AWS_ACCESS_KEY_ID"] = ""
        variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"http://127.0.0.1:{CREDENTIALS_PORT}/"
    return variables


@pytest.mark.parametrize("stage", get_args(Stage))
@pytest.mark.parametrize("name", CLIENTS)
def test_no_wait_spends_the_reserve(
    name: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, ask = CLIENTS[name]
    for limit in LIMITS_S:
        network = SilentNetwork(stage, monkeypatch)
        client = make(environment=_environment(stage), clock=lambda at=network: at.now)
        if stage == "credentials that another is loading":
            client._credentials._renewing._lock.get().acquire()
        began = network.now
        token = deadline.start(int(limit * 1000))
        try:
            run(ask(client, network))
        except ServiceError:
            waited, allowed = network.now - began, min(limit - min(0.5, limit / 10), 10)
            assert 0 < waited <= allowed + 0.001, f"of {limit} s it waited {waited}"
        else:
            pytest.fail(f"of {limit} s: no error")
        finally:
            deadline.end(token)


@pytest.mark.parametrize("limit", LIMITS_S)
@pytest.mark.parametrize("stage", REDIS_STAGES)
def test_no_wait_for_redis_spends_the_reserve(
    stage: Stage, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = SilentNetwork(stage, monkeypatch)
    scheme = "rediss" if stage == "the handshake" else "redis"
    client = client_of(Secret(f"{scheme}://idempotency:hunter2@redis.example"))
    began = network.now
    token = deadline.start(int(limit * 1000))
    try:
        with pytest.raises(StoreError):
            run(client.ask([("HGETALL", "shop#1")], network))
    finally:
        deadline.end(token)
    assert 0 < network.now - began <= limit - min(0.5, limit / 10) + 0.001
    assert network.now - began <= BUDGET_S + 0.001


def test_several_addresses_share_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    network = SilentNetwork("connecting to three addresses", monkeypatch)
    client = DynamoDB(environment=_environment(network.stage))
    token = deadline.start(1000)
    try:
        with pytest.raises(ServiceError, match="timed out"):
            run(client.ask("get_item", "{}", network))
    finally:
        deadline.end(token)
    assert len(network.sockets) == 3
