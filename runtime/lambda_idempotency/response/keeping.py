"""What an operation keeps of its answers, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..tuples import NamedTuple

if TYPE_CHECKING:
    from .data_keys import DataKeys
    from .offload import Objects
    from .redaction import Redact


class Keeping(NamedTuple):
    """What one operation keeps. Without `store_response` it keeps that there was an answer, and
    nothing of it; with `redact`, what that returns. Either way, steps are recorded whole. `objects`
    are for large bodies; `keys` encrypt all that is kept."""

    objects: Objects | None = None
    store_response: bool = True
    redact: Redact | None = None
    keys: DataKeys | None = None

    @property
    def is_remote(self) -> bool:
        """True if what was kept takes other requests than the store's: to S3, or to KMS."""
        return self.objects is not None or self.keys is not None
