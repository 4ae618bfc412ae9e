"""Real Redis servers on loopback: never open to everybody, each in a directory of its own."""

from __future__ import annotations

import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kit.network import processes
from kit.network.loopback import free_pair
from kit.network.processes import Server, free_port
from kit.network.tls import Certificates, TlsFront, certificates
from kit.redis.binaries import has_tls, server_binary
from lambda_idempotency.contract.redis import RedisSettings

HOST: Final = "127.0.0.1"
PATIENCE: Final = 30.0
"""Seconds after which a test that waits for a server has failed."""
BUS: Final = 10_000
"""The distance of a cluster node's bus port from its port."""


def until(condition: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
    """Wait for a condition. A connection that fails meanwhile counts as not yet."""
    processes.until(lambda: _holds(condition), what, seconds=seconds)


def connect(port: int, **options: Any) -> redis.Redis:
    """Return a client of a loopback port, without retries. Close it."""
    return redis.Redis(
        host=HOST,
        port=port,
        protocol=2,
        driver_info=None,
        retry=Retry(NoBackoff(), 0),
        **options,
    )


class RedisServer:
    """One server with no data.

    Use as a context manager; it has its ports once it has started. The user "default" has all
    rights and a random password. `port` speaks TLS if `tls` is set; `plain_port` never does, and is
    where `admin` connects. Users survive a restart only with `aclfile`; data never does. `files`
    are the certificates, if several servers share them.
    """

    def __init__(
        self,
        *,
        binary: Path | None = None,
        tls: bool = False,
        aclfile: bool = False,
        cluster: bool = False,
        replica_of: RedisServer | None = None,
        admin_password: str | None = None,
        files: Certificates | None = None,
        config: Sequence[str] = (),
    ) -> None:
        self.binary = server_binary() if binary is None else binary
        assert not (cluster and tls) or has_tls(self.binary), "a cluster has TLS itself or none"
        self.tls = tls
        self.cluster = cluster
        self._aclfile = aclfile
        self._replica_of = replica_of
        self._more = config
        self.admin_password = admin_password or secrets.token_urlsafe(24)
        self.host = HOST
        self.port = self.plain_port = 0
        self._directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self._server: Server | None = None
        self._paused = False
        self._front: TlsFront | None = None
        self._files = files

    def __enter__(self) -> RedisServer:
        try:
            self._first_start()
        except BaseException:
            self._clean_up()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._clean_up()

    @property
    def ca(self) -> str | None:
        """The PEM text of the CA to trust; None without TLS."""
        return None if self._files is None else self._files.ca.read_text()

    @property
    def running(self) -> bool:
        """Tell whether it has been started, and neither ended nor paused since."""
        return self._server is not None and not self._paused

    def admin(self, **options: Any) -> redis.Redis:
        """Return a client with all rights, over plain TCP and without retries. Close it."""
        chosen = {"socket_timeout": PATIENCE, "password": self.admin_password, **options}
        return connect(self.plain_port, **chosen)

    def settings(self, **overrides: Any) -> RedisSettings:
        """Return settings that connect to it; without credentials, unless given."""
        mine = RedisSettings(
            host=self.host, port=self.port, tls=self.tls, cluster=self.cluster, ca=self.ca
        )
        return mine._replace(**overrides)

    def add_user(self, name: str, password: str, rules: str) -> None:
        """Return a user with these rules and no others, such as those of `access_string`."""
        with self.admin() as admin:
            admin.execute_command("ACL", "SETUSER", name, "reset", f">{password}", *rules.split())
            if self._aclfile:
                admin.execute_command("ACL", "SAVE")

    def start(self) -> None:
        """Start it again, on the ports that it had."""
        assert self._server is None, "it runs"
        self._server = Server(
            [str(self.binary), str(self._directory / "redis.conf")],
            log=self._directory / "redis.log",
            ready=lambda: _holds(self._answers),
        )
        if self._files is not None and not has_tls(self.binary):
            self._front = TlsFront(self.plain_port, self._files, port=self.port).__enter__()
        if self._replica_of is not None:
            until(self.in_sync, "the replica has the data of its primary")

    def stop(self) -> None:
        """Shut it down in good order."""
        if self._server is not None:
            self.resume()
            self._server.stop()
            self._server = None
        if self._front is not None:
            self._front.__exit__(None, None, None)
            self._front = None

    def kill(self) -> None:
        """Kill it, without a chance to do anything."""
        if self._server is not None:
            self._server.send(signal.SIGKILL)
        self.stop()

    def restart(self) -> None:
        """Start a new process on the same ports."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Pause it: it keeps its connections, accepts new ones and answers nothing until
        `resume`.
        """
        assert self._server is not None, "it does not run"
        self._server.send(signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """End a `pause`."""
        assert self._server is not None, "it does not run"
        self._server.send(signal.SIGCONT)
        self._paused = False

    def in_sync(self) -> bool:
        """Tell whether it is a replica that has the data of its primary."""
        with self.admin() as admin:
            return bool(admin.info("replication").get("master_link_status") == "up")

    def _first_start(self) -> None:
        if self.tls and self._files is None:
            self._files = certificates(self._directory, "localhost", HOST)
        for attempts_left in (2, 1, 0):
            self.port = free_pair(apart=BUS) if self.cluster else free_port()
            self.plain_port = free_port() if self.tls else self.port
            (self._directory / "redis.conf").write_text("\n".join(self._config()))
            try:
                self.start()
            except (RuntimeError, OSError) as error:
                self.kill()
                # Another process took the port between its choice and its use.
                if "in use" not in str(error) or not attempts_left:
                    raise
            else:
                return

    def _config(self) -> list[str]:
        lines = [
            f"bind {HOST}",
            f"port {self.plain_port}",
            f"dir {self._directory}",
            'save ""',
            "appendonly no",
            "repl-diskless-sync-delay 0",
            f"masterauth {(self._replica_of or self).admin_password}",
        ]
        if self._aclfile:
            acl = self._directory / "users.acl"
            acl.write_text(f"user default on >{self.admin_password} ~* &* +@all\n")
            lines.append(f"aclfile {acl}")
        else:
            lines.append(f"requirepass {self.admin_password}")
        if self._replica_of is not None:
            lines.append(f"replicaof {HOST} {self._replica_of.plain_port}")
        if self.cluster:
            lines += ["cluster-enabled yes", f"cluster-announce-ip {HOST}"]
        if self._files is not None and has_tls(self.binary):
            lines += [
                f"tls-port {self.port}",
                f"tls-cert-file {self._files.certificate}",
                f"tls-key-file {self._files.key}",
                f"tls-ca-cert-file {self._files.ca}",
                "tls-auth-clients no",
                *(["tls-cluster yes", "tls-replication yes"] if self.cluster else []),
            ]
        return [*lines, *self._more, ""]

    def _answers(self) -> object:
        with self.admin(socket_timeout=1) as client:
            return client.ping()

    def _clean_up(self) -> None:
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)


def _holds(condition: Callable[[], object]) -> bool:
    try:
        return bool(condition())
    except (redis.ConnectionError, redis.TimeoutError):
        return False
