"""The way of a command through a cluster: the nodes that are asked, noted and forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest

from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.secret import Secret
from lambda_idempotency.clients.net.waiting import BLOCKING, Waits, run
from lambda_idempotency.clients.redis.cluster import MAX_REDIRECTS, Cluster
from lambda_idempotency.clients.redis.credentials import Login
from lambda_idempotency.clients.redis.errors import ClusterError, HandshakeError, RefusedError
from lambda_idempotency.clients.redis.resp import Command, Reply, ReplyError
from lambda_idempotency.clients.redis.slots import SLOTS, Address, slot_of

SEED, ONE, TWO, THREE = (Address(name, 7000) for name in ("seed", "one", "two", "three"))
KEY: Final = "shop#1"
GET: Final = ("HGETALL", KEY)
MOVED: Final = ReplyError(f"MOVED {slot_of(KEY)} two:7000")
ASK: Final = ReplyError(f"ASK {slot_of(KEY)} two:7000")

Answer = Callable[[Command], Any]


def _slots(*owners: tuple[int, int, Address]) -> list[Any]:
    return [[start, end, [node.host.encode(), node.port, b"id"]] for start, end, node in owners]


def _all_at(*nodes: Address) -> list[Any]:
    """Return the slots of a cluster whose first node has all but one."""
    first, *others = nodes
    return _slots((0, SLOTS - 1 - len(others), first), *((SLOTS - 1, SLOTS - 1, n) for n in others))


class World:
    """Nodes that answer as they are told, and what they were asked."""

    def __init__(self) -> None:
        self.slots: dict[Address, Any] = {}
        self.answers: dict[Address, Any] = {}
        self.asked: list[tuple[Address, str]] = []
        self.closed: list[Address] = []
        self.cluster = Cluster(SEED, lambda address: FakeNode(self, address))  # type: ignore[arg-type, return-value]

    def execute(self, *commands: Command) -> list[Reply]:
        """Send commands, and return their replies."""
        return run(self.cluster.execute(commands or [GET], BLOCKING, Deadline(30)))

    def names(self) -> list[str]:
        """Return the commands since the last time, each with its node."""
        names = [f"{command} {address.host}" for address, command in self.asked]
        self.asked.clear()
        return names


class FakeNode:
    def __init__(self, world: World, address: Address) -> None:
        self.address = address
        self._world = world

    async def execute(
        self, commands: Sequence[Command], waits: Waits, deadline: Deadline
    ) -> list[Any]:
        replies = []
        for command in commands:
            self._world.asked.append((self.address, str(command[0])))
            table = self._world.slots if command[0] == "CLUSTER" else self._world.answers
            reply = b"OK" if command[0] == "ASKING" else table.get(self.address, b"reply")
            if isinstance(reply, Exception) and not isinstance(reply, ReplyError):
                raise reply
            replies.append(reply)
        return replies

    def close(self) -> None:
        self._world.closed.append(self.address)


@pytest.fixture
def world() -> World:
    """Return a cluster whose seed tells that node one has the key."""
    world = World()
    world.slots = {node: _all_at(ONE, TWO) for node in (SEED, ONE, TWO, THREE)}
    return world


# Finding nodes ------------------------------------------------------------------------------------


def test_the_seed_is_asked_once_for_the_slots(world: World) -> None:
    for _ in range(3):
        assert world.execute() == [b"reply"]
    assert world.names() == ["CLUSTER seed", *["HGETALL one"] * 3]


def test_the_seed_is_forgotten_where_it_is_no_node(world: World) -> None:
    """It may be a name for any node."""
    world.execute()
    assert world.closed == [SEED]


def test_commands_go_one_by_one_each_to_its_node(world: World) -> None:
    other = next(f"shop#{n}" for n in range(10**6) if slot_of(f"shop#{n}") == SLOTS - 1)
    assert world.execute(GET, ("HGETALL", other), ("INFO", "memory")) == [b"reply"] * 3
    assert world.names() == ["CLUSTER seed", "HGETALL one", "HGETALL two", "INFO one"]


def test_a_slot_of_nobody_is_looked_for_again_at_the_next_command(world: World) -> None:
    world.slots = dict.fromkeys(world.slots, _slots((0, 0, ONE)))
    for _ in range(2):
        with pytest.raises(ClusterError, match="no node has the slot of this key"):
            world.execute()
    assert world.names() == ["CLUSTER seed"] * 2
    world.slots = dict.fromkeys(world.slots, _all_at(ONE))
    assert world.execute() == [b"reply"]


# Redirects ----------------------------------------------------------------------------------------


def test_a_key_that_has_moved_is_followed_and_its_slot_noted(world: World) -> None:
    world.answers[ONE] = MOVED
    assert world.execute() == [b"reply"]
    assert world.names() == ["CLUSTER seed", "HGETALL one", "HGETALL two"]
    world.slots = dict.fromkeys(world.slots, _all_at(TWO))
    assert world.execute() == [b"reply"]
    assert world.names() == ["CLUSTER one", "HGETALL two"]
    world.execute()
    assert world.names() == ["HGETALL two"]


def test_a_slot_that_has_moved_is_noted_also_where_nobody_tells_the_others(world: World) -> None:
    world.answers[ONE] = MOVED
    world.execute()
    world.slots = {}
    world.names()
    assert world.execute() == [b"reply"]
    assert [name for name in world.names() if "HGETALL" in name] == ["HGETALL two"]


def test_a_key_that_is_moving_is_asked_for_there_and_nothing_noted(world: World) -> None:
    world.answers[ONE] = ASK
    for _ in range(2):
        assert world.execute() == [b"reply"]
    once = ["HGETALL one", "ASKING two", "HGETALL two"]
    assert world.names() == ["CLUSTER seed", *once, *once]


def test_nodes_that_name_each_other_are_not_followed_for_ever(world: World) -> None:
    world.answers = {ONE: MOVED, TWO: ReplyError(f"MOVED {slot_of(KEY)} one:7000")}
    [reply] = world.execute()
    assert isinstance(reply, ReplyError)
    assert len(world.names()) == 1 + MAX_REDIRECTS


def test_an_error_that_is_no_redirect_is_the_reply(world: World) -> None:
    world.answers[ONE] = ReplyError("OOM command not allowed")
    assert world.execute() == [world.answers[ONE]]


# Nodes that fail ----------------------------------------------------------------------------------


def test_a_node_that_does_not_answer_is_forgotten_and_the_others_are_asked(world: World) -> None:
    world.execute()
    world.names()
    world.answers[ONE] = TimeoutError()
    with pytest.raises(TimeoutError):
        world.execute()
    assert ONE in world.closed
    world.slots = {**dict.fromkeys(world.slots, _all_at(TWO)), ONE: TimeoutError()}
    assert world.execute() == [b"reply"]
    assert world.names() == ["HGETALL one", "CLUSTER seed", "HGETALL two"]


def test_while_nobody_tells_the_slots_the_known_ones_serve(world: World) -> None:
    world.execute()
    world.answers[ONE] = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        world.execute()
    world.slots = dict.fromkeys(world.slots, ConnectionRefusedError())
    del world.answers[ONE]
    assert world.execute() == [b"reply"]


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (TimeoutError("late"), TimeoutError, "late"),
        (HandshakeError("ERR"), HandshakeError, "ERR"),
        (RefusedError(Login(None, Secret("x"))), RefusedError, "refused"),
        (ReplyError("NOAUTH"), ReplyError, "NOAUTH"),
        (ReplyError("LOADING"), ReplyError, "LOADING"),
        (ReplyError("NOPERM"), ClusterError, r"the user lacks \+cluster\|slots"),
        (ReplyError("ERR"), ClusterError, "did not answer as a node of a cluster"),
        (b"OK", ClusterError, "did not answer as a node of a cluster"),
        ([], ClusterError, "the cluster is down: no node has any slots"),
    ],
    ids=repr,
)
def test_a_seed_that_does_not_tell_the_slots_is_named(
    world: World, answer: Any, kind: type[Exception], words: str
) -> None:
    world.slots[SEED] = answer
    with pytest.raises(kind, match=words):
        world.execute()


@pytest.mark.parametrize(
    "answer", [TimeoutError(), RefusedError(Login(None, Secret("x"))), [], ReplyError("LOADING")]
)
def test_the_next_node_is_asked_where_one_does_not_tell(world: World, answer: Any) -> None:
    world.answers[ONE] = MOVED
    world.execute()  # to look again
    world.slots = {ONE: answer, TWO: _all_at(TWO, THREE)}
    assert world.execute() == [b"reply"]
    assert world.names()[3:] == ["CLUSTER one", "CLUSTER two", "HGETALL two"]


def test_closing_keeps_the_known_nodes(world: World) -> None:
    world.execute()
    world.names()
    world.cluster.close()
    assert world.closed[-1] == ONE
    world.execute()
    assert world.names() == ["HGETALL one"]
