"""The runtime's way to a Redis server: its settings in the local AWS, its password in a secret."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import count
from threading import Event
from types import TracebackType
from typing import Any, Final, Protocol, TypeAlias

import pytest

from kit.aws.credentials import function_environment
from kit.aws.local import LocalAws
from kit.redis.cluster import RedisCluster
from kit.redis.servers import RedisServer, until
from lambda_idempotency.clients.aws.client import Client
from lambda_idempotency.clients.net import deadline
from lambda_idempotency.clients.redis.credentials import LoadedCredentials
from lambda_idempotency.clients.redis.parameter import ParameterClient
from lambda_idempotency.contract.redis import (
    Credentials,
    RedisSettings,
    SecretsManagerCredentials,
    access_string,
)
from lambda_idempotency.decorators.handler import idempotent
from lambda_idempotency.errors import IdempotencyError
from lambda_idempotency.protocol.record import Claim, Completion, Reply
from lambda_idempotency.stores.base import Store
from lambda_idempotency.testing.store_harness import new_key

NAMESPACE: Final = "shop"
USER: Final = "idempotency"
PASSWORD: Final = "hunter2"
"""A password that appears only where it belongs."""
THREADS: Final = 8
_NUMBERS = count(1)


Publish: TypeAlias = Callable[..., None]
"""A function that writes valid settings, apart from its arguments."""


class Refusal(Protocol):
    """A function that returns the message of a failing call's error."""

    def __call__(self, kind: type[IdempotencyError], *, key: str = "shop#1") -> str:
        """Return the message of an error of this kind, checked to hold no secret."""
        ...


class Access:
    """A parameter and a secret for one server alone; the context manager closes the clients.

    `endpoint`: that of a proxy in front of the local AWS.
    """

    def __init__(self, aws: LocalAws, endpoint: str | None = None) -> None:
        self.aws = aws
        number = next(_NUMBERS)
        self.parameter = f"/redis/{number}"
        self.secret = f"redis-{number}"
        self.environment = function_environment(endpoint or aws.endpoint)
        self._clients: list[ParameterClient] = []

    def __enter__(self) -> Access:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in self._clients:
            client.close()

    def publish(self, settings: RedisSettings | dict[str, Any] | str) -> None:
        """Write the parameter."""
        if isinstance(settings, RedisSettings):
            settings = settings.to_document()
        text = settings if isinstance(settings, str) else json.dumps(settings)
        with closing(self.aws.client("ssm")) as ssm:
            ssm.put_parameter(Name=self.parameter, Value=text, Type="String", Overwrite=True)

    def keep(self, secret: dict[str, Any] | str) -> SecretsManagerCredentials:
        """Write the secret, and return the credentials that lead to it."""
        text = secret if isinstance(secret, str) else json.dumps(secret)
        with closing(self.aws.client("secretsmanager")) as secrets:
            try:
                secrets.create_secret(Name=self.secret, SecretString=text)
            except secrets.exceptions.ResourceExistsException:
                secrets.put_secret_value(SecretId=self.secret, SecretString=text)
        return SecretsManagerCredentials(self.secret)

    def add_user(
        self, server: RedisServer | RedisCluster, password: str, *, cluster: bool = False
    ) -> Credentials:
        """Add a user with exactly the documented rights, to the server and to the secret."""
        server.add_user(USER, password, access_string([NAMESPACE], cluster=cluster))
        return self.keep({"username": USER, "password": password})

    def publish_cluster(self, cluster: RedisCluster) -> None:
        """Publish the way to a cluster whose user has the password in the secret."""
        credentials = self.add_user(cluster, PASSWORD, cluster=True)
        self.publish(cluster.settings(credentials=credentials))

    def client(self, **options: Any) -> ParameterClient:
        """Return the runtime's client."""
        self._clients.append(
            ParameterClient(self.parameter, environment=self.environment, **options)
        )
        return self._clients[-1]


def ask(client: ParameterClient) -> None:
    """Send a command that needs a right, but no record."""
    assert client.execute_command("HGETALL", "shop#none") == []


@contextmanager
def invocation(seconds: float) -> Iterator[None]:
    """Run the block as an invocation with this much time left."""
    token = deadline.start(int(seconds * 1000))
    try:
        yield
    finally:
        deadline.end(token)


