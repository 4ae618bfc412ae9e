"""The id of a request's record, by the layer's own code, or by the function's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lambda_idempotency import idempotent, idempotent_records
from lambda_idempotency.contract.settings import PREFIX
from lambda_idempotency.execution import registry
from lambda_idempotency.identity.sources import batch_source

from .errors import NotThereError

_ELSEWHERE = (
    *("TABLE", "PARAMETER", "LARGE_RESPONSES", "LARGE_RESPONSE_SIZE", "RESPONSE_KEY"),
    "FINGERPRINT",
)
"""The settings that ids do not depend on, and that reach for AWS, or for what an event lacks."""


def ids_of(
    event: Any,
    *,
    variables: Mapping[str, str],
    handler: str,
    code: Path | None = None,
    arguments: Mapping[str, Any] | None = None,
    tenant: str | None = None,
    options: Mapping[str, Any],
) -> list[str]:
    """Return the ids of the records of an event: one, or that of each record of a batch.

    `variables` are the function's environment, `handler` its handler. With `code`, the folder of
    its code, its own handler is asked; `arguments` are those of an idempotent function in it.
    `options` are those of the decorator. Nothing is run or stored.
    """
    with _environment(variables, whole=code is not None):
        name = handler.rpartition(".")[2]
        asked = SimpleNamespace() if code is None else _imported(code, handler)
        if arguments is not None:
            return [_method(asked, "record_id", handler)(**arguments)]
        context = None if tenant is None else SimpleNamespace(tenant_id=tenant)
        if batch_source(event) is not None:
            if not hasattr(asked, "record_ids"):
                asked = idempotent_records(**options)(_named(name))
            found: list[str] = asked.record_ids(event, context)
            return found
        if not hasattr(asked, "record_id"):
            asked = idempotent(**options)(_named(name))
        return [asked.record_id(event, context)]


def _named(name: str) -> Any:
    """Return a handler of this name, which is a part of the id."""

    def handler(event: Any, context: Any) -> None:
        """Do nothing: it is never called."""

    handler.__name__ = handler.__qualname__ = name
    return handler


@contextmanager
def _environment(variables: Mapping[str, str], *, whole: bool) -> Iterator[None]:
    """Set the settings, and with `whole` all other variables, with the store in memory."""
    before = dict(os.environ)
    left_out = {PREFIX + name for name in _ELSEWHERE}
    for name in before:
        if name.startswith(PREFIX):
            del os.environ[name]
    for name, value in variables.items():
        if name not in left_out and (name.startswith(PREFIX) or (whole and name not in before)):
            os.environ[name] = value
    os.environ[f"{PREFIX}STORE"] = "memory"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        registry.clear()


def _imported(code: Path, handler: str) -> Any:
    module, _, name = handler.rpartition(".")
    sys.path.insert(0, str(code.resolve()))
    try:
        found = getattr(import_module(module.replace("/", ".")), name, None)
    except ModuleNotFoundError as error:
        raise NotThereError(f"{code} has no module for the handler {handler}: {error}") from None
    finally:
        sys.path.remove(str(code.resolve()))
    if found is None:
        raise NotThereError(f"{code} has no handler {handler}; say which: --handler MODULE.NAME")
    return found


def _method(asked: Any, name: str, handler: str) -> Any:
    if not hasattr(asked, name):
        raise NotThereError(f"{handler} is no idempotent function; pass its --code and --handler")
    return getattr(asked, name)
