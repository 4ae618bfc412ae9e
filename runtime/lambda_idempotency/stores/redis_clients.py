"""The clients that a `RedisStore` may have: the runtime's own, and those of redis-py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import iscoroutinefunction
from typing import Any, TypeAlias

from ..errors import ConfigurationError

Command: TypeAlias = Sequence[Any]
Ask: TypeAlias = Callable[[Sequence[Command]], list[Any]]
"""A function that sends commands, together if it can, and returns the answer to each, as bytes: an
exception stands in place of an answer."""


def ask_of(client: Any) -> Ask:
    """Return how to ask a client. Raises `ConfigurationError` where it is something else."""
    if (execute_all := getattr(client, "execute_all", None)) is not None:
        return _or_failures(execute_all)
    execute = getattr(client, "execute_command", None)
    if not callable(execute) or iscoroutinefunction(execute):
        kind = type(client)
        raise ConfigurationError(
            f"client is a {kind.__module__}.{kind.__qualname__}; expected a client of redis-py "
            "that is not asynchronous, such as redis.Redis(host=...)"
        )
    one_by_one = _one_by_one(execute)
    # The pipelines of a cluster client do not follow a key that moves to another node.
    if hasattr(client, "nodes_manager") or not hasattr(client, "pipeline"):
        return one_by_one
    together = _or_failures(_together(client.pipeline))
    return lambda commands: (one_by_one if len(commands) == 1 else together)(commands)


def _or_failures(ask: Ask) -> Ask:
    def asked(commands: Sequence[Command]) -> list[Any]:
        try:
            return ask(commands)
        except Exception as error:  # noqa: BLE001 - it is the answer to all
            return [error] * len(commands)

    return asked


def _one_by_one(execute: Callable[..., Any]) -> Ask:
    def one(command: Command) -> Any:
        try:
            # As bytes, even where the client decodes: some answers are not text.
            return execute(*command, NEVER_DECODE=True)
        except Exception as error:  # noqa: BLE001 - see `Ask`
            return error

    return lambda commands: [one(command) for command in commands]


def _together(pipelines: Callable[..., Any]) -> Ask:
    def ask(commands: Sequence[Command]) -> list[Any]:
        with pipelines(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command, NEVER_DECODE=True)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
            return answers

    return ask
