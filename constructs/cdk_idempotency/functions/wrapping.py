"""The function's handler, which the layer's wrapper can stand in for."""

from __future__ import annotations

from lambda_idempotency.contract.settings import WRAPPER

from ..errors import ConstructError
from ..inspection import is_token
from .attachable import Attachable


def own_handler(function: Attachable) -> str:
    """Return the function's handler. Raise ConstructError where it cannot be wrapped."""
    handler = function.properties.get("handler")
    if not isinstance(handler, str) or is_token(handler):
        raise ConstructError(
            function.function,
            "its handler is a CDK token, so it cannot be wrapped; pass a text known at synth, or "
            "decorate the handler with @idempotent",
        )
    return handler


def redirect_to_wrapper(function: Attachable) -> None:
    """Replace the function's handler with the wrapper."""
    function.resource.handler = WRAPPER
