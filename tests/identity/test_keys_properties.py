"""Any event has a key or is refused, and two have one key only if they mean the same."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.planted import plant, refutes
from kit.references import meaning
from kit.strategies import respelled, thorough, values
from lambda_idempotency import MissingKeyError
from lambda_idempotency.identity.keys import KeyRule, Selector

NAMES: Final = ("id", "body", "order", "1", "1.0", "a.b")
WHOLE_EVENT: Final = KeyRule("shop", "handler")
BY_PATH: Final = KeyRule("shop", "handler", key=Selector("key", "id"))
BY_TWO_PATHS: Final = KeyRule("shop", "handler", key=Selector("key", "[id, body]"))
BY_CODE: Final = KeyRule("shop", "handler", key=Selector("key", lambda event: event["id"]))

RULES: Final = st.sampled_from((WHOLE_EVENT, BY_PATH, BY_TWO_PATHS, BY_CODE))

SMALL: Final = values(NAMES)
EVENTS: Final = SMALL | st.fixed_dictionaries(
    {"id": SMALL, "body": SMALL}, optional={"order": SMALL}
)
PAIRS: Final = EVENTS.flatmap(lambda event: st.tuples(st.just(event), respelled(event) | EVENTS))


def _identity(rule: KeyRule, event: Any) -> str | None:
    try:
        return rule.identify(event).key
    except MissingKeyError:
        return None


def _chosen(rule: KeyRule, event: Any) -> Any:
    """Return the part of the event that the rule takes for the key."""
    if rule is WHOLE_EVENT:
        return event
    return [event["id"], event["body"]] if rule is BY_TWO_PATHS else event["id"]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | tuple | dict) and len(value) == 0)


@thorough
@given(RULES, PAIRS)
def test_two_events_have_one_key_only_where_they_mean_the_same(
    rule: KeyRule, pair: tuple[Any, Any]
) -> None:
    one, other = (_identity(rule, event) for event in pair)
    if one is not None and other is not None:
        chosen = [_chosen(rule, event) for event in pair]
        assert not any(map(_is_missing, chosen))
        assert (one == other) == (meaning(chosen[0]) == meaning(chosen[1]))


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("canonical", lambda value, parsed: repr(value).encode()),
        ("is_empty", lambda value: value in ("", None)),
    ],
)
def test_a_defect_is_found(monkeypatch: pytest.MonkeyPatch, name: str, defect: Any) -> None:
    plant(monkeypatch, KeyRule.identify, name, defect)
    assert refutes(test_two_events_have_one_key_only_where_they_mean_the_same, RULES, PAIRS)
