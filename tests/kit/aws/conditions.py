"""DynamoDB's condition expressions, as far as this library and Powertools use them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, TypeAlias

Item: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Facts:
    """The stored item and the request's placeholders, on which a condition is evaluated."""

    item: Item
    names: dict[str, str]
    values: Item

    def operand(self, token: str) -> dict[str, Any] | None:
        """Return the typed value of a placeholder; None for an attribute that the item lacks."""
        if token.startswith(":"):
            return self.values[token]
        return self.item.get(self.names.get(token, token))


Condition: TypeAlias = Callable[[Facts], bool]

_TOKENS: Final = re.compile(r"[()]|<=|>=|<>|[<>=]|[#:]?\w+")
_COMPARE: Final = {"=": eq, "<>": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@cache
def compiled(expression: str) -> Condition:
    """Parse an expression into a function; each expression is parsed once."""
    tokens = _TOKENS.findall(expression)[::-1]
    condition = _any_of(tokens)
    assert not tokens, expression
    return condition


def _any_of(tokens: list[str]) -> Condition:
    parts = [_all_of(tokens)]
    while tokens and tokens[-1] == "OR":
        tokens.pop()
        parts.append(_all_of(tokens))
    return lambda facts: any(part(facts) for part in parts)


def _all_of(tokens: list[str]) -> Condition:
    parts = [_term(tokens)]
    while tokens and tokens[-1] == "AND":
        tokens.pop()
        parts.append(_term(tokens))
    return lambda facts: all(part(facts) for part in parts)


def _term(tokens: list[str]) -> Condition:
    token = tokens.pop()
    if token == "(":
        inner = _any_of(tokens)
        tokens.pop()
        return inner
    if token in ("attribute_exists", "attribute_not_exists"):
        _, name, _ = tokens.pop(), tokens.pop(), tokens.pop()
        wanted = token == "attribute_exists"
        return lambda facts: (facts.operand(name) is not None) is wanted
    compare, other = _COMPARE[tokens.pop()], tokens.pop()

    def comparison(facts: Facts) -> bool:
        left, right = facts.operand(token), facts.operand(other)
        if left is None or right is None or left.keys() != right.keys():
            return False
        (kind,) = left
        if kind == "N":
            return bool(compare(int(left[kind]), int(right[kind])))
        return bool(compare(left[kind], right[kind]))

    return comparison
