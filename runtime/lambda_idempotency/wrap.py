"""The handler of a function that `attach(function, wrap_handler=True)` made idempotent.

Lambda imports this module. In the same phase (init), the module imports the function's own handler,
which the environment names, and decorates it. Whatever is wrong is raised here, before any request.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from .contract.settings import Settings
from .decorators.callables import MARK
from .decorators.handler import Handler, idempotent
from .errors import ConfigurationError

_LOG: Final = logging.getLogger("lambda_idempotency")


def load(environment: Mapping[str, str]) -> Handler:
    """Return the function's own handler, made idempotent unless it already is.

    Raises `ConfigurationError`, which names the variable, and whatever the handler's module raises.
    """
    name = Settings.from_environment(environment).handler
    if name is None:
        raise ConfigurationError(
            "Environment variable IDEMPOTENCY_HANDLER is missing; expected the function's own "
            "handler, such as 'payments.handler'. Idempotency.attach(wrap_handler=True) sets it."
        )
    handler = _named(name)
    if getattr(handler, MARK, False):
        _LOG.warning("%s is decorated already: wrap_handler adds nothing and can go", name)
        return handler
    return idempotent(handler)


def _named(name: str) -> Handler:
    path, _, function = name.rpartition(".")
    module = _module(path.replace("/", "."), name)  # Lambda too accepts a path
    handler: Any = getattr(module, function, None)
    if not callable(handler):
        what = f"is a {type(handler).__name__}" if hasattr(module, function) else "is not there"
        raise _refusal(name, f"{function} {what} in {module.__file__}")
    return handler  # type: ignore[no-any-return]


def _module(path: str, name: str) -> Any:
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        # Only the handler's own module is our concern; an import that fails in it stays its error.
        if error.name is None or not f"{path}.".startswith(f"{error.name}."):
            raise
        raise _refusal(name, f"there is no module {error.name}") from None


def _refusal(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"Environment variable IDEMPOTENCY_HANDLER: handler is {name!r}, but {why}; expected the "
        "function's own handler as it was before wrap_handler=True"
    )


handler: Final = load(os.environ)
