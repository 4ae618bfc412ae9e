"""A real Redis cluster on loopback: three primaries, and a replica of the first."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple

import redis
from redis.crc import key_slot

from kit.network.tls import certificates
from kit.redis.servers import HOST, PATIENCE, RedisServer, until
from lambda_idempotency.contract.redis import RedisSettings

SLOTS: Final = 16_384
PRIMARIES: Final = 3
REPLICA: Final = 3
"""The index of the node that starts as the replica of node 0."""
_PATIENT: Final = 2_000
_IMPATIENT: Final = 500
"""Milliseconds."""
_BOUNDS: Final = [SLOTS * part // PRIMARIES for part in range(PRIMARIES + 1)]


class RedisCluster:
    """A cluster whose nodes 0 to 2 share the slots, with node 3 as a replica of node 0.

    Use as a context manager. All nodes have the same admin password. Nothing fails over by itself,
    and a node counts as failed only while they are `impatient`: a busy machine must not look like a
    dead node.
    """

    def __init__(
        self,
        *,
        binary: Path | None = None,
        tls: bool = False,
        aclfile: bool = False,
        config: Sequence[str] = (),
    ) -> None:
        self.admin_password = secrets.token_urlsafe(24)
        self.nodes: list[RedisServer] = []
        self._options: dict[str, Any] = {"binary": binary, "aclfile": aclfile, "tls": tls}
        self._config = [
            f"cluster-node-timeout {_PATIENT}",
            "cluster-replica-no-failover yes",
            # A replica that has missed some writes can still be promoted.
            "cluster-replica-validity-factor 0",
            *config,
        ]
        self._stack = ExitStack()
        self._names: list[str] = []

    def __enter__(self) -> RedisCluster:
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="redis-")))
            # One CA for all: nodes are one another's clients.
            files = certificates(directory, "localhost", HOST) if self._options["tls"] else None
            for _ in range(PRIMARIES + 1):
                node = RedisServer(
                    **self._options,
                    cluster=True,
                    admin_password=self.admin_password,
                    files=files,
                    config=self._config,
                )
                self.nodes.append(stack.enter_context(node))
            self._form()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def settings(self, **overrides: Any) -> RedisSettings:
        """Return settings that connect first to node 0; without credentials, unless given."""
        return self.nodes[0].settings(**overrides)

    def admin(self, node: int, **options: Any) -> redis.Redis:
        """Return a client of one node, with all rights, which follows no redirections. Close it."""
        return self.nodes[node].admin(**options)

    def add_user(self, name: str, password: str, rules: str) -> None:
        """Add a user with these rules on every node: nodes do not tell one another."""
        for node in self.nodes:
            node.add_user(name, password, rules)

    def owner(self, slot: int | str) -> int:
        """Return the node that has the slot, or this key's slot, in the view of each running
        node.
        """
        number = _slot(slot)
        until(lambda: len(set(self._owners(number))) == 1, f"all know the owner of slot {number}")
        return self._owners(number)[0]

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Make nodes treat one that does not answer for half a second as failed."""
        self._set_patience(_IMPATIENT)
        try:
            yield
        finally:
            self._set_patience(_PATIENT)

    def promote_replica(self, how: Literal["", "TAKEOVER"] = "") -> None:
        """Make node 3 the primary of node 0's slots, known to each running node.

        In agreement with node 0, or without it (TAKEOVER).
        https://redis.io/docs/latest/commands/cluster-failover/
        """
        self.ask(REPLICA, "FAILOVER", *([how] if how else []))
        until(lambda: all(map(self._is_promoted, self.running())), "node 3 is a primary")
        until(self.is_ok, "the cluster has settled")

    def migrate_slot(self, slot: int | str, to: int) -> Migration:
        """Begin to move a slot, or this key's slot, to another primary."""
        return Migration(self, _slot(slot), source=self.owner(slot), target=to)

    def name(self, node: int) -> str:
        """Return the name by which a cluster knows its node."""
        return self._names[node]

    def running(self) -> list[int]:
        """Return the running nodes."""
        return [number for number, node in enumerate(self.nodes) if node.running]

    def is_ok(self) -> bool:
        """Tell whether all running nodes agree that the cluster is ok, and on its replicas and
        slots.
        """
        running = self.running()
        states = [self.ask(node, "INFO") for node in running]
        first, *others = [self._view(node) for node in running]
        return all(view == first for view in others) and all(
            "cluster_state:ok" in state and f"cluster_slots_ok:{SLOTS}" in state for state in states
        )

    def ask(self, node: int, *arguments: str | int) -> Any:
        """Return the answer of a node to a CLUSTER command, as text."""
        with self.admin(node, decode_responses=True) as admin:
            return admin.execute_command("CLUSTER", *arguments)

    def _set_patience(self, milliseconds: int) -> None:
        for node in self.running():
            with self.admin(node) as admin:
                admin.config_set("cluster-node-timeout", milliseconds)

    def _form(self) -> None:
        self._names = [self.ask(node, "MYID") for node in range(len(self.nodes))]
        for node, (first, end) in enumerate(pairwise(_BOUNDS)):
            self.ask(node, "ADDSLOTS", *range(first, end))
            self.ask(node, "SET-CONFIG-EPOCH", node + 1)
        for server in self.nodes[1:]:
            self.ask(0, "MEET", server.host, server.port)
        until(self._all_met, "all nodes know each other")
        self.ask(REPLICA, "REPLICATE", self._names[0])
        until(self.nodes[REPLICA].in_sync, "the replica has the data of its primary")
        until(self.is_ok, "the cluster is ok")

    def _all_met(self) -> bool:
        return all(len(self._view(node)) == len(self.nodes) for node in self.running())

    def _view(self, node: int) -> dict[int, _Role]:
        """Return a node's view of the running nodes. CLUSTER SLOTS would hide a replica without
        data.

        https://redis.io/docs/latest/commands/cluster-nodes/
        """
        seen = {}
        for line in self.ask(node, "NODES").splitlines():
            name, _, flags, primary, _, _, _, _, *slots = line.split()
            if name in self._names and (number := self._names.index(name)) in self.running():
                # Slots on their way are in brackets, and still have their owner beside that.
                ranges = sorted(slot for slot in slots if not slot.startswith("["))
                seen[number] = _Role("master" in flags.split(","), primary, tuple(ranges))
        return seen

    def _owners(self, slot: int) -> list[int]:
        """Return the owner of a slot in the view of each running node; -1 for none that runs."""
        return [
            next((node for node, role in self._view(viewer).items() if role.has(slot)), -1)
            for viewer in self.running()
        ]

    def _is_promoted(self, viewer: int) -> bool:
        view = self._view(viewer)
        return view[REPLICA].is_primary and not (0 in view and view[0].is_primary)


