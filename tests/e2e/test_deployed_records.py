"""A deployed handler of records behind a queue."""

from __future__ import annotations

import time
from uuid import uuid4

from kit.deployed import Deployed

PATIENCE = 60.0
"""Seconds."""


def _until(deployed: Deployed, items: list[str]) -> None:
    """Until these messages have had an effect, and the queue is empty."""
    deadline = time.monotonic() + PATIENCE
    while not all(map(deployed.effects, items)) or deployed.queued():
        assert time.monotonic() < deadline, "messages have had no effect"
        time.sleep(0.1)


def test_a_poisoned_message_is_delivered_again_until_it_succeeds(deployed: Deployed) -> None:
    bodies = [{"id": uuid4().hex, "amount": 1} for _ in range(3)]
    items = deployed.send([{**bodies[0], "poisoned": True}, *bodies[1:]])
    _until(deployed, items)
    assert [deployed.effects(item) for item in items] == [1, 1, 1]


def test_what_is_sent_twice_has_one_effect(deployed: Deployed) -> None:
    body = {"id": uuid4().hex, "amount": 1}
    first = deployed.send([body])
    _until(deployed, first)
    second = deployed.send([body])
    _until(deployed, first)
    assert [deployed.effects(item) for item in [*first, *second]] == [1, 0]
