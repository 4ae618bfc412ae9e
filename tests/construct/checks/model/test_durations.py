"""Durations in words."""

from __future__ import annotations

import pytest

from cdk_idempotency.checks.model.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (345600, "4 days"),
        (86400, "1 day"),
        (90000, "25 hours"),
        (3600, "1 hour"),
        (90, "90 seconds"),
        (60, "1 minute"),
        (1, "1 second"),
        (0.5, "0.5 seconds"),
        (5.25, "5.25 seconds"),
    ],
)
def test_a_time_is_said_in_the_largest_unit_that_needs_no_fraction(
    seconds: float, text: str
) -> None:
    assert in_words(seconds) == text
