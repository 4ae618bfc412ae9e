"""JMESPath expressions, checked as far as possible before there is an event."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from ..errors import ConfigurationError
from .values import member, members_of

_PATH: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
"""The expressions of most keys. JMESPath calls these names unquoted identifiers."""

_PAYLOADS: Final = ("body", "detail", "kinesis.data", "value", "data")
"""The paths to the payload of an event or record: HTTP and SQS, EventBridge, Kinesis, Kafka, MQ."""


def compiled(name: str, expression: object, *, objects: bool = False) -> Callable[[Any], Any]:
    """Return the search for a key's expression, over JSON or over Python's values (`objects`).

    Raises `ConfigurationError`, which names the setting, the expression and its error.
    """
    if not isinstance(expression, str):
        raise ConfigurationError(f"{name} is {expression!r}; expected JMESPath (see jmespath.org)")
    if (path := _path(expression)) is not None:
        return partial(_followed, path)
    return _search(name, expression, objects=objects, strict=True)


def selection(name: str, expression: object) -> Callable[[Any], Any]:
    """Return the search for an expression over JSON that may lack parts, as JMESPath has it.

    Raises `ConfigurationError` as `compiled` does.
    """
    if not isinstance(expression, str):
        raise ConfigurationError(f"{name} is {expression!r}; expected JMESPath (see jmespath.org)")
    return _search(name, expression, objects=False, strict=False)


def _search(name: str, expression: str, *, objects: bool, strict: bool) -> Callable[[Any], Any]:
    # Imported here: few keys need it, and it costs 10 ms of a cold start.
    import jmespath
    from jmespath.exceptions import JMESPathError

    from .interpreter import Interpreter, wrong_call

    try:
        tree = jmespath.compile(expression).parsed
    except JMESPathError as error:
        wrong: str | None = _syntax_error(error)
    else:
        wrong = wrong_call(tree)
    if wrong is not None:
        raise ConfigurationError(
            f"{name} is {expression!r}, which is not JMESPath: {wrong} (see jmespath.org)"
        )
    return partial(Interpreter(objects=objects, strict=strict).search, tree)


def near_miss(expression: str, seen: Any) -> str | None:
    """Return a hint at the path that was meant, perhaps, where a path leads nowhere; None if there
    is none.

    It differs from the expression only in case, `_` and `-`, or in the name of the payload before
    it. Names in a payload can be data, so none of them is told.
    """
    if (path := _path(expression)) is None:
        return None
    for payload in _PAYLOADS:
        if _followed((*payload.split("."), *path), seen) is not None:
            return f"has '{payload}.{expression}': is that meant?"
    other = None
    for name in path:
        names = seen if isinstance(seen, Mapping) else members_of(seen) or ()
        found = name if name in names else _alike(name, names)
        if found is None:
            return None
        if found != name:
            other = other or name
        seen = member(seen, found)
    if other is None or seen is None:
        return None
    return f"has a name that differs from {other!r} in case, '_' or '-' alone: is that meant?"


def _path(expression: str) -> tuple[str, ...] | None:
    return tuple(expression.split(".")) if _PATH.fullmatch(expression) else None


def _followed(path: Iterable[str], value: Any) -> Any:
    for name in path:
        value = member(value, name)
    return value


def _alike(name: str, names: Iterable[Any]) -> str | None:
    folded = _folded(name)
    return next(
        (other for other in names if isinstance(other, str) and _folded(other) == folded), None
    )


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _syntax_error(error: ValueError) -> str:
    """Return the error of a text, and the character at which it was found, counted from 1."""
    from jmespath import exceptions

    if not isinstance(error, exceptions.ParseError):
        return "it is empty"
    if isinstance(error, exceptions.LexerError):
        what = f"{error.message[:1].lower()}{error.message[1:]}"
    elif error.token_value:
        what = f"{error.token_value!r} is not expected"
    else:
        what = "something is missing"
    return f"{what} at character {error.lex_position + 1}"
