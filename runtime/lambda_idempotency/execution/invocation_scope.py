"""The Lambda invocation in which code runs: the handler, the hooks and key callables of the user,
and the functions that they call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Final, TypeAlias

from ..identity.scope import tenant_of

TimeLeft: TypeAlias = Callable[[], int]
"""Returns the milliseconds that an invocation has left."""


class InvocationScope:
    """Tells all code in a `with` block the tenant and the time left of an invocation.

    Tasks, and threads that get the context, see them, too. A handler that another one calls without
    a context is in the same invocation.
    """

    __slots__ = ("_context", "_durable", "_token", "ended", "tenant", "time_left")

    def __init__(self, context: Any, *, durable: bool = False) -> None:
        """Set the invocation's `context`. `durable`: the SDK of durable executions runs code in
        threads that do not get the context. They see this scope, too, if it is the only one."""
        self._context = context
        self._durable = durable
        self._token: Token[InvocationScope] | None = None
        self.ended = False

    def __enter__(self) -> None:
        tenant, time_left = tenant_of(self._context), _time_left_of(self._context)
        self.tenant = invocation_tenant() if tenant is None else tenant
        self.time_left = invocation_time_left() if time_left is None else time_left
        self._token = _CURRENT.set(self)
        if self._durable:
            _EXECUTIONS.append(self)

    def __exit__(self, *_: object) -> None:
        self.ended = True
        if self._durable:
            _EXECUTIONS.remove(self)
        assert self._token is not None
        _CURRENT.reset(self._token)


_CURRENT: Final[ContextVar[InvocationScope]] = ContextVar("lambda_idempotency.invocation")
_EXECUTIONS: Final[list[InvocationScope]] = []


def _current() -> InvocationScope | None:
    scope = _CURRENT.get(None)
    return _EXECUTIONS[0] if scope is None and len(_EXECUTIONS) == 1 else scope


def invocation_tenant() -> str | None:
    """Return the tenant of the invocation in which this code runs, or None. What outlives its
    invocation, such as a task, is still for that tenant."""
    scope = _current()
    return None if scope is None else scope.tenant


def invocation_time_left() -> TimeLeft | None:
    """Return the `TimeLeft` of the invocation in which this code runs, or None."""
    scope = _current()
    return None if scope is None or scope.ended else scope.time_left


def _time_left_of(context: Any) -> TimeLeft | None:
    ask: TimeLeft | None = getattr(context, "get_remaining_time_in_millis", None)
    return ask
