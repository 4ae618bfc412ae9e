"""CloudWatch can read the metrics of any invocation, and none is lost."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from kit.emf import parse_all, total
from lambda_idempotency.contract.names import METRICS
from lambda_idempotency.metrics.emf import LATENCY, Event, MetricsSource, lines

SOURCES = st.builds(
    MetricsSource,
    store=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=255),
    namespace=st.text("abcXYZ019._/-", min_size=1, max_size=128),
)
KEYS = st.none() | st.builds("{}#{:064x}".format, st.just("Payments"), st.integers(0, 40))
EVENTS = st.lists(
    st.tuples(st.sampled_from([m for m in METRICS if m != LATENCY]), KEYS), max_size=350
)
LATENCIES = st.lists(st.floats(0, 900_000), max_size=350)


@given(source=SOURCES, events=EVENTS, latencies=LATENCIES)
def test_all_that_has_happened_is_in_lines_that_cloudwatch_reads(
    source: MetricsSource, events: list[Event], latencies: list[float]
) -> None:
    found = parse_all(lines(source, events, latencies, 1_700_000_000.5))
    assert all(line.dimensions == source._asdict() for line in found)
    assert total(found) == Counter(metric for metric, _ in events)
    told = [value for line in found for value in line.values.get(LATENCY, [])]
    assert told == [float(f"{each:.3f}") for each in latencies]
    ids = {key for _, key in events if key is not None}
    assert {record for line in found for record in line.records} == ids


def test_nothing_is_said_where_nothing_has_happened() -> None:
    assert lines(MetricsSource("table", "shop"), [], [], 0) == ""


def test_a_hundred_values_are_one_line_and_one_more_are_two() -> None:
    for count, expected in ((100, 1), (101, 2)):
        found = parse_all(lines(MetricsSource("table", "shop"), [], [1.0] * count, 0))
        assert len(found) == expected


def test_a_line_break_in_a_name_makes_no_line_of_its_own() -> None:
    hostile = 'shop\n{"_aws": 1}\r\u2028"'
    text = lines(MetricsSource(hostile, hostile), [("Executed", f"{hostile}#1")], [1.0], 0)
    assert len(text.splitlines()) == 1
    [line] = parse_all(text)
    assert line.records == [f"{hostile}#1"]
