"""The servers of a run: the AWS stub and Redis, over TLS too, and the variables that lead to them.

Redis's traffic is counted by a relay in front of it; the stub counts its own.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import select
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

import botocore

from benchmarks.floor import CLAIM, COMPLETE
from benchmarks.workers import lambda_environment
from kit.aws.local import ROOT
from kit.network.loopback import LoopbackServer
from kit.network.processes import Server, free_port, listens
from kit.network.tls import Certificates, certificates
from kit.redis.servers import RedisServer
from lambda_idempotency.contract.redis import SecretsManagerCredentials, access_string

AWS_HOST: Final = "dynamodb.us-east-1.amazonaws.com"
NAMESPACE: Final = "bench"
_REAL_ROOTS: Final = Path(botocore.__file__).parent / "cacert.pem"
OURS: Final = "ours"
"""The Redis user of this library, who has the documented rights and no others."""
PEERS: Final = "peers"
"""The Redis user of all others, who has every right."""


class Counter(Protocol):
    """A counter at the socket."""

    def counts(self) -> dict[str, int]:
        """Return the `requests` so far, and the bytes `received` from clients and `sent`."""
        ...


class Stub:
    """The process of `stub_aws`. Use as a context manager; it is ready when it is made."""

    def __init__(self, *, files: Certificates | None = None) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="bench-stub-")
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        options = [] if files is None else [str(files.certificate), str(files.key)]
        path = f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
        self._server = Server(
            [sys.executable, "-m", "benchmarks.stub_aws", str(self.port), *options],
            log=Path(self._directory.name) / "stub.log",
            ready=lambda: listens(self.port),
            environment={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self) -> Stub:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop()
        self._directory.cleanup()

    def counts(self) -> dict[str, int]:
        """Return the `requests` so far, and the bytes `received` from clients and `sent`."""
        return self._ask("Stub.Counts", {})

    def keep(self, name: str, text: str) -> None:
        """Store a text as the parameter and the secret of this name."""
        self._ask("Stub.Keep", {"Name": name, "Text": text})

    def _ask(self, target: str, parameters: dict[str, str]) -> dict[str, int]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", "/", json.dumps(parameters), {"X-Amz-Target": target})
        found: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return found


class Redis:
    """A real Redis server on loopback, with its users and with the floor's scripts."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        self._passwords = {user: secrets.token_urlsafe(24) for user in (OURS, PEERS)}
        rules = {OURS: access_string([NAMESPACE], cluster=False), PEERS: "on ~* &* +@all"}
        for user, password in self._passwords.items():
            server.add_user(user, password, rules[user])
        with server.admin() as admin:
            for script in (CLAIM, COMPLETE):
                admin.script_load(script)
            self.version = str(admin.info("server")["redis_version"])

    def variables(
        self, stub: Stub, *, port: int | None = None, tls: bool = False
    ) -> dict[str, str]:
        """Store the server's settings in the stub, and return the variables that lead to them.

        An attached function has a parameter, which names a secret; a function with its settings in
        code has `BENCH_REDIS`.
        """
        if port is None:
            port = self.server.port if tls else self.server.plain_port
        parameter = f"/bench/{port}"
        names = {user: f"bench-{port}-{user}" for user in self._passwords}
        settings = self.server.settings(
            port=port, tls=tls, ca=None, credentials=SecretsManagerCredentials(names[OURS])
        )
        stub.keep(parameter, json.dumps(settings.to_document()))
        logins = {
            user: {"username": user, "password": password}
            for user, password in self._passwords.items()
        }
        for user, login in logins.items():
            stub.keep(names[user], json.dumps(login))
        scheme = "rediss" if tls else "redis"
        address = f"{settings.host}:{port}"
        return {
            "IDEMPOTENCY_STORE": "redis",
            "IDEMPOTENCY_PARAMETER": parameter,
            "IDEMPOTENCY_NAMESPACE": NAMESPACE,
            "BENCH_PARAMETER": parameter,
            "BENCH_SECRET": names[PEERS],
            "BENCH_URL": f"{scheme}://{PEERS}:{self._passwords[PEERS]}@{address}/0",
            "BENCH_REDIS": json.dumps(
                {"host": settings.host, "port": port, "ssl": tls, **logins[PEERS]}
            ),
        }


class Relay(LoopbackServer):
    """A relay that passes bytes on to the loopback port `upstream`, and counts them.

    A round trip is whatever the client sends until it is answered: commands that travel together
    are one.
    """

    def __init__(self, upstream: int) -> None:
        super().__init__()
        self._upstream = upstream
        self._counting = threading.Lock()
        self._counts = {"requests": 0, "received": 0, "sent": 0}

    def counts(self) -> dict[str, int]:
        """Return the `requests` so far, and the bytes `received` from clients and `sent`."""
        with self._counting:
            return dict(self._counts)

    def serve(self, connection: socket.socket) -> None:
        server = self.connect(self._upstream)
        try:
            self._pass_on(connection, server)
        finally:
            self.close(server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        asked = False
        while True:
            readable = select.select([client, server], [], [])[0]
            source = server if server in readable else client
            if not (passed := source.recv(65_536)):
                return
            with self._counting:
                if source is client:
                    self._counts["requests"] += not asked
                    self._counts["received"] += len(passed)
                else:
                    self._counts["sent"] += len(passed)
            asked = source is client
            (server if source is client else client).sendall(passed)


@dataclass(frozen=True, kw_only=True)
class Servers:
    """The servers, and the variables that lead to them, by the name of the environment."""

    stub: Stub
    redis: Redis
    variables: Mapping[str, dict[str, str]]

    def through(self, relay: Relay) -> dict[str, str]:
        """Return the variables that lead to Redis through a relay."""
        return {**self.variables["redis"], **self.redis.variables(self.stub, port=relay.port)}


def running(stack: ExitStack, directory: Path) -> Servers:
    """Start the servers, which end with `stack`.

    Over TLS their certificate is one of a CA that stands in a bundle of real roots.
    """
    files = certificates(directory, "127.0.0.1", AWS_HOST)
    bundle = directory / "bundle.pem"
    bundle.write_text(f"{_REAL_ROOTS.read_text()}\n{files.ca.read_text()}")
    stub = stack.enter_context(Stub())
    secured = stack.enter_context(Stub(files=files))
    redis = Redis(stack.enter_context(RedisServer(tls=True, files=files)))
    aws = lambda_environment(stub.endpoint)
    trusting = {"SSL_CERT_FILE": str(bundle), "BENCH_BUNDLE": str(bundle), **_root(files.ca)}
    variables = {
        "dynamodb": aws,
        "dynamodb-tls": {
            **lambda_environment(None),
            **trusting,
            "BENCH_PORT": str(secured.port),
        },
        "redis": {**aws, **redis.variables(stub)},
        "redis-tls": {**aws, **trusting, **redis.variables(stub, tls=True)},
    }
    return Servers(stub=stub, redis=redis, variables=variables)


def _root(ca: Path) -> dict[str, str]:
    """Return what a table of shipped roots says of a root, and its file."""
    pem = ca.read_text()
    fingerprint = sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    return {
        "BENCH_CA": str(ca),
        "BENCH_ROOT": json.dumps({"fingerprint": fingerprint, "begins": pem.splitlines()[1]}),
    }
