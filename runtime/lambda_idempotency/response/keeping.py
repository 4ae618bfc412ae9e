"""What an operation keeps of its answers, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tuples import NamedTuple

if TYPE_CHECKING:
    from .offload import Objects
    from .redaction import Redact


class Keeping(NamedTuple):
    """What one operation keeps. `objects` are for large bodies. Without `store_response` it keeps
    that there was an answer, and nothing of it; with `redact`, what that returns. Either way, steps
    are recorded as they are."""

    objects: Objects | None = None
    store_response: bool = True
    redact: Redact | None = None
