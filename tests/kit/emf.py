"""A reader of what the runtime writes for CloudWatch; it fails on anything that CloudWatch would
refuse.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass

UNITS = {"Count", "Milliseconds"}
MARK = '{"_aws":'


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of metrics."""

    dimensions: dict[str, str]
    values: dict[str, list[float]]
    records: list[str]

    @property
    def counts(self) -> dict[str, float]:
        """The sum of each metric that counts."""
        return {name: sum(found) for name, found in self.values.items() if name != "StoreLatency"}


def parse(text: str) -> Line:
    """Return the line. Raises AssertionError if CloudWatch would take no metrics from it."""
    assert len(text.encode()) < 256 * 1024
    assert text.isascii()
    document = json.loads(text)
    metadata = document.pop("_aws")
    assert isinstance(metadata["Timestamp"], int)
    [directive] = metadata["CloudWatchMetrics"]
    assert directive["Namespace"] == "CdkIdempotency"
    assert directive["Dimensions"] == [["store"], ["store", "namespace"]]
    assert 1 <= len(directive["Metrics"]) <= 100
    values: dict[str, list[float]] = {}
    for definition in directive["Metrics"]:
        assert definition["Unit"] in UNITS
        value = document.pop(definition["Name"])
        found = value if isinstance(value, list) else [value]
        assert 1 <= len(found) <= 100
        assert all(type(each) in (int, float) for each in found)
        values[definition["Name"]] = found
    records = document.pop("records")
    for dimension in document.values():
        assert isinstance(dimension, str)
        assert 1 <= len(dimension) <= 1024
        assert dimension.strip()
    assert document.keys() == {"store", "namespace"}
    return Line(dimensions=document, values=values, records=records)


def parse_all(output: str) -> list[Line]:
    """Return the lines of metrics in a process's output."""
    return [parse(line) for line in output.splitlines() if line.startswith(MARK)]


def total(lines: list[Line]) -> dict[str, float]:
    """Return the sum of each metric over the lines."""
    found: dict[str, float] = {}
    for line in lines:
        for name, count in line.counts.items():
            found[name] = found.get(name, 0) + count
    return found
