"""Losses that Redis cannot rule out: each is brought about, beside what prevents it.

A call whose record is forgotten runs again when it is repeated; docs/redis.md says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import redis

from kit.redis.servers import RedisServer, until
from lambda_idempotency import RedisStore, idempotent
from simulation.storm.troubles import DURABLE


class Charges:
    """A handler on a server, and how often it ran for each payment."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self.ran: list[int] = []

    def charge(self, payment: int) -> int:
        """Make one call, as from a new environment, and return the number of its run."""
        with self._server.admin() as client:
            handler = idempotent(store=RedisStore(client), namespace="shop")(self._run)
            answer: int = handler({"payment": payment}, None)
            return answer

    def on(self, server: RedisServer) -> None:
        """Use another server from now on."""
        self._server = server

    def _run(self, event: dict[str, int], context: object) -> int:
        self.ran.append(event["payment"])
        return len(self.ran)


@contextmanager
def _pair() -> Iterator[tuple[RedisServer, RedisServer]]:
    with RedisServer() as primary:
        password = primary.admin_password
        with RedisServer(replica_of=primary, admin_password=password) as replica:
            yield primary, replica


def _promote(replica: RedisServer) -> None:
    with replica.admin() as admin:
        admin.execute_command("REPLICAOF", "NO", "ONE")


# Failover -----------------------------------------------------------------------------------------


def test_a_failover_forgets_what_the_replica_has_not_got() -> None:
    with _pair() as (primary, replica):
        charges = Charges(primary)
        replica.pause()
        with primary.admin() as admin:
            admin.execute_command("CLIENT", "KILL", "TYPE", "replica")
        assert charges.charge(1) == 1  # acknowledged by the primary alone
        primary.kill()
        replica.resume()
        _promote(replica)
        charges.on(replica)
        assert charges.charge(1) == 2
        assert charges.ran == [1, 1]


def test_a_failover_keeps_what_the_replica_has_got() -> None:
    with _pair() as (primary, replica):
        charges = Charges(primary)
        charges.charge(1)
        with primary.admin() as admin:
            until(lambda: _has_all(primary, replica), "the replica has the record")
            assert admin.dbsize() == 1
        primary.kill()
        _promote(replica)
        charges.on(replica)
        assert charges.charge(1) == 1
        assert charges.ran == [1]


def test_a_primary_that_demands_a_replica_refuses_to_run_alone() -> None:
    with _pair() as (primary, replica):
        with primary.admin() as admin:
            admin.config_set("min-replicas-to-write", 1)
            replica.kill()
            until(lambda: _is_alone(primary), "the primary is alone")
        charges = Charges(primary)
        with pytest.raises(Exception, match="fewer replicas than it demands"):
            charges.charge(1)
        assert charges.ran == []


def _has_all(primary: RedisServer, replica: RedisServer) -> bool:
    with primary.admin() as one, replica.admin() as other:
        offset = one.info("replication")["master_repl_offset"]
        return bool(other.info("replication")["slave_repl_offset"] >= offset)


def _is_alone(primary: RedisServer) -> bool:
    with primary.admin() as admin:
        return bool(admin.info("replication")["connected_slaves"] == 0)


# Eviction -----------------------------------------------------------------------------------------


def _fill(server: RedisServer) -> None:
    """Fill the server with keys that never expire, then give it room again."""
    with server.admin() as admin:
        admin.config_set("maxmemory", admin.info("memory")["used_memory"] + 1_000_000)
        with suppress(redis.OutOfMemoryError):
            for number in range(1000):
                admin.set(f"other {number}", "x" * 10_000)
            pytest.fail("it takes more than its memory")
        admin.config_set("maxmemory", 0)


def test_a_server_that_evicts_forgets_answers() -> None:
    with RedisServer(config=("maxmemory-policy volatile-lru",)) as server:
        charges = Charges(server)
        charges.charge(1)
        _fill(server)
        assert charges.charge(1) == 2
        assert charges.ran == [1, 1]


def test_a_server_that_evicts_nothing_keeps_answers() -> None:
    with RedisServer(config=("maxmemory-policy noeviction",)) as server:
        charges = Charges(server)
        charges.charge(1)
        _fill(server)
        assert charges.charge(1) == 1
        assert charges.ran == [1]


# Restart ------------------------------------------------------------------------------------------


def test_a_restart_without_a_file_forgets_everything() -> None:
    with RedisServer() as server:
        charges = Charges(server)
        charges.charge(1)
        server.restart()
        assert charges.charge(1) == 2


def test_a_restart_with_an_append_only_file_forgets_nothing() -> None:
    with RedisServer(config=DURABLE) as server:
        charges = Charges(server)
        charges.charge(1)
        server.restart()
        assert charges.charge(1) == 1
        assert charges.ran == [1]
