"""Lambda handlers that take effect once per request: every duplicate gets the first answer.

Each name is loaded at its first use, so importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from .contract.http import HttpOptions as HttpOptions
    from .decorators.function.decorator import idempotent_function as idempotent_function
    from .decorators.handler import idempotent as idempotent
    from .decorators.records.decorator import idempotent_records as idempotent_records
    from .errors import BatchError as BatchError
    from .errors import CommitError as CommitError
    from .errors import ConfigurationError as ConfigurationError
    from .errors import FingerprintMismatchError as FingerprintMismatchError
    from .errors import IdempotencyError as IdempotencyError
    from .errors import InProgressError as InProgressError
    from .errors import LeaseLostError as LeaseLostError
    from .errors import MissingKeyError as MissingKeyError
    from .errors import ParkedError as ParkedError
    from .errors import ResponseUnavailableError as ResponseUnavailableError
    from .errors import StepInterruptedError as StepInterruptedError
    from .errors import StoreError as StoreError
    from .execution.attempt import Attempt as Attempt
    from .execution.attempt import current as current
    from .execution.hooks import Reconciled as Reconciled
    from .execution.hooks import Replay as Replay
    from .identity.execution_names import execution_name as execution_name
    from .protocol.record import Absent as Absent
    from .protocol.record import Applied as Applied
    from .protocol.record import Claim as Claim
    from .protocol.record import Completion as Completion
    from .protocol.record import Conflict as Conflict
    from .protocol.record import Record as Record
    from .protocol.record import Reply as Reply
    from .protocol.record import WritesRefused as WritesRefused
    from .response.cipher import KmsCipher as KmsCipher
    from .stores.base import Store as Store
    from .stores.dynamodb import DynamoDBStore as DynamoDBStore
    from .stores.memory import MemoryStore as MemoryStore
    from .stores.redis import RedisStore as RedisStore

_HOMES = {
    "Absent": "protocol.record",
    "Applied": "protocol.record",
    "Attempt": "execution.attempt",
    "BatchError": "errors",
    "Claim": "protocol.record",
    "CommitError": "errors",
    "Completion": "protocol.record",
    "ConfigurationError": "errors",
    "Conflict": "protocol.record",
    "DynamoDBStore": "stores.dynamodb",
    "FingerprintMismatchError": "errors",
    "HttpOptions": "contract.http",
    "IdempotencyError": "errors",
    "InProgressError": "errors",
    "KmsCipher": "response.cipher",
    "LeaseLostError": "errors",
    "MemoryStore": "stores.memory",
    "MissingKeyError": "errors",
    "ParkedError": "errors",
    "Reconciled": "execution.hooks",
    "Record": "protocol.record",
    "RedisStore": "stores.redis",
    "Replay": "execution.hooks",
    "Reply": "protocol.record",
    "ResponseUnavailableError": "errors",
    "Store": "stores.base",
    "StepInterruptedError": "errors",
    "StoreError": "errors",
    "WritesRefused": "protocol.record",
    "current": "execution.attempt",
    "execution_name": "identity.execution_names",
    "idempotent": "decorators.handler",
    "idempotent_function": "decorators.function.decorator",
    "idempotent_records": "decorators.records.decorator",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module(".contract.names", __name__).VERSION
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
