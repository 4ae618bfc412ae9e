"""Keys that JMESPath would make of a part of what they name: they are missing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.planted import plant, refutes
from lambda_idempotency.identity.interpreter import Interpreter
from lambda_idempotency.identity.keys import KeyAbsentError, Selector

ONE: Final = {"items": [{"sku": 1}]}
TWO: Final = {"items": [{"sku": 1}, {"name": "x"}]}


def select(expression: str, event: Any) -> Any:
    return Selector("key", expression).select(event)


@pytest.mark.parametrize(
    ("expression", "event"),
    [
        ("items[*].sku", TWO),
        ("items[].sku", TWO),
        ("items[0:2].sku", TWO),
        ("items[*].sku | [0]", TWO),
        ("[items[*].sku]", TWO),
        ("{skus: items[*].sku}", TWO),
        ("length(items[*].sku)", TWO),
        ("to_string(items[*].sku)", TWO),
        ("items[*].sku || 'none'", TWO),
        ("nothing || items[*].sku", TWO),
        ("items && items[*].sku", TWO),
        ("items[?sku || name].sku", TWO),
        ("items[*].[sku]", TWO),
        ("items[*].{sku: sku}", TWO),
        ("items[*].{id: [sku, name]}", {"items": [{"sku": 1, "name": ""}]}),
        ("items[*].sku", {"items": [{"sku": 1}, {"sku": ""}]}),
        ("items[*].sku", {"items": [{"sku": 1}, {"sku": None}]}),
        ("items[*]", {"items": [1, None]}),
        ("items[]", {"items": [1, None]}),
        ("items[]", {"items": [[1], []]}),
        ("items[].tags[]", {"items": [{"tags": [1]}, {"tags": []}]}),
        ("items[*].tags[*]", {"items": [{"tags": [1]}, {"tags": []}]}),
        ("items[*].tags[*].id", {"items": [{"tags": [{"id": 1}, {}]}]}),
        ("prices.*", {"prices": {"a": 1, "b": None}}),
        ("items.*.sku", {"items": {"a": {"sku": 1}, "b": {}}}),
        ("[id, part] || other", {"id": 1, "other": 2}),
        ("other || [id, part]", {"id": 1}),
        ("other && [id, part]", {"id": 1, "other": 2}),
        ("to_string([id, part])", {"id": 1}),
        ("to_string(part)", {"id": 1}),
        ("to_array(part)", {"id": 1}),
        ("[id, to_string(part)]", {"id": 1}),
        ("[id, part][]", {"id": 1}),
    ],
)
@pytest.mark.parametrize("source", ["event", "arguments"])
def test_a_key_that_would_lose_a_part_is_missing(expression: str, event: Any, source: str) -> None:
    with pytest.raises(KeyAbsentError, match="missing"):
        Selector("key", expression, source=source).select(event)


@pytest.mark.parametrize(
    ("expression", "event", "selected"),
    [
        ("items[*].sku", ONE, [1]),
        ("items[*].sku", {"items": [{"sku": 0}, {"sku": False}]}, [0, False]),
        ("items[?sku].sku", TWO, [1]),
        ("items[?sku].sku | [0]", TWO, 1),
        ("items[?tags[*].id == `[1]`].sku", {"items": [{"sku": 7, "tags": [{"id": 1}, {}]}]}, [7]),
        ("items[?!sku].name", TWO, ["x"]),
        ("items[0].sku", TWO, 1),
        ("items[-1].name", TWO, "x"),
        ("items[:1].sku", TWO, [1]),
        ("items[*]", {"items": ["", 0, []]}, ["", 0, []]),
        ("items", {"items": [1, None]}, [1, None]),
        ("items[].tags[]", {"items": [{"tags": [1]}, {"tags": [2, 3]}]}, [1, 2, 3]),
        ("items[*].[sku, qty]", {"items": [{"sku": 1, "qty": 2}]}, [[1, 2]]),
        ("items[*].not_null(sku, name)", TWO, [1, "x"]),
        ("items[*].[sku || name][]", TWO, [1, "x"]),
        ("map(&sku, items)", TWO, [1, None]),
        ("prices.*", {"prices": {"b": 2, "a": 1}}, [1, 2]),
        ("keys(prices)", {"prices": {"b": 2, "a": 1}}, ["a", "b"]),
        ("values(prices)", {"prices": {"b": 2, "a": 1}}, [1, 2]),
        ("to_string(prices)", {"prices": {"b": 2.0, "a": 1}}, '{"a":1,"b":2}'),
        ("[id, part] | [0]", {"id": 1}, 1),
        ("id || part", {"part": 1}, 1),
        ("id == `null`", {}, True),
        ("sort_by(items, &sku)[*].sku", {"items": [{"sku": 2}, {"sku": 1}]}, [1, 2]),
        ("items[*].sku", {"items": []}, None),
        ("items.sku", ONE, None),
    ],
)
@pytest.mark.parametrize("source", ["event", "arguments"])
def test_a_key_that_is_all_there_is_what_jmespath_selects(
    expression: str, event: Any, selected: Any, source: str
) -> None:
    selector = Selector("key", expression, source=source)
    if selected is None:
        with pytest.raises(KeyAbsentError):
            selector.select(event)
    else:
        assert selector.select(event) == selected


class Line(NamedTuple):
    sku: int | None


@dataclass
class Order:
    items: Any


@pytest.mark.parametrize("kind", [list, tuple, deque])
def test_arguments_lose_no_part_either(kind: Any) -> None:
    key = Selector("key", "order.items[*].sku", source="arguments")
    assert key.select({"order": Order(kind([Line(1), {"sku": 2}]))}) == [1, 2]
    with pytest.raises(KeyAbsentError, match="part of the key"):
        key.select({"order": Order(kind([Line(1), Line(None)]))})


PARTS = st.fixed_dictionaries({}, optional={"sku": st.none() | st.integers(0, 2)})
EVENTS = st.fixed_dictionaries({"items": st.lists(PARTS | st.none(), max_size=3)})
EXPRESSIONS = st.sampled_from(
    ("items[*].sku", "items[].sku", "items[:9].sku", "[items[*].sku]", "items[*].[sku]")
)


@given(EXPRESSIONS, EVENTS, EVENTS)
def test_two_lists_of_parts_have_one_key_only_where_all_their_parts_are_equal(
    expression: str, one: Any, other: Any
) -> None:
    found = []
    for event in (one, other):
        try:
            found.append(select(expression, event))
        except KeyAbsentError:
            return
    parts = [[item["sku"] for item in event["items"]] for event in (one, other)]
    assert (found[0] == found[1]) == (parts[0] == parts[1])


def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch, Interpreter.visit_projection, "is_empty", lambda value: False)
    plant(monkeypatch, Interpreter.visit_projection, "_lacks_a_part", lambda node, value: False)
    assert refutes(
        test_two_lists_of_parts_have_one_key_only_where_all_their_parts_are_equal,
        *(EXPRESSIONS, EVENTS, EVENTS),
    )
