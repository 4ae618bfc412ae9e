"""Every outside call of a rotation, counted, so that a test can act between any two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lambda_idempotency.contract.redis import RedisSettings
from lambda_idempotency.rotation.connect import Answer, Link, Login, Node, connect


class Killed(BaseException):
    """The end of a function's process, as far as the function can tell."""


def kill() -> None:
    """Kill the function; an action for `Calls.after`."""
    raise Killed


class Calls:
    """The calls to AWS and to nodes, by name, in their order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.nodes: list[Node] = []
        """The nodes of the connections."""
        self.commands: list[tuple[str, ...]] = []
        """The commands sent to nodes, except AUTH."""
        self._actions: dict[int, Callable[[], None]] = {}
        self._first: dict[str, Callable[[], None]] = {}
        self._everywhere: Callable[[], None] | None = None

    def after(self, number: int, action: Callable[[], None]) -> None:
        """Act once the call of this number, from 1, has taken effect."""
        self._actions[number] = action

    def after_first(self, name: str, action: Callable[[], None]) -> None:
        """Act once the first call of this name has taken effect."""
        self._first[name] = action

    def after_each(self, action: Callable[[], None]) -> None:
        """Act after every call."""
        self._everywhere = action

    def client(self, client: Any) -> Any:
        """Return the client, counted."""
        return _CountedClient(self, client)

    def connect(self, settings: RedisSettings, node: Node, login: Login) -> Link:
        """Return a counted link."""
        self.nodes.append(node)
        return _CountedLink(self, self.made("connect", lambda: connect(settings, node, login)))

    def made(self, name: str, act: Callable[[], Any]) -> Any:
        """Make a call."""
        result = act()
        self.names.append(name)
        for action in (self._actions.pop(len(self.names), None), self._first.pop(name, None)):
            if action is not None:
                action()
        if self._everywhere is not None:
            self._everywhere()
        return result


class _CountedClient:
    def __init__(self, calls: Calls, client: Any) -> None:
        self._calls = calls
        self._client = client

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        act = getattr(self._client, operation)
        return lambda **request: self._calls.made(operation, lambda: act(**request))


class _CountedLink:
    def __init__(self, calls: Calls, link: Link) -> None:
        self._calls = calls
        self._link = link
        self.node = link.node

    def call(self, *command: str) -> Answer:
        self._calls.commands.append(command)
        name = " ".join(command[:2])
        return self._calls.made(name, lambda: self._link.call(*command))

    def close(self) -> None:
        self._link.close()
