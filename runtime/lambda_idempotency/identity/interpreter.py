"""JMESPath without loss: what a key is made of is all there, or the key is missing.

By its specification, JMESPath drops what is null from a projection: `items[*].sku` of two items, of
which one has no `sku`, is a list of one. As a key it would be that of another request. Here such an
expression raises `LostPartError`, and so does one that flattens an empty list away. A filter drops
by intention, and inside its condition the rules are JMESPath's own.

Objects have no order: where JMESPath leaves it open, names are sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter, _Expression

from .canonical import canonical
from .effort import check
from .refusals import LostPartError
from .texts import from_base64, from_base64_gzip, from_json
from .values import Members, is_empty, items_of, member, members_of, plain

_ANY: Final[Any] = {"types": []}


class _Functions(Functions):
    """JMESPath's functions, and those that decode texts, also by the names that Powertools for AWS
    Lambda has for them. What is no text is decoded already, and stays as it is."""

    @signature(_ANY)
    def _func_json(self, value: Any) -> Any:
        return from_json(value) if isinstance(value, str) else value

    @signature(_ANY)
    def _func_base64(self, value: Any) -> Any:
        return from_base64(value) if isinstance(value, str) else value

    @signature(_ANY)
    def _func_base64_gzip(self, value: Any) -> Any:
        return from_base64_gzip(value) if isinstance(value, str) else value

    _func_powertools_json = _func_json
    _func_powertools_base64 = _func_base64
    _func_powertools_base64_gzip = _func_base64_gzip

    @signature(_ANY)
    def _func_to_string(self, value: Any) -> Any:
        # The text of what is missing is missing, and equal values have one text.
        if value is None or isinstance(value, str):
            return value
        return canonical(value).decode("utf-8", "surrogatepass")

    @signature(_ANY)
    def _func_to_array(self, value: Any) -> Any:
        return value if value is None or isinstance(value, list) else [value]

    @signature({"types": ["object"]})
    def _func_keys(self, value: Mapping[str, Any]) -> list[str]:
        return sorted(value)

    @signature({"types": ["object"]})
    def _func_values(self, value: Mapping[str, Any]) -> list[Any]:
        return [value[name] for name in sorted(value)]


class Interpreter(TreeInterpreter):
    """Evaluates expressions over JSON, or over Python's values (`objects`). It has no state."""

    def __init__(self, *, objects: bool, strict: bool = True) -> None:
        functions = _Functions()
        super().__init__(Options(custom_functions=functions))
        self._call = functions.call_function
        self._objects = objects
        self._strict = strict
        self._conditions = Interpreter(objects=objects, strict=False) if strict else self

    def search(self, node: Any, value: Any) -> Any:
        """Return what the expression selects. Raises `LostPartError`, `UnusableError`,
        `UndecodableError`, and the errors of JMESPath and Python."""
        return self._whole(node, self.visit(node, value))

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        check()
        return super().visit(node, *args, **kwargs)

    # Reading --------------------------------------------------------------------------------------

    def visit_field(self, node: Any, value: Any) -> Any:
        return member(value, node["value"])

    def visit_index(self, node: Any, value: Any) -> Any:
        return super().visit_index(node, self._items(value))

    def visit_slice(self, node: Any, value: Any) -> Any:
        return super().visit_slice(node, self._items(value))

    def _items(self, value: Any) -> list[Any] | None:
        if self._objects:
            return items_of(value)
        return value if isinstance(value, list) else None

    def _json(self, value: Any) -> Any:
        """Return a value as functions and comparisons take it: they look at the names of types."""
        if self._objects and not isinstance(value, _Expression):
            value = plain(value)
        return dict(value) if isinstance(value, Members) else value

    # Projections ----------------------------------------------------------------------------------

    def visit_projection(self, node: Any, value: Any) -> Any:
        return self._projected(node, self._items(self.visit(node["children"][0], value)))

    def visit_value_projection(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, Mapping):
            base = members_of(base) if self._objects else None
        if base is None:
            return None
        return self._projected(node, [base[name] for name in sorted(base, key=str)])

    def visit_filter_projection(self, node: Any, value: Any) -> Any:
        base = self._items(self.visit(node["children"][0], value))
        condition = node["children"][2]
        if base is None:
            return None
        return self._projected(
            node,
            [item for item in base if not _is_false(self._conditions.visit(condition, item))],
        )

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self._items(self.visit(node["children"][0], value))
        if base is None:
            return None
        found: list[Any] = []
        for item in base:
            parts = self._items(item)
            if parts == [] and self._strict:
                raise LostPartError
            found.extend([item] if parts is None else parts)
        return found

    def _projected(self, node: Any, items: list[Any] | None) -> list[Any] | None:
        if items is None:
            return None
        selected = node["children"][1]
        found = []
        for item in items:
            part = self._whole(selected, self.visit(selected, item))
            lost = part is None if selected["type"] == "identity" else is_empty(part)
            if lost and self._strict:
                raise LostPartError
            if part is not None:
                found.append(part)
        return found

    # What is made of parts ------------------------------------------------------------------------

    def visit_function_expression(self, node: Any, value: Any) -> Any:
        arguments = [
            self._json(self._whole(child, self.visit(child, value))) for child in node["children"]
        ]
        return self._call(node["value"], arguments)

    def visit_comparator(self, node: Any, value: Any) -> Any:
        sides: list[Any] = [
            {"type": "literal", "value": self._json(self.visit(child, value)), "children": []}
            for child in node["children"]
        ]
        return super().visit_comparator(
            {"type": "comparator", "value": node["value"], "children": sides}, value
        )

    def visit_or_expression(self, node: Any, value: Any) -> Any:
        first, second = node["children"]
        found = self._whole(first, self.visit(first, value))
        return self._whole(second, self.visit(second, value)) if _is_false(found) else found

    def visit_and_expression(self, node: Any, value: Any) -> Any:
        first, second = node["children"]
        found = self.visit(first, value)
        return found if _is_false(found) else self._whole(second, self.visit(second, value))

    def _whole(self, node: Any, value: Any) -> Any:
        if self._strict and value is not None and _lacks_a_part(node, value):
            raise LostPartError
        return value


def wrong_call(node: Any) -> str | None:
    """Return the error in an expression's function calls; jmespath itself reports it too late."""
    if not isinstance(node, dict):
        return None
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        if name not in _Functions.FUNCTION_TABLE:
            return f"it has no function {name}"
        expected = _Functions.FUNCTION_TABLE[name]["signature"]
        variadic = bool(expected) and expected[-1].get("variadic", False)
        if given < len(expected) or (given > len(expected) and not variadic):
            return f"{name} takes {len(expected)} arguments, not {given}"
    errors = (wrong_call(child) for child in node["children"])
    return next((error for error in errors if error is not None), None)


def _is_false(value: Any) -> bool:
    return value is False or is_empty(value)


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
