"""A cluster: finds the node of a key, and follows the key when it moves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Final

from ..net.deadline import Deadline
from ..net.waiting import Waits
from .errors import FAILURES, ClusterError, is_passing, is_refusal
from .node import Node
from .resp import Command, Reply, ReplyError, ResponseError
from .slots import Address, Redirect, SlotMap, key_of, redirect_of, slot_of

MAX_REDIRECTS: Final = 5
"""The most nodes that a command follows in a row: two may name each other for a while."""

_ASKING: Final = ("ASKING",)
_CLUSTER_SLOTS: Final = ("CLUSTER", "SLOTS")


class Cluster:
    """The nodes of a cluster, found by asking the node `seed`, then one another. Thread-safe."""

    def __init__(self, seed: Address, node: Callable[[Address], Node]) -> None:
        self._seed = seed
        self._make = node
        self._nodes: dict[Address, Node] = {}
        self._slots: SlotMap | None = None
        self._is_stale = True

    async def execute(
        self, commands: Sequence[Command], waits: Waits, deadline: Deadline
    ) -> list[Reply]:
        """Send commands one by one, as they go to different nodes, and return their replies; an
        error stands in place of a reply. Raises `ClusterError`, and as `Node.execute` does."""
        return [await self._execute(command, waits, deadline) for command in commands]

    def close(self) -> None:
        """Close the idle connections. Keep the known nodes: the seed may be gone."""
        for node in tuple(self._nodes.values()):
            node.close()

    async def _execute(self, command: Command, waits: Waits, deadline: Deadline) -> Reply:
        node = await self._node_of(command, waits, deadline)
        commands = [command]
        for _ in range(MAX_REDIRECTS):
            replies = await self._ask(node, commands, waits, deadline)
            # A refused ASKING is the answer, too.
            reply = next((each for each in replies if isinstance(each, ReplyError)), replies[-1])
            redirect = redirect_of(reply, node.address)
            if redirect is None:
                return reply
            node = self._node(redirect.to)
            commands = [_ASKING, command] if redirect.ask else [command]
            if not redirect.ask:
                self._moved(redirect)
        return reply

    async def _ask(
        self, node: Node, commands: Sequence[Command], waits: Waits, deadline: Deadline
    ) -> list[Reply]:
        """Ask one node. Forget it if it does not answer: its slots are to be looked for elsewhere,
        and the others know about them."""
        try:
            return await node.execute(commands, waits, deadline)
        except (OSError, ResponseError):
            self._is_stale = True
            self._nodes.pop(node.address, None)
            raise
        finally:
            if self._nodes.get(node.address) is not node:
                node.close()  # it has been forgotten meanwhile

    async def _node_of(self, command: Command, waits: Waits, deadline: Deadline) -> Node:
        """Return the node that a command goes to first."""
        if self._slots is None or self._is_stale:
            await self._look_up(waits, deadline)
        slots = self._slots
        assert slots is not None
        key = key_of(command)
        address = slots.nodes()[0] if key is None else slots.node_of(slot_of(key))
        if address is None:
            self._is_stale = True
            raise ClusterError("the cluster is down: no node has the slot of this key")
        return self._node(address)

    def _moved(self, redirect: Redirect) -> None:
        if self._slots is not None:
            self._slots.moved(redirect.slot, redirect.to)
        self._is_stale = True  # others will have moved with it

    async def _look_up(self, waits: Waits, deadline: Deadline) -> None:
        """Ask the nodes for the slots until one answers. If none does, keep those that are known;
        without any, raise the last node's error."""
        for address in dict.fromkeys((*self._nodes, self._seed)):
            node = self._node(address)
            try:
                [reply] = await self._ask(node, (_CLUSTER_SLOTS,), waits, deadline)
                slots = _slots(reply, address)
            except FAILURES as error:
                failure = error
                continue
            self._slots = slots
            self._is_stale = False
            self._keep(slots.nodes())
            return
        if self._slots is None:
            raise failure

    def _keep(self, addresses: Collection[Address]) -> None:
        """Forget the nodes that the cluster has no longer."""
        for address in tuple(self._nodes):
            if address not in addresses and (gone := self._nodes.pop(address, None)) is not None:
                gone.close()

    def _node(self, address: Address) -> Node:
        return self._nodes.get(address) or self._nodes.setdefault(address, self._make(address))


def _slots(reply: Reply, asked: Address) -> SlotMap:
    """Return the slots in a reply. Raises `ClusterError`, or the reply if that is an error."""
    if is_refusal(reply) or is_passing(reply):
        assert isinstance(reply, ReplyError)
        raise reply
    if isinstance(reply, ReplyError) and reply.status_code == "NOPERM":
        raise ClusterError("the user lacks +cluster|slots, which a cluster's client needs")
    try:
        slots = SlotMap(reply, asked)
    except ValueError:
        raise ClusterError(
            "it did not answer as a node of a cluster, and `cluster` is true"
        ) from None
    if not slots.nodes():
        raise ClusterError("the cluster is down: no node has any slots")
    return slots
