"""Each invocation of a deployed function writes its line of metrics."""

from __future__ import annotations

from uuid import uuid4

import pytest

from kit.aws.deployed import Deployed
from kit.emf import Line, parse_all

pytestmark = pytest.mark.xdist_group("deployed")


def _line(deployed: Deployed, function: str, event: object) -> Line:
    [line] = parse_all(deployed.log(function, event))
    return line


def test_a_first_call_and_a_replay_are_counted(deployed: Deployed) -> None:
    event = {"id": uuid4().hex, "amount": 1}
    first, replay = _line(deployed, "Default", event), _line(deployed, "Default", event)
    assert first.counts == {"Executed": 1}
    assert len(first.values["StoreLatency"]) == 2
    assert replay.counts == {"Replayed": 1}
    assert first.records == replay.records


def test_the_dimensions_are_the_table_and_the_namespace(deployed: Deployed) -> None:
    line = _line(deployed, "Default", {"id": uuid4().hex, "amount": 1})
    table = deployed.configuration("Default")["Environment"]["Variables"]["IDEMPOTENCY_TABLE"]
    assert line.dimensions == {"store": table, "namespace": "E2E/Default"}


def test_the_log_has_no_key(deployed: Deployed) -> None:
    key = uuid4().hex
    assert key not in deployed.log("Default", {"id": key, "amount": 1})
