"""Rotation on ElastiCache: ModifyUser, which itself brings the passwords to all nodes.

https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/API_ModifyUser.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ..contract.redis import RedisSettings
from .calls import call
from .connect import Answer, Connect, Login, Node, connect
from .errors import RotationError
from .waiting import Poller

POLL: Final = 2.0
"""Seconds between two checks of the user's status."""


class ElastiCacheStrategy:
    """The strategy for ElastiCache. `client` is boto3's; `user_id` is the id of the user."""

    def __init__(
        self,
        client: Any,
        user_id: str,
        settings: RedisSettings,
        *,
        poller: Poller,
        connect: Connect = connect,
    ) -> None:
        self._client = client
        self._user_id = user_id
        self._settings = settings
        self._poller = poller
        self._connect = connect

    def set_passwords(self, user: str, passwords: Sequence[str]) -> None:
        """Set the user's passwords, and wait until all nodes know them."""
        self._wait(user)  # only an active user can be modified
        self._call(
            "modify_user",
            AuthenticationMode={"Type": "password", "Passwords": list(passwords)},
        )
        self._wait(user)  # active again: all nodes know the passwords

    def log_in(self, user: str, password: str) -> None:
        """Log in on every node of a cluster, or on the one server: the rights of a user of records
        do not include asking a server for its replicas."""
        self._wait(user)
        endpoint = Node(self._settings.host, self._settings.port)
        login = Login(user, password)
        for node in self._try(endpoint, login) - {endpoint}:
            self._try(node, login)

    def _try(self, node: Node, login: Login) -> set[Node]:
        """Run TIME on a node. Return the nodes that it knows, if it is one of a cluster."""
        link = self._connect(self._settings, node, login)
        try:
            link.call("TIME")
            if self._settings.cluster:
                return _nodes(link.call("CLUSTER", "SLOTS"), node)
            return set()
        finally:
            link.close()

    def _wait(self, user: str) -> None:
        self._poller.until(
            lambda: self._is_active(user),
            what=f"ElastiCache user {self._user_id} is active",
            every=POLL,
        )

    def _is_active(self, user: str) -> bool:
        [found] = self._call("describe_users")["Users"]
        if found["UserName"] != user:
            raise RotationError(
                f"ElastiCache user {self._user_id} has the name {found['UserName']}, not {user}, "
                "whose password this function rotates"
            )
        return bool(found["Status"] == "active")

    def _call(self, operation: str, **request: Any) -> Any:
        about = f"ElastiCache user {self._user_id}"
        return call(self._client, operation, about=about, UserId=self._user_id, **request)


def _nodes(slots: Answer, asked: Node) -> set[Node]:
    """Return primaries and replicas. An empty host means the node that was asked.

    https://redis.io/docs/latest/commands/cluster-slots/
    """
    return {
        Node(host or asked.host, int(port))
        for _, _, *members in slots
        for host, port, *_ in members
    }
