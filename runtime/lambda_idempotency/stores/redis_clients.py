"""The clients that a `RedisStore` may have: the runtime's own, and those of redis-py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from ..clients.net.waiting import Waits
from ..errors import ConfigurationError

Command: TypeAlias = Sequence[Any]
Ask: TypeAlias = Callable[[Sequence[Command], Waits], Awaitable[list[Any]]]
"""A function that sends commands, together if it can, and returns the answer to each, as bytes.

An exception stands in place of an answer. What it raises is the answer to all.
"""


def is_own(client: Any) -> bool:
    """Tell whether the client is the runtime's own, which can wait on an event loop."""
    return hasattr(client, "execute_all")


def ask_of(client: Any) -> Ask:
    """Return how to ask a client. Raises `ConfigurationError` where it is something else."""
    own: Ask | None = client.ask if is_own(client) else None
    return _of_redis_py(client) if own is None else own


def _of_redis_py(client: Any) -> Ask:
    from inspect import iscoroutinefunction

    from ..clients.net.brought import Brought  # few functions bring a client
    from .redis_py_limits import longest_s

    execute = getattr(client, "execute_command", None)
    if not callable(execute) or iscoroutinefunction(execute):
        kind = type(client)
        raise ConfigurationError(
            f"client is a {kind.__module__}.{kind.__qualname__}; expected a URL, such as "
            "redis://HOST:6379, RedisSettings, or a client of redis-py that is not asynchronous"
        )
    # The pipelines of a cluster client do not follow a key that moves to another node.
    pipelines = None if hasattr(client, "nodes_manager") else getattr(client, "pipeline", None)

    if (longest := longest_s(client)) is None:
        brought = Brought()  # redis-py itself notices a fork
    else:
        close_idle = partial(client.connection_pool.disconnect, inuse_connections=False)
        brought = Brought(close_idle, longest_s=longest)

    def answers(commands: Sequence[Command]) -> list[Any]:
        if len(commands) == 1:
            return [execute(*commands[0], **_AS_BYTES)]
        if pipelines is None:
            return [_executed(execute, command) for command in commands]
        with pipelines(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command, **_AS_BYTES)
            found: list[Any] = pipeline.execute(raise_on_error=False)
            return found

    def ask(commands: Sequence[Command], waits: Waits) -> Awaitable[list[Any]]:
        return brought.ask(lambda: answers(commands), waits)

    return ask


def _executed(execute: Callable[..., Any], command: Command) -> Any:
    try:
        return execute(*command, **_AS_BYTES)
    except Exception as error:  # noqa: BLE001 - see `Ask`
        return error


_AS_BYTES: Final = {"NEVER_DECODE": True}
"""Even where the client decodes: some answers are not text."""
