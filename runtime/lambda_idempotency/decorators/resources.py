"""The store, the bucket and the metrics of a decorator: given in code, or named by the settings."""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from ..contract.names import VERSION
from ..contract.settings import Settings
from ..errors import ConfigurationError
from ..metrics.emf import MetricsSource
from ..metrics.reporting import INFO, log
from ..stores.base import Store
from ..stores.coroutines import CoroutineStore
from ..stores.memory import MemoryStore, made_for_tests

if TYPE_CHECKING:
    from ..response.data_keys import DataKeys
    from ..response.offload import Objects

NO_STORE: Final = (
    "no store is configured. Attach the function with Idempotency.attach(), pass "
    "store=DynamoDBStore(...) or RedisStore(...), or set IDEMPOTENCY_STORE=memory in unit tests."
)


def store_of(settings: Settings, store: Store | None) -> Store | None:
    """Return the given store, or else that of the settings. Without either, return None outside
    Lambda, so that a unit test can still import the code, and raise `ConfigurationError` in it."""
    if store is not None:
        return _checked(store)
    if settings.store == "memory":
        return made_for_tests()
    if settings.store == "redis" and settings.parameter is not None:
        return _redis(settings.parameter, settings.url_suffix)
    if settings.store == "dynamodb" and settings.table is not None:
        return _dynamodb(settings.table, settings.url_suffix)
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        raise ConfigurationError(NO_STORE)
    return None


def traced(store: Store) -> Store:
    """Return the store with traces of its requests, where a package that has them is loaded."""
    if "aws_xray_sdk.core" not in sys.modules and "opentelemetry.trace" not in sys.modules:
        return store
    from ..stores.traced import TracedStore  # free where nobody traces

    return TracedStore(store)


def namespace_of(settings: Settings, store: Store) -> str:
    """Return the namespace of records. Raises `ConfigurationError` if there is none."""
    if settings.namespace is not None:
        return settings.namespace
    if isinstance(store, MemoryStore):
        return "local"
    raise ConfigurationError(
        "namespace is missing, and functions that share a store must not share records. "
        "Idempotency.attach() sets it; without the construct pass namespace=..."
    )


@lru_cache
def _dynamodb(table: str, url_suffix: str) -> Store:
    """Return one store for all decorators: one set of connections and credentials."""
    from ..stores.dynamodb import DynamoDBStore

    return DynamoDBStore(table, url_suffix=url_suffix)


@lru_cache
def _redis(parameter: str, url_suffix: str) -> Store:
    """Return one store for all decorators: one set of connections and credentials."""
    from ..clients.redis.parameter import ParameterClient
    from ..stores.redis import RedisStore

    return RedisStore(ParameterClient(parameter, url_suffix=url_suffix))


@lru_cache
def tell_version(store: str, namespace: str) -> None:
    """Say in the log of an environment, once, which runtime keeps records, and where."""
    if "logging" in sys.modules and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        log(INFO, "lambda_idempotency %s: records of %s in %s", VERSION, namespace, store)


def metrics_of(settings: Settings, store: Store, namespace: str) -> MetricsSource | None:
    """Return the source of the metrics. None: write no metrics, for example outside Lambda."""
    if not settings.metrics or "AWS_LAMBDA_FUNCTION_NAME" not in os.environ:
        return None
    return MetricsSource(store.label, namespace)


def keys_of(settings: Settings, cipher: object, namespace: str) -> DataKeys | None:
    """Return the data keys of the given cipher, or else of the settings' KMS key; None: nothing is
    encrypted."""
    if cipher is None and settings.response_key is None:
        return None
    from ..response.cipher import KmsCipher  # few functions use it

    if cipher is None:
        assert settings.response_key is not None
        cipher = _cipher(settings.response_key, settings.url_suffix)
    if not isinstance(cipher, KmsCipher):
        what = cipher.__name__ if isinstance(cipher, type) else f"a {type(cipher).__name__}"
        raise ConfigurationError(f"cipher is {what}; expected KmsCipher(key)")
    return cipher.keys(namespace)


@lru_cache
def _cipher(key: str, url_suffix: str) -> object:
    """Return one cipher for all decorators: one set of data keys."""
    from ..response.cipher import KmsCipher

    return KmsCipher(key, url_suffix=url_suffix)


def objects_of(settings: Settings) -> Objects | None:
    """Return the bucket for large responses; None: there is none."""
    bucket = settings.large_responses
    if bucket is None:
        return None
    return _bucket(bucket, settings.large_response_size, settings.url_suffix)


@lru_cache
def _bucket(bucket: str, above: int, url_suffix: str) -> Objects:
    """Return one bucket for all decorators: one set of connections and credentials."""
    from ..response.offload import Objects  # few functions use it

    return Objects(bucket, above=above, url_suffix=url_suffix)


def _checked(store: object) -> Store:
    if isinstance(store, CoroutineStore | MemoryStore):
        return store
    if isinstance(store, Store):
        from ..stores.bounded import BoundedStore  # few write a store

        return BoundedStore(store)
    if isinstance(store, type):
        raise ConfigurationError(
            f"store is the class {store.__name__}; expected an object, such as "
            f"{store.__name__}(...)"
        )
    raise ConfigurationError(
        f"store is a {type(store).__name__}; expected DynamoDBStore(...), RedisStore(...), "
        "MemoryStore() or a store of your own, whose class is a subclass of "
        "lambda_idempotency.Store"
    )