def key_at(cluster: RedisCluster, node: int) -> str:
    """Return a new key in a slot of this node."""
    return next(key for key in iter(new_key, "") if cluster.owner(key) == node)


def set_passwords(server: RedisServer | RedisCluster, *passwords: str) -> None:
    """Replace the user's passwords; its connections stay."""
    for node in server.nodes if isinstance(server, RedisCluster) else [server]:
        with node.admin() as admin:
            rules = ["resetpass", *(f">{password}" for password in passwords)]
            admin.execute_command("ACL", "SETUSER", USER, *rules)


class Clocks:
    """Both clocks of the process, standing still until they are moved.

    The pauses of clients created from then on move them, and take no time: an invocation ends after
    the tries that its time allows, however busy the machine is.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slept: list[float] = []
        # Whole seconds, so that sums of them are exact.
        self._epoch, self._monotonic = 1_800_000_000.0, float(math.ceil(time.monotonic()))
        monkeypatch.setattr(time, "time", lambda: self._epoch)
        monkeypatch.setattr(time, "monotonic", lambda: self._monotonic)
        for made, option, value in (
            (LoadedCredentials, "clock", lambda: self._monotonic),
            (Client, "sleep", self.sleep),
            (ParameterClient, "sleep", self.sleep),
        ):
            defaults = made.__init__.__kwdefaults__
            assert defaults is not None
            monkeypatch.setitem(defaults, option, value)

    def advance(self, seconds: float) -> None:
        """Move both clocks."""
        self._epoch += seconds
        self._monotonic += seconds

    def sleep(self, seconds: float) -> None:
        """Sleep without taking time: move the clocks."""
        self.slept.append(seconds)
        self.advance(seconds)


class Load:
    """Calls from several threads, one after another, until it ends."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._end = Event()
        self._calls = [0] * THREADS
        self._pool = ThreadPoolExecutor(THREADS)
        self._threads = [self._pool.submit(self._work, number) for number in range(THREADS)]

    def wait(self) -> None:
        """Wait until each thread has ended some more calls, or one has failed."""
        goals = [calls + 3 for calls in self._calls]

        def all_there() -> bool:
            failed = any(thread.done() for thread in self._threads)
            return failed or all(c >= goal for c, goal in zip(self._calls, goals, strict=True))

        until(all_there, "each thread has ended more calls")

    def end(self) -> None:
        """End the calls, and raise the error of any thread."""
        self._end.set()
        with self._pool:
            for thread in self._threads:
                thread.result()

    def _work(self, number: int) -> None:
        runs: list[str] = []
        events: list[str] = []

        @idempotent(store=self._store, namespace=NAMESPACE, name="handler")
        def handler(event: str, _: None) -> str:
            runs.append(event)
            return event

        while not self._end.is_set():
            events.append(new_key())
            assert handler(events[-1], None) == events[-1]
            assert runs == events
            assert handler(events[-1], None) == events[-1]
            assert runs == events
            self._calls[number] += 1


# What stores are asked ----------------------------------------------------------------------------

ME: Final = "a" * 32
DAY: Final = 24 * 3600 * 1000
DATA: Final = "card 4111"


def claim(key: str, *, owner: str = ME, attempt: int = 1) -> Claim:
    """Return a claim of ours, or of another owner."""
    return Claim(
        key=key,
        owner=owner,
        lease_ms=30_000,
        expires_after_ms=DAY,
        attempt=attempt,
        fingerprint="digest",
        scope="alice",
    )


def completion(key: str, *, data: str | bytes = DATA) -> Completion:
    """Return a completion of ours."""
    return Completion(
        key=key,
        owner=ME,
        attempt=2,
        expires_after_ms=DAY,
        fingerprint="digest",
        data=data,
        encoding="plain",
        scope="alice",
    )


VERBS: Final[dict[str, Callable[[Store, str], Reply]]] = {
    "claim": lambda store, key: store.claim(claim(key)),
    "complete": lambda store, key: store.complete(completion(key)),
    "release": lambda store, key: store.release(key, ME),
    "read": lambda store, key: store.read(key),
}
WRITES: Final = ("claim", "complete")
"""The verbs that need memory, and succeed where there is no record."""
