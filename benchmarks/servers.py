"""The servers of a run: the AWS stub and Redis, over TLS too, and the variables that lead to them.

Redis's traffic is counted by a relay in front of it; the stub counts its own.
"""

from __future__ import annotations

import http.client
import json
import secrets
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from benchmarks.floor import CLAIM, COMPLETE
from benchmarks.workers import copy_packages, lambda_environment, python_path
from kit.network.loopback import LoopbackServer
from kit.network.processes import Server, free_port, listens
from kit.redis.servers import RedisServer
from lambda_idempotency.contract.redis import SecretsManagerCredentials, access_string

NAMESPACE: Final = "bench"
OURS: Final = "ours"
"""The Redis user of this library, who has the documented rights and no others."""
PEERS: Final = "peers"
"""The Redis user of all others, who has every right."""


class Counter(Protocol):
    """A counter at the socket."""

    def counts(self) -> dict[str, int]:
        """Return the `requests` so far, and the bytes `received` from clients and `sent`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Packages, compiled and without .pyc, and the variables that lead to one store.

    `tls` leads to it over TLS; None if no certificate can be made.
    """

    compiled: Path
    bare: Path
    plain: dict[str, str]
    tls: dict[str, str] | None


class Stub:
    """The process of `stub_aws`. Use as a context manager; it is ready when it is made."""

    def __init__(self, *, certificate: Path | None = None) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="bench-stub-")
        self._port = free_port()
        self._certificate = certificate
        scheme = "http" if certificate is None else "https"
        self.endpoint = f"{scheme}://127.0.0.1:{self._port}"
        options = [] if certificate is None else [str(certificate)]
        self._server = Server(
            [sys.executable, "-m", "benchmarks.stub_aws", str(self._port), *options],
            log=Path(self._directory.name) / "stub.log",
            ready=lambda: listens(self._port),
            environment={**lambda_environment(self.endpoint), "PYTHONPATH": python_path()},
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

    def fill(self, number: int) -> None:
        """Store so many completed records of other callers."""
        self._ask("Stub.Fill", {"Number": str(number)})

    def _ask(self, target: str, parameters: dict[str, str]) -> dict[str, int]:
        connection = self._connection()
        connection.request("POST", "/", json.dumps(parameters), {"X-Amz-Target": target})
        found: dict[str, int] = json.loads(connection.getresponse().read())
        connection.close()
        return found

    def _connection(self) -> http.client.HTTPConnection:
        if self._certificate is None:
            return http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        context = ssl.create_default_context(cafile=self._certificate)
        return http.client.HTTPSConnection("127.0.0.1", self._port, timeout=10, context=context)


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
        return {
            "IDEMPOTENCY_STORE": "redis",
            "IDEMPOTENCY_PARAMETER": parameter,
            "IDEMPOTENCY_NAMESPACE": NAMESPACE,
            "BENCH_PARAMETER": parameter,
            "BENCH_SECRET": names[PEERS],
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
    """The stub and Redis, and the environments of the processes that use them."""

    stub: Stub
    redis_server: Redis
    dynamodb: Environment
    redis: Environment


def running(stack: ExitStack, directory: Path) -> Servers:
    """Start the servers, which end with `stack`, and copy the packages into `directory`."""
    compiled = copy_packages(directory / "compiled")
    bare = copy_packages(directory / "bare", compiled=False)
    stub = stack.enter_context(Stub())
    redis = Redis(stack.enter_context(RedisServer(tls=True)))
    aws = lambda_environment(stub.endpoint)
    tls = _over_tls(stack, redis, compiled, directory)
    return Servers(
        stub=stub,
        redis_server=redis,
        dynamodb=Environment(compiled=compiled, bare=bare, plain=aws, tls=tls and tls[0]),
        redis=Environment(
            compiled=compiled,
            bare=bare,
            plain={**aws, **redis.variables(stub)},
            tls=tls and tls[1],
        ),
    )


def _over_tls(
    stack: ExitStack, redis: Redis, packages: Path, directory: Path
) -> tuple[dict[str, str], dict[str, str]] | None:
    """Return the variables for DynamoDB and for Redis; None if no certificate can be made."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    key, certificate = directory / "server.pem", directory / "certificate.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    subprocess.run(
        [
            *(openssl, *options.split(), "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    key.write_text(key.read_text() + certificate.read_text())
    stub = stack.enter_context(Stub(certificate=key))
    # As many authorities as a real client loads, and those of these servers.
    assert redis.server.ca is not None
    real = (packages / "botocore" / "cacert.pem").read_text()
    trusted = directory / "bundle.pem"
    trusted.write_text(f"{real}\n{certificate.read_text()}\n{redis.server.ca}")
    aws = {**lambda_environment(stub.endpoint), "AWS_CA_BUNDLE": str(trusted)}
    # Redis clients use the system's authorities, which this variable replaces.
    return aws, {**aws, "SSL_CERT_FILE": str(trusted), **redis.variables(stub, tls=True)}
