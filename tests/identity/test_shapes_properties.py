"""A key is what it says, wherever an event has it and however it is selected."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.http_events import Http, alb, http_1, http_2, rest, url
from kit.planted import plant, refutes
from kit.references import meaning
from kit.strategies import respelled, values
from lambda_idempotency import MemoryStore, MissingKeyError, idempotent
from lambda_idempotency.identity import events, expressions, texts


class Model(pydantic.BaseModel):
    order_id: Any = pydantic.Field(alias="orderId")


@dataclass
class Data:
    orderId: Any  # noqa: N815 - as it is in JSON


def _json(value: Any) -> str:
    return json.dumps({"orderId": value}, default=float)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Shape(NamedTuple):
    """An event that has a value, and the key that selects it. `group` tells scopes apart."""

    event: Callable[[Any], Any]
    key: Any
    group: str = ""


def _request(shape: Callable[[Http], Any]) -> Shape:
    return Shape(lambda value: shape(Http(body=_json(value))), "body.orderId", shape.__name__)


SHAPES: Final = (
    Shape(lambda value: {"orderId": value}, "orderId"),
    Shape(lambda value: {"orderId": value}, lambda event: event["orderId"]),
    Shape(lambda value: {"order": [{"orderId": value}]}, "order[0].orderId"),
    Shape(lambda value: {"a": {"orderId": value}}, "a | orderId"),
    Shape(lambda value: {"body": {"Message": _json(value)}}, "json(body.Message).orderId"),
    Shape(lambda value: {"data": _base64(_json(value).encode())}, "json(base64(data)).orderId"),
    Shape(
        lambda value: {"data": _base64(gzip.compress(_json(value).encode()))},
        "powertools_json(powertools_base64_gzip(data)).orderId",
    ),
    Shape(lambda value: Model(orderId=value), "orderId"),
    Shape(lambda value: Model(orderId=value), "order_id"),
    Shape(Data, "orderId"),
    Shape(Data, lambda event: event.orderId),
    *map(_request, (rest, http_1, http_2, url, alb)),
)


def _handler(event: Any, context: Any) -> None:
    return None


HANDLERS: Final = {
    shape: idempotent(store=MemoryStore(), key=shape.key)(_handler) for shape in SHAPES
}

SMALL: Final = values(("a", "orderId"))
PAIRS: Final = SMALL.flatmap(lambda value: st.tuples(st.just(value), respelled(value) | SMALL))
CHOSEN: Final = st.tuples(st.sampled_from(SHAPES), st.sampled_from(SHAPES))


def _id(shape: Shape, value: Any) -> str | None:
    try:
        return HANDLERS[shape].record_id(shape.event(value))
    except MissingKeyError:
        return None


@given(CHOSEN, PAIRS)
def test_two_events_of_any_shape_have_one_id_only_where_their_keys_mean_the_same(
    shapes: tuple[Shape, Shape], pair: tuple[Any, Any]
) -> None:
    one, other = (_id(shape, value) for shape, value in zip(shapes, pair, strict=True))
    if one is not None and other is not None:
        same = meaning(pair[0]) == meaning(pair[1]) and shapes[0].group == shapes[1].group
        assert (one == other) == same


@given(
    CHOSEN.filter(lambda shapes: all(isinstance(shape.key, str) for shape in shapes)),
    SMALL,
)
def test_a_key_is_missing_in_every_shape_or_in_none(
    shapes: tuple[Shape, Shape], value: Any
) -> None:
    one, other = (_id(shape, value) for shape in shapes)
    assert (one is None) == (other is None)


@pytest.mark.parametrize(
    ("beside", "name", "defect"),
    [
        (texts.from_json, "parse", lambda text: json.loads(text, parse_float=lambda _: 0)),
        (events.as_json, "plain", lambda event: {"orderId": 1, "order_id": 1}),
        (expressions.near_miss, "member", lambda value, name: value and str(value)),
    ],
)
def test_a_defect_is_found(
    monkeypatch: pytest.MonkeyPatch, beside: Any, name: str, defect: Any
) -> None:
    plant(monkeypatch, beside, name, defect)
    assert refutes(
        test_two_events_of_any_shape_have_one_id_only_where_their_keys_mean_the_same, CHOSEN, PAIRS
    )
