"""From a decorator's options, and the settings, to an operation."""

from __future__ import annotations

import os
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..contract.settings import Settings
from ..errors import ConfigurationError
from ..execution.operation import Operation
from ..execution.orphans import OnOrphan
from ..execution.replays import OnReplay
from ..metrics.emf import MetricsSource
from ..protocol.record import Store
from ..stores.dynamodb import DynamoDBStore
from ..stores.memory import MemoryStore
from .callables import is_async

if TYPE_CHECKING:
    from ..response.offload import Objects

Duration: TypeAlias = float | timedelta
"""Seconds, or a timedelta."""

NO_STORE: Final = (
    "no store is configured. Attach the function with Idempotency.attach(), pass "
    "store=DynamoDBStore(...) or RedisStore(...), or set IDEMPOTENCY_STORE=memory in unit tests."
)


def settings_with(**options: Any) -> Settings:
    """The settings of the environment with options in their place, durations in either form; None
    where an option is not given. Raises `ConfigurationError`."""
    given = {
        name: value.total_seconds() if isinstance(value, timedelta) else value
        for name, value in options.items()
        if value is not None
    }
    return Settings.from_environment(os.environ).overridden(**given)


def store_of(settings: Settings, store: Store | None) -> Store | None:
    """The store that is given, else that of the settings. None: there is none, and this is not
    Lambda, so that a unit test may import the code all the same. Raises `ConfigurationError`."""
    if store is not None:
        return _checked(store)
    if settings.store == "memory":
        return MemoryStore()
    if settings.store == "redis" and settings.parameter is not None:
        return _redis(settings.parameter, settings.url_suffix)
    if settings.store == "dynamodb" and settings.table is not None:
        return _dynamodb(settings.table, settings.url_suffix)
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        raise ConfigurationError(NO_STORE)
    return None


def namespace_of(settings: Settings, store: Store) -> str:
    """The namespace of the records. Raises `ConfigurationError` where it is missing."""
    if settings.namespace is not None:
        return settings.namespace
    if isinstance(store, MemoryStore):
        return "local"
    raise ConfigurationError(
        "namespace is missing, and functions that share a store must not share records. "
        "Idempotency.attach() sets it; without the construct pass namespace=..."
    )


def operation_of(
    settings: Settings,
    store: Store,
    *,
    on_orphan: OnOrphan | None = None,
    on_replay: OnReplay | None = None,
) -> Operation:
    """What the settings say of an operation whose records are in `store`. Raises
    `ConfigurationError`."""
    if settings.cache_size:
        from ..stores.cached import CachedStore  # few want it

        store = CachedStore(store, settings.cache_size)
    return Operation(
        store=store,
        expires_after=_milliseconds(settings.expires_after),
        lease=None if settings.lease is None else _milliseconds(settings.lease),
        wait=settings.on_in_progress == "wait",
        wait_timeout=(
            None if settings.wait_timeout is None else _milliseconds(settings.wait_timeout)
        ),
        max_attempts=settings.max_attempts,
        bypass_missing_key=settings.on_missing_key == "bypass",
        fail_open=settings.fail_open,
        on_orphan=on_orphan,
        on_replay=_checked_hook(on_replay),
        objects=_objects(settings),
        metrics=_metrics(settings, store),
    )


def take_name(store: Store, namespace: str, name: str, place: str) -> None:
    """Gives the name of a function to the one that is defined at `place`. Raises
    `ConfigurationError` where another one has it: they would answer for one another.

    Who has it is kept with the store, as the records are that they would share.
    """
    attributes: dict[str, Any] = getattr(store, "__dict__", {})
    taken: dict[tuple[str, str], str] = attributes.setdefault("_names_of_functions", {})
    if (other := taken.setdefault((namespace, name), place)) != place:
        raise ConfigurationError(
            f"name is {name!r}, which is taken by {other} in the namespace {namespace!r}; give "
            f"{place} another name"
        )


@lru_cache
def _dynamodb(table: str, url_suffix: str) -> Store:
    """One store for all that share it: one set of connections and credentials."""
    return DynamoDBStore(table, url_suffix=url_suffix)


@lru_cache
def _redis(parameter: str, url_suffix: str) -> Store:
    """One store for all that share it: one set of connections and credentials."""
    try:
        from ..clients.redis.client import RedisClient
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"store is 'redis', and {error.name} is not installed: pip install "
            "'cdk-idempotency[redis]', or use the layer of Idempotency.attach()"
        ) from None
    from ..stores.redis import RedisStore

    return RedisStore(RedisClient(parameter, url_suffix=url_suffix))


def _metrics(settings: Settings, store: Store) -> MetricsSource | None:
    """Whose metrics are written; None: none are, as where nobody would read them."""
    if settings.disabled or not settings.metrics or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return None
    name = getattr(store, "name", type(store).__name__)
    return MetricsSource(name, namespace_of(settings, store))


def _objects(settings: Settings) -> Objects | None:
    bucket = settings.large_responses
    if bucket is None:
        return None
    return _bucket(bucket, settings.large_response_size, settings.url_suffix)


@lru_cache
def _bucket(bucket: str, above: int, url_suffix: str) -> Objects:
    """The same for all that share it: one set of connections and credentials."""
    from ..response.offload import Objects  # few need it

    return Objects(bucket, above=above, url_suffix=url_suffix)


def _checked(store: Store) -> Store:
    members = ("claim", "complete", "release", "read", "max_data")
    if missing := [name for name in members if not hasattr(store, name)]:
        raise ConfigurationError(
            f"store is a {type(store).__name__} without {', '.join(missing)}; expected "
            "DynamoDBStore(...), RedisStore(...), MemoryStore() or another Store"
        )
    return store


def _checked_hook(hook: OnReplay | None) -> OnReplay | None:
    if hook is not None and (not callable(hook) or is_async(hook)):
        what = "an async one" if callable(hook) else repr(hook)
        raise ConfigurationError(
            f"on_replay is {what}; expected a function of the response and its Replay"
        )
    return hook


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
