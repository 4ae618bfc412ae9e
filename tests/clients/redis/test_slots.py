"""The slots of a cluster: the key's slot, the slot's node, and redirects to other nodes."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from lambda_idempotency.clients.redis.resp import Reply, ReplyError
from lambda_idempotency.clients.redis.slots import (
    SLOTS,
    Address,
    Redirect,
    SlotMap,
    key_of,
    redirect_of,
    slot_of,
)

ASKED: Final = Address("asked", 7000)
ONE, TWO, THREE = Address("one", 7001), Address("two", 7002), Address("three", 7003)


# Slots --------------------------------------------------------------------------------------------


@given(key=st.text("{}#ab", max_size=12) | st.text() | st.binary())
def test_a_key_has_the_slot_that_another_client_computes(key: str | bytes) -> None:
    data = key.encode() if isinstance(key, str) else key
    assert slot_of(key) == key_slot(data)


def test_the_slots_of_the_specification_are_found() -> None:
    assert slot_of("123456789") == 0x31C3
    assert slot_of("shop#{order}1") == slot_of("shop#{order}2") == slot_of("order")
    assert slot_of("shop#{}1") != slot_of("shop#{}2")


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("EVALSHA", "sha", 1, "shop#1", "owner"), "shop#1"),
        (("EVAL", "text", 1, b"shop#1"), b"shop#1"),
        (("HGETALL", "shop#1"), "shop#1"),
        (("INFO", "memory"), None),
    ],
)
def test_the_key_of_a_command_is_found(command: tuple[Any, ...], key: Any) -> None:
    assert key_of(command) == key


# The map ------------------------------------------------------------------------------------------


def _slots(*ranges: tuple[int, int, Address]) -> list[Any]:
    """Return the reply to CLUSTER SLOTS, as Redis 7 gives it."""
    replica = [b"replica", 7009, b"id", []]
    return [
        [start, end, [node.host.encode(), node.port, b"id", [b"ip", b"10.0.0.1"]], replica]
        for start, end, node in ranges
    ]


@pytest.fixture
def slots() -> SlotMap:
    """Return a map of three nodes, whose ranges came in another order, with slots of nobody."""
    return SlotMap(_slots((6000, 9999, TWO), (0, 5000, ONE), (10_000, SLOTS - 1, ONE)), ASKED)


@pytest.mark.parametrize(
    ("slot", "node"),
    [(0, ONE), (5000, ONE), (5001, None), (6000, TWO), (9999, TWO), (10_000, ONE), (16_383, ONE)],
)
def test_a_slot_is_at_its_primary(slots: SlotMap, slot: int, node: Address | None) -> None:
    assert slots.node_of(slot) == node


def test_a_slot_that_has_moved_is_at_its_new_node(slots: SlotMap) -> None:
    slots.moved(1, THREE)
    assert [slots.node_of(slot) for slot in (0, 1, 2)] == [ONE, THREE, ONE]
    assert slots.nodes() == [ONE, TWO, THREE]


@pytest.mark.parametrize("host", [b"", None, b"?"])
def test_a_node_without_a_name_is_where_it_was_asked(host: bytes | None) -> None:
    assert SlotMap([[0, 1, [host, 7001, b"id"]]], ASKED).node_of(0) == Address("asked", 7001)


def test_an_empty_cluster_has_no_nodes() -> None:
    slots = SlotMap([], ASKED)
    assert slots.node_of(0) is None
    assert slots.nodes() == []


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"OK",
        ReplyError("ERR"),
        [1],
        [[0, 1]],
        [[0, 1, []]],
        [[0, 1, b"one"]],
        [[b"0", 1, [b"one", 7001]]],
        [[0, 1, [b"one", b"7001"]]],
        [[0, 1, [b"one", 0]]],
        [[0, 1, [b"one", 65_536]]],
        [[0, 1, [7, 7001]]],
        [[0, 1, [b"\xff", 7001]]],
    ],
    ids=repr,
)
def test_another_reply_is_no_map(reply: Reply) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any says it
        SlotMap(reply, ASKED)


# Redirects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "redirect"),
    [
        ("MOVED 3999 127.0.0.1:7001", Redirect(3999, Address("127.0.0.1", 7001), ask=False)),
        ("ASK 3999 127.0.0.1:7001", Redirect(3999, Address("127.0.0.1", 7001), ask=True)),
        ("MOVED 1 ::1:7001", Redirect(1, Address("::1", 7001), ask=False)),
        ("MOVED 1 :7001", Redirect(1, Address("asked", 7001), ask=False)),
        ("MOVED 1 ?:7001", Redirect(1, Address("asked", 7001), ask=False)),
    ],
)
def test_a_redirect_names_the_node(words: str, redirect: Redirect) -> None:
    assert redirect_of(ReplyError(words), ASKED) == redirect


@pytest.mark.parametrize(
    "reply",
    [
        b"MOVED 1 one:7001",
        None,
        ReplyError("MOVED"),
        ReplyError("MOVED x one:7001"),
        ReplyError("MOVED 1 one:x"),
        ReplyError("MOVED 1 one:70000"),
        ReplyError("ERR MOVED 1 one:7001"),
    ],
    ids=repr,
)
def test_another_reply_is_no_redirect(reply: Reply) -> None:
    assert redirect_of(reply, ASKED) is None
