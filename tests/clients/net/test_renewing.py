"""Values that end: renewed ahead, once, and the old one used while it is good."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.clocks import ManualClock
from lambda_idempotency.clients.net import renewing as module
from lambda_idempotency.clients.net.deadline import Deadline
from lambda_idempotency.clients.net.renewing import RETRY_AFTER_S, Loaded, Renewing
from lambda_idempotency.clients.net.waiting import BLOCKING, Waits, run


class Source:
    """Values that are to be renewed after 50 seconds, and end after 100."""

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.clock = ManualClock()
        self.loads = 0
        self.lefts: list[float] = []
        self._before = before
        self.values = Renewing(self._load, failures=OSError, clock=self.clock)

    async def _load(self, waits: Waits, deadline: Deadline) -> Loaded[str]:
        self.loads += 1
        self.lefts.append(deadline.left())
        self._before()
        now = self.clock()
        return Loaded(f"value {self.loads}", now + 50, now + 100)

    def current(self, seconds: float = 30) -> str:
        return run(self.values.current(BLOCKING, Deadline(seconds)))


def test_a_value_is_kept_until_it_is_due_and_then_renewed() -> None:
    source = Source()
    values = [source.current()]
    for seconds in (49, 2):
        source.clock.advance(seconds)
        values.append(source.current())
    assert values == ["value 1", "value 1", "value 2"]


def test_while_one_renews_the_others_use_the_old_value() -> None:
    renewing, done = threading.Event(), threading.Event()

    def wait() -> None:
        if source.loads > 1:
            renewing.set()
            assert done.wait(30)

    source = Source(wait)
    source.current()
    source.clock.advance(60)
    with ThreadPoolExecutor(1) as pool:
        renewed = pool.submit(source.current)
        assert renewing.wait(30)
        assert source.current() == "value 1"
        done.set()
        assert renewed.result() == "value 2"


def test_a_renewal_that_fails_is_tried_again_later_and_the_old_value_used_to_its_end() -> None:
    def fail() -> None:
        if source.loads > 1:
            raise OSError("failed")

    source = Source(fail)
    source.current()
    source.clock.advance(60)
    assert [source.current(), source.current()] == ["value 1", "value 1"]
    assert source.loads == 2
    source.clock.advance(RETRY_AFTER_S)
    assert source.current() == "value 1"
    assert source.loads == 3
    source.clock.advance(40)
    with pytest.raises(OSError, match="failed"):
        source.current()


def test_no_failed_renewal_makes_a_value_last_beyond_its_end() -> None:
    def fail() -> None:
        if source.loads > 1:
            raise OSError("failed")

    source = Source(fail)
    source.current()
    source.clock.advance(99)
    assert source.current() == "value 1"
    source.clock.advance(2)
    with pytest.raises(OSError, match="failed"):
        source.current()


def test_a_value_that_was_refused_is_loaded_anew() -> None:
    source = Source()
    source.values.refused(source.current())
    assert source.current() == "value 2"
    source.values.refused("value 1")  # a request that was under way
    assert source.current() == "value 2"


def test_a_load_that_stands_still_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.01)
    found: list[str] = []

    def interrupt() -> None:
        if source.loads == 1:  # a signal's handler, in the thread that holds the lock
            found.append(source.current(seconds=0.5))

    source = Source(interrupt)
    source.current(seconds=0.5)
    assert found == ["value 2"]
    assert source.lefts[1] > 0  # there is time left to load it
