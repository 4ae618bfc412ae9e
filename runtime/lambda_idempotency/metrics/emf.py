"""Lines in CloudWatch's embedded metric format, which needs no agent and no request.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted
from typing import Final, TypeAlias

from ..contract.names import METRIC_NAMESPACE
from ..protocol.record import Metric
from ..tuples import NamedTuple

VALUES: Final = 100
"""The most values that a metric may have in one line."""

LATENCY: Final[Metric] = "StoreLatency"

Event: TypeAlias = tuple[Metric, str | None]
"""A metric to count, and the id of the record that it is about, if any."""


class MetricsSource(NamedTuple):
    """The dimensions of the metrics. `store` is unique in an account and region."""

    store: str
    namespace: str


def lines(source: MetricsSource, events: list[Event], latencies: list[float], now: float) -> str:
    """Return the events and latencies as one line, or as many as the format's limits demand.

    Return '' if there are none. `latencies` are in milliseconds, `now` in epoch seconds.
    """
    if len(events) <= VALUES and len(latencies) <= VALUES:
        return _line(source, events, latencies, now) if events or latencies else ""
    count = max(len(events), len(latencies))
    parts = [slice(start, start + VALUES) for start in range(0, count, VALUES)]
    return "".join([_line(source, events[part], latencies[part], now) for part in parts])


def _line(source: MetricsSource, events: list[Event], latencies: list[float], now: float) -> str:
    head, tail = _frame(source, tuple([metric for metric, _ in events]), bool(latencies))
    taken = f"[{','.join([f'{each:.3f}' for each in latencies])}]" if latencies else ""
    keys = [quoted(key) for _, key in events if key is not None]
    if len(keys) > 1:
        keys = [*dict.fromkeys(keys)]
    return f'{{"_aws":{{"Timestamp":{int(now * 1000)},{head}{taken}{tail}{",".join(keys)}]}}\n'


@lru_cache
def _frame(source: MetricsSource, metrics: tuple[Metric, ...], timed: bool) -> tuple[str, str]:  # noqa: FBT001
    """Return the text around the latencies; lines with the same counts have it in common."""
    counts: dict[str, int] = {}
    for metric in metrics:
        counts[metric] = counts.get(metric, 0) + 1
    definitions = [f'{{"Name":"{name}","Unit":"Count"}}' for name in counts]
    if timed:
        definitions.append(f'{{"Name":"{LATENCY}","Unit":"Milliseconds"}}')
    values = "".join([f'"{name}":{count},' for name, count in counts.items()])
    dimensions = f'"store":{quoted(source.store)},"namespace":{quoted(source.namespace)}'
    head = (
        f'"CloudWatchMetrics":[{{"Namespace":"{METRIC_NAMESPACE}",'
        f'"Dimensions":[["store"],["store","namespace"]],"Metrics":[{",".join(definitions)}]}}]}},'
        f"{values}{dimensions},"
    )
    return (f'{head}"{LATENCY}":', ',"records":[') if timed else (head, '"records":[')
