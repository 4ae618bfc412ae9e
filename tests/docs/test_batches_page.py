"""The table of docs/batches.md has the sources that there are, and says what each of them does."""

from __future__ import annotations

from typing import Any

import pytest

from kit.batches import EVERY
from kit.pages import cells_of, text_of
from lambda_idempotency.identity.batch_sources import MAPPINGS, BatchSource
from lambda_idempotency.identity.records import BatchRecord, records_of

ROWS = {
    cells[0]: cells[1:]
    for line in text_of("batches").splitlines()
    if len(cells := cells_of(line)) == 4 and "---" not in cells[0]
}
SOURCES = {source.title: source for source in MAPPINGS.values()}


def _record(source: BatchSource) -> BatchRecord:
    events: list[Any] = [each.event(each.make("1")) for each in EVERY.values()]
    mapped = [record for event in events if isinstance(event, dict) for record in records_of(event)]
    return next(record for record in mapped if record.source is source)


def test_the_table_has_every_source_and_no_other() -> None:
    assert [*ROWS] == ["source", *SOURCES]


@pytest.mark.parametrize("title", SOURCES)
def test_a_row_says_what_is_delivered_again_and_what_waits(title: str) -> None:
    source, (_, again, waits) = SOURCES[title], ROWS[title]
    assert (again == "the whole batch") is not source.responds
    group = _record(source).group
    assert ("the rest waits" in waits) is (group == "")
    assert ("partition waits" in waits) is (group == "orders-0")
    assert ("others run" in waits) is (group is None)


@pytest.mark.parametrize("title", SOURCES)
def test_a_row_says_what_is_the_key(title: str) -> None:
    record, key = _record(SOURCES[title]), ROWS[title][0]
    if key.startswith("`"):
        value: Any = record.delivered
        for name in key.strip("`").split("."):
            value = value[name]
        assert value == record.identity
    elif "offset" in key:
        assert record.identity == ["0", "1", record.delivered["timestamp"]]
    else:
        assert (key, record.identity) == ("none: pass one", None)
