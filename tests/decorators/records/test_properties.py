"""A batch's response reports exactly what happened to each of its records."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.batches import (
    Orders,
    Record,
    batch,
    by_partition,
    dynamodb,
    failures,
    fifo,
    item_of,
    kafka,
    kinesis,
    sqs,
)
from kit.clocks import ManualClock
from kit.counted import CountedStore, PairingStore
from lambda_idempotency import StoreError, idempotent_records
from lambda_idempotency.drivers import sync

LEASE = 60
"""Seconds."""


class Fate(NamedTuple):
    """The fate of one record of a batch."""

    group: str
    before: str
    poisoned: bool
    has_key: bool

    @property
    def fails(self) -> bool:
        if not self.has_key or self.before == "in progress":
            return True
        return self.poisoned and self.before == "new"


FATES = st.lists(
    st.builds(
        Fate,
        group=st.sampled_from("ab"),
        before=st.sampled_from(["new", "new", "done", "in progress"]),
        poisoned=st.booleans(),
        has_key=st.sampled_from([True, True, True, False]),
    ),
    max_size=8,
)
SOURCES = st.sampled_from(["sqs", "fifo", "kinesis", "dynamodb", "kafka"])
STORES = st.sampled_from([CountedStore, PairingStore])


def record_of(source: str, number: int, fate: Fate) -> Record:
    item = str(number)
    if source == "fifo":
        return fifo(item, fate.group)
    if source == "sqs":
        return sqs(item)
    if source == "kafka":
        return kafka(item, partition="ab".index(fate.group))
    return kinesis(item) if source == "kinesis" else dynamodb(item)


def expected(source: str, fates: list[Fate]) -> list[str]:
    """Return the failures to report: a failure stops its FIFO group, its partition or its shard."""
    found, stopped = [], set()
    for number, fate in enumerate(fates):
        group = {"sqs": number, "fifo": fate.group, "kafka": fate.group}.get(source, "all")
        if group in stopped or fate.fails:
            stopped.add(group)
            found.append(str(number))
    return found


class World:
    """A store and a handler; some of the records have been delivered before."""

    def __init__(self, source: str, fates: list[Fate], kind: type[CountedStore]) -> None:
        self.clock = ManualClock()
        self._is_kafka = source == "kafka"
        self.store = kind(self.clock)
        self.orders = Orders()
        self.records = [record_of(source, *numbered) for numbered in enumerate(fates)]
        self._keyless = [str(number) for number, fate in enumerate(fates) if not fate.has_key]
        for record, fate in zip(self.records, fates, strict=True):
            if fate.before == "done":
                self.handle([record])
            elif fate.before == "in progress":
                self._die(record)
        self.keys_are_missing = True

    keys_are_missing = False

    def handle(self, records: list[Record]) -> list[str]:
        """Deliver the records, and return the reported failures."""

        def key(record: Record) -> Any:
            item = item_of(record)
            return None if self.keys_are_missing and item in self._keyless else item

        handler = idempotent_records(store=self.store, key=key, lease=LEASE)(self.orders)
        if not self._is_kafka:
            return failures(handler(batch(*records), None))
        failed = failures(handler(by_partition(*records), None))
        return list(map(str, sorted(failure["offset"] for failure in failed)))

    def _die(self, record: Record) -> None:
        item = item_of(record)
        self.orders.poisoned[item] = SystemExit()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.store, "release", _died)
            with pytest.raises(SystemExit):
                self.handle([record])
        del self.orders.poisoned[item]


def _died(key: str, owner: str) -> Any:
    raise StoreError("died")


@pytest.fixture(autouse=True, scope="module")
def no_pause() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        drive = partial(sync.drive_batch, sleep=lambda _: None)
        patch.setattr(sync, "drive_batch", drive)
        yield


@given(source=SOURCES, fates=FATES, kind=STORES)
def test_the_report_is_exact(source: str, fates: list[Fate], kind: type[CountedStore]) -> None:
    world = World(source, fates, kind)
    for number, fate in enumerate(fates):
        if fate.poisoned:
            world.orders.poisoned[str(number)] = ValueError("a bug")
    failed = world.handle(world.records)
    assert failed == expected(source, fates)
    effects = Counter(world.orders.done)
    for number, fate in enumerate(fates):
        done = str(number) not in failed or fate.before == "done"
        assert effects[str(number)] == done


@given(source=SOURCES, fates=FATES, kind=STORES)
def test_what_is_delivered_until_it_succeeds_has_one_effect(
    source: str, fates: list[Fate], kind: type[CountedStore]
) -> None:
    world = World(source, fates, kind)
    world.handle(world.records)
    world.keys_are_missing = False
    world.clock.advance(LEASE + 3)
    assert world.handle(world.records) == []
    assert Counter(world.orders.done) == Counter(map(str, range(len(fates))))


@given(
    source=SOURCES,
    count=st.integers(1, 5),
    kind=STORES,
    lost=st.dictionaries(st.integers(0, 12), st.booleans(), max_size=3),
)
def test_what_is_lost_changes_neither_effects_nor_their_order(
    source: str, count: int, kind: type[CountedStore], lost: dict[int, bool]
) -> None:
    fate = Fate("a", "new", poisoned=False, has_key=True)
    world = World(source, [fate] * count, kind)
    world.store.lost = lost
    for _ in range(2):
        world.handle(world.records)
        world.clock.advance(LEASE + 3)
    world.store.lost = {}
    assert world.handle(world.records) == []
    done = list(map(str, range(count)))
    assert (sorted(world.orders.done) if source == "sqs" else world.orders.done) == done