class _Role(NamedTuple):
    is_primary: bool
    primary: str
    ranges: tuple[str, ...]

    def has(self, slot: int) -> bool:
        bounds = [[int(bound) for bound in slots.split("-")] for slots in self.ranges]
        return any(ends[0] <= slot <= ends[-1] for ends in bounds)


class Migration:
    """A slot on its way: both nodes know of it from the start, and none of its keys has moved.

    https://redis.io/docs/latest/commands/cluster-setslot/
    """

    def __init__(self, cluster: RedisCluster, slot: int, *, source: int, target: int) -> None:
        self.slot = slot
        self.source = source
        self.target = target
        self._cluster = cluster
        cluster.ask(target, "SETSLOT", slot, "IMPORTING", cluster.name(source))
        cluster.ask(source, "SETSLOT", slot, "MIGRATING", cluster.name(target))

    def keys(self) -> list[bytes]:
        """Return the keys that are still at the source."""
        with self._cluster.admin(self.source) as admin:
            found: list[bytes] = admin.execute_command(
                "CLUSTER", "GETKEYSINSLOT", self.slot, 1_000_000
            )
        return found

    def move(self, *keys: str | bytes) -> None:
        """Move these keys, or all of the slot."""
        if not (moving := keys or tuple(self.keys())):
            return
        target = self._cluster.nodes[self.target]
        where = (target.host, target.port, "", 0, round(PATIENCE * 1000))
        how = ("AUTH2", "default", target.admin_password, "KEYS", *moving)
        with self._cluster.admin(self.source) as admin:
            admin.execute_command("MIGRATE", *where, *how)

    def finish(self) -> None:
        """Move the rest and give the slot to the target, until every node knows it."""
        self.move()
        for node in (self.target, self.source):
            self._cluster.ask(node, "SETSLOT", self.slot, "NODE", self._cluster.name(self.target))
        until(lambda: self._cluster.owner(self.slot) == self.target, "all know the new owner")
        until(self._cluster.is_ok, "the cluster has settled")


def _slot(slot: int | str) -> int:
    return slot if isinstance(slot, int) else key_slot(slot.encode())
