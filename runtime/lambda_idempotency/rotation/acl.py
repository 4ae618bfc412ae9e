"""Rotation on any Redis or Valkey server: ACL SETUSER on every node.

Each node keeps its own users; replication and the cluster bus do not carry them
(https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/). So the strategy asks
the nodes for each other, and changes each one by itself, also replicas: one may be promoted.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from ..contract.redis import RedisSettings
from .connect import Connect, Link, Login, Node, ReplyError, connect
from .errors import RotationError

_LOG: Final = logging.getLogger("lambda_idempotency.rotation")

ADMIN_COMMANDS: Final = ("acl|getuser", "acl|setuser", "acl|save", "info")
"""The commands that the administrator needs, besides AUTH; no keys and no channels."""

ADMIN_CLUSTER_COMMANDS: Final = ("acl|getuser", "acl|setuser", "acl|save", "cluster|nodes")
"""The commands that the administrator needs where `cluster` is set."""

_MAX_HOPS: Final = 8


class AclStrategy:
    """The strategy for servers whose ACLs the user `admin` may change."""

    def __init__(
        self, settings: RedisSettings, admin: Login, *, connect: Connect = connect
    ) -> None:
        self._settings = settings
        self._admin = admin
        self._connect = connect

    def set_passwords(self, user: str, passwords: Sequence[str]) -> None:
        """Set the user's passwords on every node."""
        if user == self._admin.user:
            raise RotationError(
                f"User {user} cannot rotate its own password: name another administrator, whose "
                "secret stays valid"
            )
        # Send hashes: MONITOR, the slow log and error texts show what is sent.
        hashes = [f"#{hashlib.sha256(password.encode()).hexdigest()}" for password in passwords]
        with self._nodes() as links:
            for link in links:  # check all nodes before anything changes
                _demand_user(link, user)
            for link in links:
                link.call("ACL", "SETUSER", user, "resetpass", *hashes)
                _save(link)

    def log_in(self, user: str, password: str) -> None:
        """Log in on every node and run TIME, a command that the user may run anyway."""
        with self._nodes() as links:
            nodes = [link.node for link in links]
        for node in nodes:
            with ExitStack() as stack:
                self._link(stack, node, Login(user, password)).call("TIME")

    @contextmanager
    def _nodes(self) -> Iterator[list[Link]]:
        """Open links to every node, as the administrator."""
        with ExitStack() as stack:
            first = self._link(stack, Node(self._settings.host, self._settings.port), self._admin)
            if self._settings.cluster:
                yield self._members(stack, first)
            else:
                yield self._replicas(stack, self._primary(stack, first))

    def _members(self, stack: ExitStack, first: Link) -> list[Link]:
        """Return links to the cluster's nodes; failed ones get their users when they return."""
        nodes = _members(first.call("CLUSTER", "NODES"), first.node, tls=self._settings.tls)
        return [self._link(stack, node, self._admin) for node in nodes]

    def _primary(self, stack: ExitStack, first: Link) -> Link:
        """Return a link to the primary that this server follows, or to the server itself."""
        link = first
        for _ in range(_MAX_HOPS):
            known = _replication(link)
            if known["role"] == "master":
                return link
            node = Node(known["master_host"], int(known["master_port"]))
            link = self._link(stack, node, self._admin)
        raise RotationError(f"Redis node {first.node} is a replica, and its primary is not found")

    def _replicas(self, stack: ExitStack, primary: Link) -> list[Link]:
        """Return links to the primary, its replicas, and their replicas."""
        found: dict[Node, Link] = {primary.node: primary}
        queue = deque([primary])
        while queue:
            for name, value in _replication(queue.popleft()).items():
                if name.startswith("slave") and name[len("slave") :].isdecimal():
                    fields = dict(field.split("=", 1) for field in value.split(","))
                    node = Node(fields["ip"], int(fields["port"]))
                    if node not in found:
                        found[node] = self._link(stack, node, self._admin)
                        queue.append(found[node])
        return list(found.values())

    def _link(self, stack: ExitStack, node: Node, login: Login) -> Link:
        link = self._connect(self._settings, node, login)
        stack.callback(link.close)
        return link


def _replication(link: Link) -> dict[str, str]:
    """Return the fields of INFO replication (https://redis.io/docs/latest/commands/info/)."""
    lines = str(link.call("INFO", "replication")).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _members(text: str, asked: Node, *, tls: bool) -> list[Node]:
    """Return the reachable nodes (https://redis.io/docs/latest/commands/cluster-nodes/).

    Certificates hold names, so with TLS an announced name takes precedence over the address.
    """
    nodes = []
    for line in text.splitlines():
        _, address, flags, *_ = line.split(" ")
        if {"fail", "noaddr", "handshake"} & set(flags.split(",")):
            continue
        endpoint, _, names = address.partition("@")
        ip, _, port = endpoint.rpartition(":")
        _, _, name = names.partition(",")
        host = name.partition(",")[0] if tls else ""
        nodes.append(Node(host or ip or asked.host, int(port)))
    return nodes


def _demand_user(link: Link, user: str) -> None:
    """Raise `RotationError` if the user does not exist: SETUSER would create one without rights."""
    if link.call("ACL", "GETUSER", user) is None:
        raise RotationError(
            f"User {user} does not exist on Redis node {link.node}: each node keeps its own users, "
            "and they are never replicated. Create it there, with the rules it has on the others"
        )


def _save(link: Link) -> None:
    """Save the users to the ACL file, if the server has one."""
    try:
        link.call("ACL", "SAVE")
    except ReplyError as error:
        if "not configured to use an ACL file" not in error.words:
            raise
        _LOG.info(
            "Redis node %s has no ACL file: after a restart it has the passwords of its "
            "configuration again",
            link.node,
        )
