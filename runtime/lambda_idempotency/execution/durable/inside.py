"""What the durable context says of its execution, and the few classes of the SDK that are needed.

They are found among the modules that are loaded: whoever has a durable context has the SDK.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from ...errors import ConfigurationError
from ...tuples import NamedTuple
from .forms import PACKAGE

KNOWN: Final = ("3",)
"""The major versions of the SDK that are known."""


class Sdk(NamedTuple):
    """The loaded SDK."""

    invocation_error: type[Exception]

    @classmethod
    def of(cls, context: Any) -> Sdk:
        """Return the SDK that has made a context. Raises `ConfigurationError` for another one than
        is known."""
        package = type(context).__module__.partition(".")[0]
        sdk = cls.loaded()
        if package != PACKAGE or sdk is None:
            raise ConfigurationError(
                f"@idempotent was given a durable context of {package} {_version_of(package)}; "
                f"known is {PACKAGE}, major version {', '.join(KNOWN)}. Update cdk-idempotency, or "
                "put @idempotent above @durable_execution."
            )
        return sdk

    @classmethod
    def loaded(cls) -> Sdk | None:
        """Return the SDK that is loaded; None if there is none, or not one that is known."""
        error = getattr(sys.modules.get(f"{PACKAGE}.exceptions"), "InvocationError", None)
        known = _version_of(PACKAGE).partition(".")[0] in KNOWN
        return cls(error) if known and isinstance(error, type) else None

    def is_retried(self, error: BaseException) -> bool:
        """Tell whether an error ends the invocation alone, so that the execution goes on in a later
        one: a suspension, the interpreter's own exits, and an `InvocationError`, unless that says
        otherwise."""
        if not isinstance(error, Exception):
            return True
        return isinstance(error, self.invocation_error) and bool(error.is_retryable())  # type: ignore[attr-defined]

    def retryable(self, error: Exception) -> Exception:
        """Return an error of the same class and text, which ends the invocation alone."""
        kind = type(error)
        if issubclass(kind, self.invocation_error):
            return error
        both = type(kind.__name__, (kind, self.invocation_error), {"__module__": kind.__module__})
        made: Exception = both(str(error))
        made.__cause__ = error.__cause__
        return made


def _version_of(package: str) -> str:
    return str(getattr(sys.modules.get(package), "__version__", "of no version"))


class Facts(NamedTuple):
    """What a durable context says. `started` is in epoch milliseconds, None where it is not told;
    `resumed`: an earlier invocation has come to its first checkpoint."""

    execution: str
    started: int | None
    resumed: bool

    @classmethod
    def of(cls, context: Any) -> Facts:
        """Read a context. Raises `ConfigurationError` if it contradicts itself."""
        arn: str = context.execution_context.durable_execution_arn
        told = context.state.durable_execution_arn
        if told != arn:
            raise ConfigurationError(
                f"@idempotent was given a durable context of two executions: {arn} and {told}."
            )
        operation = context.state.get_execution_operation()
        started = None if operation is None else operation.start_timestamp
        return cls(
            execution=arn,
            started=None if started is None else int(started.timestamp() * 1000),
            resumed=bool(context.is_replaying()),
        )


def is_revoked(context: Any) -> bool:
    """Tell whether Lambda takes no more checkpoints of this invocation, as in a pause: whatever
    ends it, the execution goes on in a later one."""
    return bool(getattr(context.state, "is_checkpoint_token_revoked", False))
