"""The options of the decorators, and their combination with the environment's settings.

Without `from __future__ import annotations`: TypedDict would compile each of its texts at import.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict

from ..clients.net import deadline
from ..contract.http import HttpOptions, ProfileName, http_option
from ..contract.rows import has_no
from ..contract.settings import PREFIX, OnInProgress, OnMissingKey, Settings, check_kept
from ..errors import ConfigurationError
from ..execution.definition import AnyCallable, Definition
from ..execution.hooks import OnInterrupted, OnOrphan, OnReplay
from ..execution.operation import Operation
from ..execution.registry import register
from ..identity.expressions import selection
from ..identity.keys import Expression, Selector
from ..response.keeping import Keeping
from ..response.redaction import Redact
from ..stores.base import Store
from ..tuples import NamedTuple
from .callables import is_async, name_of
from .resources import keys_of, metrics_of, namespace_of, objects_of, store_of, tell_version, traced

if TYPE_CHECKING:
    from datetime import timedelta

    from ..response.cipher import KmsCipher

    Duration: TypeAlias = float | timedelta
    """Seconds, or a timedelta."""
else:
    Duration = KmsCipher = Any  # the import of `datetime` takes a millisecond

Http: TypeAlias = ProfileName | HttpOptions | EllipsisType | None
"""A profile, options, None (HTTP mode is off), or `...` (as the settings say)."""

DISABLED: Final = "IDEMPOTENCY_DISABLED is set, so no call has a record."


class DecoratorOptions(TypedDict, total=False):
    """The options of all decorators.

    If an option is missing or None, its value comes from the environment's settings (read once,
    when the decorator is applied), then from the defaults.
    """

    name: str | None
    """The name that tells a namespace's handlers and functions apart. Default: its `__name__`."""
    key: Expression | None
    """JMESPath, or a callable, that selects the values which make two calls the same."""
    fingerprint: Expression | None
    """JMESPath, or a callable, that selects the values which must agree if the keys do."""
    expires_after: Duration | None
    """The time for which answers are kept. Default: 24 hours."""
    lease: Duration | None
    """The time for which an attempt may hold its key; at least what the invocation has left."""
    heartbeat: bool | None
    """Renew the lease until the call ends, where no timeout ends it: in an environment for several
    invocations at once, and outside of Lambda. Default: if no lease is given."""
    on_in_progress: OnInProgress | None
    """A duplicate that meets a running attempt: `raise` (default), or `wait` for its answer."""
    wait_timeout: Duration | None
    """The longest that `wait` waits. Default: half of the time that the invocation has left."""
    max_attempts: int | None
    """The number of attempts that may die before the key is parked. Default: no limit."""
    on_orphan: OnOrphan | None
    """A callable that finds out what a dead attempt has done, before the next one runs."""
    on_interrupted: OnInterrupted | None
    """At a step that a dead attempt may have run: `rerun` it (default), `raise`, or ask a callable
    of the event and the step's name."""
    on_missing_key: OnMissingKey | None
    """The handling of a call without a key: `reject` (default), or `bypass`: run it unprotected."""
    fail_open: bool | None
    """True: run unprotected while the store cannot be reached. Default: False."""
    cipher: KmsCipher | None
    """Encrypts what records keep of answers and steps. Default: with the construct's
    `response_key`, or not at all."""
    namespace: str | None
    """The name that separates the records from those of other functions in the store."""
    store: Store | None
    """The store of the records. Default: the one that the function is attached to."""


class ReplayOptions(DecoratorOptions, total=False):
    """The options of decorators that replay responses."""

    cache_size: int | None
    """The number of completed records to keep in the process, so that their replays need no request
    to the store. Default: 0."""
    store_response: bool | None
    """False: keep nothing of the response, so duplicates learn that their request is done, and no
    more. Default: True."""
    redact: Expression | None
    """JMESPath, or a callable: what of the answer is kept. It sees the answer as JSON; the first
    caller gets all of it, and duplicates get what was kept. If it raises, nothing is kept."""
    on_replay: OnReplay | None
    """A callable that gets the response about to be replayed, and its `Replay`. Its result is
    replayed instead, unless that is None. Its exceptions reach the caller."""


