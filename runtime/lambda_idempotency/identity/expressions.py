"""JMESPath expressions, checked as far as possible before there is an event."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ..errors import ConfigurationError
from .effort import check, is_limited


def compiled(name: str, expression: object) -> tuple[Callable[[Any], Any], Callable[[Any], bool]]:
    """Return the search for an expression, and a test that tells whether its result lacks a part.

    Raises `ConfigurationError`, which names the setting, the expression and its error.
    """
    # Imported here: only expressions need it, and it costs 10 ms of a cold start.
    import jmespath
    from jmespath.exceptions import JMESPathError

    if not isinstance(expression, str):
        raise ConfigurationError(f"{name} is {expression!r}; expected JMESPath (see jmespath.org)")
    try:
        search = jmespath.compile(expression)
    except JMESPathError as error:
        raise ConfigurationError(
            f"{name} is {expression!r}, which is not JMESPath ({type(error).__name__}, see "
            "jmespath.org)"
        ) from None
    if (wrong := _wrong_call(search.parsed)) is not None:
        raise ConfigurationError(f"{name} is {expression!r}, which is not JMESPath: {wrong}")
    return _bounded(search), lambda value: _lacks_a_part(search.parsed, value)


def _bounded(expression: Any) -> Callable[[Any], Any]:
    """Return the search for an expression, which stops if the payload may not take so long."""
    from jmespath.visitor import TreeInterpreter

    class Interpreter(TreeInterpreter):
        def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
            check()
            return super().visit(node, *args, **kwargs)

    def search(value: Any) -> Any:
        if is_limited():
            return Interpreter().visit(expression.parsed, value)
        return expression.search(value)

    return search


def is_empty(value: Any) -> bool:
    """Tell whether a value is null or empty. 0 and False are not."""
    return value is None or (
        isinstance(value, str | bytes | list | tuple | dict) and len(value) == 0
    )


def _wrong_call(node: Any) -> str | None:
    """Return the error in an expression's function calls; jmespath itself reports it too late."""
    from jmespath.functions import Functions

    if not isinstance(node, dict):
        return None
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        if name not in Functions.FUNCTION_TABLE:
            return f"it has no function {name}"
        expected = Functions.FUNCTION_TABLE[name]["signature"]
        variadic = bool(expected) and expected[-1].get("variadic", False)
        if given < len(expected) or (given > len(expected) and not variadic):
            return f"{name} takes {len(expected)} arguments, not {given}"
    errors = (_wrong_call(child) for child in node["children"])
    return next((error for error in errors if error is not None), None)


def _lacks_a_part(node: Any, value: Any) -> bool:
    """Tell whether a part that `[a, b]` or `{x: a, y: b}` names, at any depth, is null or empty."""
    while node["type"] in ("subexpression", "pipe"):
        node = node["children"][-1]
    parts: Iterable[tuple[Any, Any]]
    if node["type"] == "multi_select_list":
        parts = zip(node["children"], value, strict=True)
    elif node["type"] == "multi_select_dict":
        parts = ((pair["children"][0], value[pair["value"]]) for pair in node["children"])
    else:
        return False
    return any(is_empty(part) or _lacks_a_part(child, part) for child, part in parts)
