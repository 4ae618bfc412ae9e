"""The scope of a request: two requests with one key are one only where all of it agrees.

    tenant    of Lambda's tenant isolation mode; of every operation
    api       the place that was called; see `Request.api`
    caller    the proofs of who sent it; see `callers`
    route     the method, and the resource

The last three are of HTTP alone. Where there is none, it is null or empty, and part of the scope as
well: nobody's request is not somebody's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from .canonical import canonical


class Scope(NamedTuple):
    """All that a key is valid within, beside the namespace and the operation."""

    tenant: str | None = None
    api: tuple[str, ...] = ()
    caller: tuple[tuple[str, ...], ...] = ()
    route: Sequence[Any] = ()

    def canonical(self) -> bytes:
        """Return the one form of the scope, which is part of the record's id."""
        return _ANYWHERE if self == ANYWHERE else canonical(list(self))


ANYWHERE: Final = Scope()
"""The scope of an operation that has no tenant and serves no HTTP."""

_ANYWHERE: Final = canonical(list(ANYWHERE))  # of most calls, so it is not made anew


def tenant_of(context: Any) -> str | None:
    """Return the tenant that a Lambda invocation is for; None where its function has none.

    https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-context.html
    """
    tenant = getattr(context, "tenant_id", None)
    return tenant if isinstance(tenant, str) else None  # a test's mock has every attribute