class Configuration(NamedTuple):
    """A decorator's options, combined with the settings. `store` None: nothing can run."""

    settings: Settings
    options: Mapping[str, Any]
    store: Store | None
    namespace: str

    @classmethod
    def of(cls, options: Mapping[str, Any], kind: type) -> "Configuration":
        """Combine a decorator's options with the settings. `kind` is the TypedDict of its options.
        Raises `ConfigurationError`."""
        _check_names(options, kind.__annotations__)
        settings = _settings(options)
        _check_on_orphan(options)
        check_kept(settings, {name: value for name, value in options.items() if value is not None})
        _check_name(options.get("name"))
        if settings.disabled:
            return cls(settings, options, None, "")
        store = store_of(settings, options.get("store"))
        return cls(settings, options, store, "" if store is None else namespace_of(settings, store))

    def selector(self, name: str, *, source: str, default: str | None = None) -> Selector | None:
        """Return the selector of the option `name`. `default` is the expression in the settings."""
        given = self.options.get(name)
        if given is not None:
            return Selector(name, given, source=source, origin=f"The option {name}")
        if default is None:
            return None
        origin = f"The construct's prop {name}, told by {PREFIX}{name.upper()},"
        return Selector(name, default, source=source, origin=origin)

    @property
    def on_orphan(self) -> OnOrphan | None:
        """The hook `on_orphan`, or None."""
        hook: OnOrphan | None = self.options.get("on_orphan")
        return hook

    def register(self, function: AnyCallable) -> str:
        """Return the name of the operation whose code `function` is. Raises `ConfigurationError` if
        another operation has it."""
        given: str | None = self.options.get("name")
        name = name_of(function) if given is None else given
        key = self.options.get("key")
        definition = Definition.of(
            function, key=self.settings.key if key is None else key, named=given is not None
        )
        assert self.store is not None
        register(self.store, self.namespace, name, definition)
        return name

    def operation(self) -> Operation:
        """Return the operation that protects the calls. Raises `ConfigurationError`."""
        settings, store = self.settings, self.store
        assert store is not None
        tell_version(store.label, self.namespace)
        store = traced(store)
        if settings.cache_size:
            from ..stores.cached import CachedStore  # few functions use it

            store = CachedStore(store, settings.cache_size)
        return Operation(
            store=store,
            expires_after_ms=_milliseconds(settings.expires_after),
            lease_ms=None if settings.lease is None else _milliseconds(settings.lease),
            timeout_ms=None if settings.timeout is None else _milliseconds(settings.timeout),
            heartbeat=settings.heartbeat,
            execution_timeout_ms=(
                None
                if settings.execution_timeout is None
                else _milliseconds(settings.execution_timeout)
            ),
            wait=settings.on_in_progress == "wait",
            wait_timeout_ms=(
                None if settings.wait_timeout is None else _milliseconds(settings.wait_timeout)
            ),
            max_attempts=settings.max_attempts,
            bypass_missing_key=settings.on_missing_key == "bypass",
            fail_open=settings.fail_open,
            on_replay=_checked_hook(self.options.get("on_replay")),
            on_interrupted=_checked_on_interrupted(self.options.get("on_interrupted")),
            keeping=Keeping(
                objects=objects_of(settings),
                store_response=settings.store_response,
                redact=self._redact(),
                keys=keys_of(settings, self.options.get("cipher"), self.namespace),
            ),
            metrics=metrics_of(settings, store, self.namespace),
            enforced=deadline.is_enforced(),
        )

    def _redact(self) -> Redact | None:
        """Return the function that tells what of an answer is kept; None: all of it."""
        given: Expression | None = self.options.get("redact")
        if callable(given):
            if is_async(given):
                raise ConfigurationError(
                    "redact is an async one; expected JMESPath, or a function of the answer"
                )
            return given
        expression = self.settings.redact if given is None else given
        return None if expression is None else selection("redact", expression)


@contextmanager
def naming(decorator: str) -> Iterator[None]:
    """Put the decorator's name before the text of a `ConfigurationError`."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{decorator}: {error}") from None


def _check_names(options: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    if unknown := [name for name in options if name not in known]:
        raise ConfigurationError(f"it {has_no('option', unknown[0], sorted(known))}")


def _settings(options: Mapping[str, Any]) -> Settings:
    """Return the environment's settings, overridden by the options."""
    given = {
        name: value.total_seconds() if hasattr(value, "total_seconds") else value
        for name, value in options.items()
        if value is not None and name in _SETTINGS
    }
    if (http := options.get("http", ...)) is not ...:
        given["http"] = http_option(http)
    return Settings.from_environment(os.environ).overridden(**given)


_SETTINGS: Final = frozenset(Settings.kinds) - {"key", "fingerprint", "redact", "store", "http"}
"""Settings that an option of the same name replaces. The other options have a different form."""


def _check_name(name: object) -> None:
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise ConfigurationError(f"name is {name!r}; expected a text that is not empty")


def _check_on_orphan(options: Mapping[str, Any]) -> None:
    on_orphan = options.get("on_orphan")
    if on_orphan is not None and not callable(on_orphan):
        raise ConfigurationError(
            f"on_orphan is {on_orphan!r}; expected a callable that takes the event and returns "
            "Reconciled(response), or None to run again"
        )


def _checked_on_interrupted(on_interrupted: OnInterrupted | None) -> OnInterrupted | None:
    known = on_interrupted in (None, "rerun", "raise")
    if not known and not callable(on_interrupted):
        raise ConfigurationError(
            f'on_interrupted is {on_interrupted!r}; expected "rerun", "raise", or a callable that '
            "takes the event and a step's name and returns Reconciled(result), or None to run the "
            "step"
        )
    return on_interrupted


def _checked_hook(on_replay: OnReplay | None) -> OnReplay | None:
    if on_replay is not None and (not callable(on_replay) or is_async(on_replay)):
        what = "an async one" if callable(on_replay) else repr(on_replay)
        raise ConfigurationError(
            f"on_replay is {what}; expected a function of the response and its Replay"
        )
    return on_replay


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
