"""A real Redis server on loopback, and how the subjects find it."""

from __future__ import annotations

import json
import secrets
from typing import Final

from benchmarks.floor_redis import CLAIM, COMPLETE
from benchmarks.workers import Stub
from kit.redis.servers import RedisServer
from lambda_idempotency.contract.redis import SecretsManagerCredentials, access_string

NAMESPACE: Final = "bench"
OURS: Final = "ours"
"""The user for us, who has the documented rights and no others."""
PEERS: Final = "peers"
"""The user for all others, who has every right."""


class RedisPlace:
    """A running server with its users."""

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
        """Tells the stub where the server is; returns the environment that leads there.

        As an attached function has it: a parameter, and a secret that the parameter names. And as
        a function has it that was told everything.
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
