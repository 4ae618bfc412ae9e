"""The doctor's look at the clock: a slow answer is no wrong clock."""

from __future__ import annotations

import pytest

from cdk_idempotency_cli.doctor.clock import clock

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("sent", "served", "received"),
    [(0, 0, 0), (0, -1, 0), (0, 9, 20), (0.9, 0, 30)],
)
def test_a_clock_that_agrees_is_in_order(sent: float, served: float, received: float) -> None:
    assert clock(NOW + sent, NOW + served, NOW + received).level == "ok"


@pytest.mark.parametrize(("served", "said"), [(-60, "60 s ahead"), (70, "60 s behind")])
def test_one_that_does_not_is_told_with_its_direction(served: float, said: str) -> None:
    found = clock(NOW, NOW + served, NOW + 10)
    assert found.level == "warning"
    assert said in found.text
